//! Who on one node watches which channel.
//!
//! May not enter: anything that waits. Over Redis a task makes true what is wished for here.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::{
    error::SignalError,
    limits::WATCHES_MAX,
    signals::Watch,
    traffic::{Lost, Traffic},
};

/// The lock is held for a few lines, and never together with another.
#[derive(Debug)]
pub(crate) struct Watchers {
    state: Mutex<State>,
    traffic: Traffic,
    /// There is something to subscribe to, or to drop.
    pub(crate) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    channels: HashMap<String, Channel>,
    /// Channels that nobody watches any more. Taken by whoever subscribes; in memory nobody does.
    unwatched: Option<HashSet<String>>,
    len: usize,
    next_id: u64,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct Channel {
    watches: Vec<(u64, mpsc::Sender<Bytes>)>,
    is_confirmed: bool,
    /// Watches that wait for the confirmation.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Watchers {
    /// On a bus where to watch is no more than to say so.
    pub(crate) fn in_memory(traffic: Traffic) -> Arc<Self> {
        Self::new(traffic, None)
    }

    /// On a bus where channels must be subscribed to.
    pub(crate) fn subscribing(traffic: Traffic) -> Arc<Self> {
        Self::new(traffic, Some(HashSet::new()))
    }

    fn new(traffic: Traffic, unwatched: Option<HashSet<String>>) -> Arc<Self> {
        let state = State { unwatched, ..State::default() };
        Arc::new(Self { state: Mutex::new(state), traffic, changed: Notify::new() })
    }

    pub(crate) fn open(
        self: &Arc<Self>,
        channel: &str,
        len_max: usize,
    ) -> Result<Watch, SignalError> {
        let (sender, signals) = mpsc::channel(len_max.max(1));
        let state = &mut *self.state.lock();
        if state.is_closed {
            return Err(SignalError::Gone);
        }
        if state.len >= WATCHES_MAX {
            return Err(SignalError::Full { what: "watches", len_max: WATCHES_MAX });
        }
        let id = state.next_id;
        state.next_id += 1;
        state.len += 1;
        if let Some(unwatched) = &mut state.unwatched {
            unwatched.remove(channel);
        }
        state.channels.entry(channel.to_owned()).or_default().watches.push((id, sender));
        Ok(Watch::new(self, channel, id, signals))
    }

    pub(crate) fn close(&self, channel: &str, id: u64) {
        let state = &mut *self.state.lock();
        let Some(found) = state.channels.get_mut(channel) else { return };
        let len = found.watches.len();
        found.watches.retain(|(watch, _)| *watch != id);
        state.len -= len - found.watches.len();
        if found.watches.is_empty() {
            state.channels.remove(channel);
            if let Some(unwatched) = &mut state.unwatched {
                unwatched.insert(channel.to_owned());
                self.changed.notify_one();
            }
        }
    }

    /// Ends every watch, and takes none any more.
    pub(crate) fn close_all(&self) {
        let state = &mut *self.state.lock();
        state.is_closed = true;
        state.channels.clear();
    }

    /// Hands one signal to everyone who watches, and says whether anyone does.
    pub(crate) fn hand_out(&self, channel: &str, bytes: &Bytes) -> bool {
        let state = self.state.lock();
        let Some(found) = state.channels.get(channel) else { return false };
        for (_, watch) in &found.watches {
            if watch.try_send(bytes.clone()).is_err() {
                self.traffic.lost(Lost::WatchFull, 1);
            }
        }
        true
    }

    pub(crate) fn has(&self, channel: &str) -> bool {
        self.state.lock().channels.contains_key(channel)
    }

    // What follows is for a bus where channels must be subscribed to.

    /// What to wait for, if `channel` is not subscribed to yet.
    pub(crate) fn confirmation(&self, channel: &str) -> Option<oneshot::Receiver<()>> {
        let state = &mut *self.state.lock();
        let found = state.channels.get_mut(channel).filter(|found| !found.is_confirmed)?;
        let (confirm, confirmed) = oneshot::channel();
        found.waiting.retain(|waiting| !waiting.is_closed());
        found.waiting.push(confirm);
        Some(confirmed)
    }

    /// The channels to subscribe to.
    pub(crate) fn wishes(&self) -> Vec<String> {
        let state = self.state.lock();
        let wished = state.channels.iter().filter(|(_, found)| !found.is_confirmed);
        wished.map(|(channel, _)| channel.clone()).collect()
    }

    pub(crate) fn confirm(&self, channels: &[String]) {
        let state = &mut *self.state.lock();
        for channel in channels {
            let Some(found) = state.channels.get_mut(channel) else { continue };
            found.is_confirmed = true;
            for waiting in found.waiting.drain(..) {
                // Whoever no longer waits has closed the watch.
                waiting.send(()).ok();
            }
        }
    }

    /// Wishes for everything once more.
    pub(crate) fn wish_again(&self) {
        for found in self.state.lock().channels.values_mut() {
            found.is_confirmed = false;
        }
    }

    /// Lets everyone who waits know that it did not work out.
    pub(crate) fn disappoint(&self) {
        for found in self.state.lock().channels.values_mut() {
            found.waiting.clear();
        }
    }

    /// Takes the channels that nobody watches any more.
    pub(crate) fn unwatched(&self) -> Vec<String> {
        let state = &mut *self.state.lock();
        state.unwatched.as_mut().map(|unwatched| unwatched.drain().collect()).unwrap_or_default()
    }
}
