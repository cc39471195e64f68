//! The keys that are valid now: those of the settings, and those of files, which are read again while the
//! node runs.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task, time};
use tokio_util::sync::CancellationToken;

use crate::{
    events::ApiEvents,
    settings::{ApiKey, Internal, KeyFiles},
};

/// How often the files are looked at. They are few and small.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Those keys, as they are at the moment of looking.
pub(super) type Keys = watch::Receiver<Arc<[ApiKey]>>;

/// Reads the files again.
#[derive(Debug)]
pub(super) struct Keyring {
    /// Valid whatever the files say.
    settled: Vec<ApiKey>,
    files: KeyFiles,
    valid: watch::Sender<Arc<[ApiKey]>>,
    events: ApiEvents,
}

impl Keyring {
    /// The keys at the start, and what keeps them up to date; `None` if none are in files.
    pub(super) fn open(config: &Internal, events: ApiEvents) -> (Keys, Option<Self>) {
        let settled = config.api_keys.clone();
        let first = config.api_key_files.as_ref().map_or(&[][..], KeyFiles::first);
        let (valid, keys) = watch::channel(joined(&settled, first));
        let files = config.api_key_files.clone();
        (keys, files.map(|files| Self { settled, files, valid, events }))
    }

    /// Looks at the files now and then, until `stop`. While they cannot be read, what was read last holds.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut told = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = time::sleep(LOOK_EVERY) => {}
            }
            let files = self.files.clone();
            let read = task::spawn_blocking(move || files.read()).await;
            match read.expect("reading files does not panic, and nobody aborts it") {
                Ok(keys) => {
                    told = None;
                    self.take(&keys);
                }
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    self.events.keys_unreadable(&error, told.as_ref() != Some(&error));
                    told = Some(error);
                }
            }
        }
    }

    fn take(&self, read: &[ApiKey]) {
        let keys = joined(&self.settled, read);
        let changed = self.valid.send_if_modified(|valid| {
            let is_new = *valid != keys;
            valid.clone_from(&keys);
            is_new
        });
        if changed {
            self.events.keys_changed(&keys);
        }
    }
}

fn joined(settled: &[ApiKey], read: &[ApiKey]) -> Arc<[ApiKey]> {
    settled.iter().chain(read).cloned().collect()
}
