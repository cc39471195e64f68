//! The certificate that is shown now, and the look at its files for a newer one.
//!
//! The files' whole text is compared, not their times: a secret's files are links that are pointed
//! elsewhere, and a time may stand still.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{task::spawn_blocking, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    events::{self, Events},
    identity::{Files, Identity, IdentityError, Texts},
};

/// How often the files are looked at.
pub(super) const PERIOD: Duration = Duration::from_secs(5);
/// How often it is said that the end is near.
const WARNING_PERIOD: Duration = Duration::from_hours(24);

#[derive(Debug)]
pub(super) struct Renewal(Mutex<Identity>);

/// What was told already.
#[derive(Default)]
struct Told {
    /// The trouble with files that would not do; gone when they do, or hold what is shown.
    refusal: Option<String>,
    end_at: Option<Instant>,
}

impl Renewal {
    pub(super) fn new(identity: Identity) -> Self {
        Self(Mutex::new(identity))
    }

    /// Looks at the files now and then, until `stop`.
    pub(super) async fn run(&self, events: &Events, stop: CancellationToken) {
        let mut told = Told::default();
        loop {
            self.tell_of_end(events, &mut told);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
            self.look(events, &mut told).await;
        }
    }

    async fn look(&self, events: &Events, told: &mut Told) {
        let (files, known) = {
            let identity = self.0.lock();
            (identity.files.clone(), identity.texts.clone())
        };
        // A disk may be far away.
        let Ok(newer) = spawn_blocking(move || newer(&files, &known)).await else { return };
        match newer {
            Ok(None) => told.refusal = None,
            Ok(Some(identity)) => {
                *told = Told::default();
                events.renewed(identity.until);
                *self.0.lock() = identity;
            }
            Err(error) => {
                let said = error.to_string();
                if told.refusal.as_ref() != Some(&said) {
                    events.not_renewed(&error);
                    told.refusal = Some(said);
                }
            }
        }
    }

    fn tell_of_end(&self, events: &Events, told: &mut Told) {
        let (until, ends_soon) = {
            let identity = self.0.lock();
            (identity.until, identity.ends_soon(SystemTime::now()))
        };
        events.expires(until);
        if ends_soon && told.end_at.is_none_or(|at| at.elapsed() >= WARNING_PERIOD) {
            events::ends_soon(until);
            told.end_at = Some(Instant::now());
        }
    }
}

impl ResolvesServerCert for Renewal {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().shown))
    }
}

/// What the files hold, unless it is what is known.
fn newer(files: &Files, known: &Texts) -> Result<Option<Identity>, IdentityError> {
    let texts = files.read()?;
    if texts == *known { Ok(None) } else { files.identity(texts, SystemTime::now()).map(Some) }
}

#[cfg(test)]
mod tests;
