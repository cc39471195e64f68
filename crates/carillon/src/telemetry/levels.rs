//! Which log lines are written, and for how long otherwise than the settings say.
//!
//! Promise: what was changed while the node runs goes back by itself.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::events::{self, AUDIT};

/// What hands a filter to the lines that are written. A test that runs several nodes in its process has none.
type Handle = reload::Handle<EnvFilter, Registry>;

/// The filter in force, and the way to another. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    handle: Option<Handle>,
    settled: Arc<str>,
    now: watch::Sender<Filter>,
}

#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) text: Arc<str>,
    /// When it goes back to that of the settings; `None`: it is that one.
    pub(crate) until: Option<(Instant, SystemTime)>,
}

impl Levels {
    pub(super) fn new(settled: &str, handle: Option<Handle>) -> Self {
        let settled = Arc::from(settled);
        let now = watch::Sender::new(Filter { text: Arc::clone(&settled), until: None });
        Self { handle, settled, now }
    }

    /// Of a process whose lines somebody else writes.
    pub(crate) fn of_nobody(settled: &str) -> Self {
        Self::new(settled, None)
    }

    /// That of the settings.
    pub(crate) fn settled(&self) -> &str {
        &self.settled
    }

    pub(crate) fn now(&self) -> Filter {
        self.now.borrow().clone()
    }

    /// Has other lines written for a while, those of the audit always among them: nobody silences it from
    /// here. Fails if `text` is no filter.
    pub(crate) fn change(&self, text: &str, span: Duration) -> anyhow::Result<()> {
        anyhow::ensure!(!text.trim().is_empty(), "the filter is empty");
        let filter = passed(parse(text)?, AUDIT)?;
        let until = Some((Instant::now() + span, SystemTime::now() + span));
        self.now.send_modify(|now| {
            self.put(filter);
            *now = Filter { text: Arc::from(text), until };
        });
        Ok(())
    }

    /// Goes back in time, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut changes = self.now.subscribe();
        loop {
            let until = changes.borrow_and_update().until;
            let due = async {
                match until {
                    Some((at, _)) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                // It holds a sender itself, so that this never ends for want of one.
                _ = changes.changed() => {}
                () = due => self.go_back(),
            }
        }
    }

    fn go_back(&self) {
        let went = self.now.send_if_modified(|now| {
            let is_other = now.until.is_some_and(|(at, _)| at <= Instant::now());
            if is_other {
                self.put(parse(&self.settled).expect("the settings were read"));
                *now = Filter { text: Arc::clone(&self.settled), until: None };
            }
            is_other
        });
        if went {
            events::levels_back(&self.settled);
        }
    }

    fn put(&self, filter: EnvFilter) {
        if let Some(handle) = &self.handle {
            // It fails when the lines have no writer any more, and then nobody reads them.
            drop(handle.reload(filter));
        }
    }
}

/// The filter of lines that `text` asks for. Spans pass it always: they are recorded or not for reasons of
/// their own.
pub(super) fn parse(text: &str) -> anyhow::Result<EnvFilter> {
    let filter = EnvFilter::builder().parse(text).context("read the filter")?;
    passed(filter, trace::SPANS)
}

/// Lets all of `target` at `info` pass, too.
fn passed(filter: EnvFilter, target: &str) -> anyhow::Result<EnvFilter> {
    let directive = format!("{target}=info").parse().context("let a target pass")?;
    Ok(filter.add_directive(directive))
}

#[cfg(test)]
mod tests {
    //! That a change ends.

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_changed_goes_back_by_itself() {
        let (levels, stop) = (Levels::of_nobody("info"), CancellationToken::new());
        levels.change("debug", Duration::from_mins(10)).unwrap();
        assert_eq!((&*levels.now().text, levels.now().until.is_some()), ("debug", true));
        let running = levels.clone().run(stop.clone());
        let mut seen = levels.now.subscribe();
        let back = async {
            seen.wait_for(|filter| filter.until.is_none()).await.unwrap();
            stop.cancel();
        };
        let began = Instant::now();
        tokio::join!(running, back);
        assert_eq!(&*levels.now().text, "info");
        assert!(began.elapsed() >= Duration::from_mins(10));
    }

    #[test]
    fn what_is_no_filter_changes_nothing() {
        let levels = Levels::of_nobody("info");
        for text in ["a=b=c", "", " "] {
            assert!(levels.change(text, Duration::from_secs(1)).is_err(), "{text:?}");
        }
        assert_eq!(&*levels.now().text, "info");
    }
}
