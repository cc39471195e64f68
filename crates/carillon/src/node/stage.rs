//! Tasks that stop together and are waited for together.

use std::future::Future;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::events;

/// One part of a node. Dropped, its tasks are cut.
#[derive(Debug)]
pub(super) struct Stage<T: 'static> {
    name: &'static str,
    stop: CancellationToken,
    tasks: JoinSet<T>,
}

impl<T: Send + 'static> Stage<T> {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, stop: CancellationToken::new(), tasks: JoinSet::new() }
    }

    /// Runs a task that ends soon after the token it is given is cancelled.
    pub(super) fn spawn<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.tasks.spawn(task(self.stop.clone()));
    }

    /// The next task's result; `None` if there is none, or it panicked. Cancellation-safe.
    pub(super) async fn ended(&mut self) -> Option<T> {
        self.tasks.join_next().await.and_then(Result::ok)
    }

    /// Waits for a task to end although nobody stopped it. Never returns for a stage without tasks.
    pub(super) async fn ends_early(&mut self) -> &'static str {
        if self.tasks.is_empty() {
            std::future::pending::<()>().await;
        }
        let _ended = self.tasks.join_next().await;
        self.name
    }

    /// Says stop, then waits for all.
    pub(super) async fn close(mut self) {
        if self.tasks.is_empty() {
            return;
        }
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        events::stage_closed(self.name);
    }
}
