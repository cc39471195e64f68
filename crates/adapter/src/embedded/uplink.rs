//! What clients said, kept in memory for those of the same process.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, atomic::AtomicUsize},
};

use parking_lot::Mutex;

use crate::{
    limits::UPLINK_LEN_MAX,
    uplink::{Fields, Handed},
};

/// The newest entries of all nodes.
#[derive(Default)]
pub(crate) struct Kept {
    stream: Mutex<Stream>,
    /// Always nothing: an entry is kept as soon as it is handed in.
    waiting: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Stream {
    count: u64,
    entries: VecDeque<Fields>,
}

impl Kept {
    pub(crate) fn waiting(&self) -> &Arc<AtomicUsize> {
        &self.waiting
    }

    pub(crate) fn keep(&self, handed: Handed) {
        let count = {
            let mut stream = self.stream.lock();
            stream.count += 1;
            stream.entries.push_back(handed.written.fields.clone());
            if stream.entries.len() > UPLINK_LEN_MAX {
                stream.entries.pop_front();
            }
            stream.count
        };
        handed.settle(Ok(format!("0-{count}")));
    }

    pub(super) fn all(&self) -> Vec<Fields> {
        self.stream.lock().entries.iter().cloned().collect()
    }
}

impl fmt::Debug for Kept {
    // What clients say is theirs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} entries)", self.stream.lock().entries.len())
    }
}
