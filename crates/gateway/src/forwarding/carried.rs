//! Each WebSocket that goes through this node to another: when this one goes, they are told one by one, as its own
//! sockets are.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Debug, Default)]
pub(crate) struct Carried(Arc<List>);

#[derive(Debug, Default)]
struct List {
    by_number: Mutex<HashMap<u64, CancellationToken>>,
    next: AtomicU64,
}

/// One of them, until dropped.
pub(super) struct Listed {
    list: Arc<List>,
    number: u64,
    go: CancellationToken,
}

impl Carried {
    pub(super) fn list(&self) -> Listed {
        let (number, go) = (self.0.next.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        self.0.by_number.lock().insert(number, go.clone());
        Listed { list: Arc::clone(&self.0), number, go }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.by_number.lock().len()
    }

    /// By which each is told to go.
    pub(crate) fn all(&self) -> Vec<CancellationToken> {
        self.0.by_number.lock().values().cloned().collect()
    }
}

impl Listed {
    pub(super) async fn told_to_go(&self) {
        self.go.cancelled().await;
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.list.by_number.lock().remove(&self.number);
    }
}
