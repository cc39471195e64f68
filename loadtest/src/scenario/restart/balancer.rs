//! A balancer that asks every node whether it is ready, and sends newcomers to those that are, by turns.

use std::time::Duration;

use crate::{scenario::returns::Scene, target::Server};

/// How often it asks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The nodes that stay. One that was told to go gets newcomers until the next look.
pub(super) struct Balancer {
    /// The oldest first.
    pub(super) nodes: Vec<Server>,
    /// How many were ready when it looked last.
    pub(super) ready: usize,
    looked: Option<Duration>,
}

impl Balancer {
    pub(super) fn of(nodes: Vec<Server>) -> Self {
        Self { nodes, ready: 0, looked: None }
    }

    /// Asks if it is time to.
    pub(super) fn look(&mut self, scene: &mut Scene) {
        let now = scene.now();
        if self.looked.is_some_and(|looked| now < looked + LOOK_EVERY) {
            return;
        }
        self.looked = Some(now);
        let ready = self.nodes.iter().filter(|node| node.is_ready());
        let ready: Vec<_> = ready.map(|node| node.at.public).collect();
        self.ready = ready.len();
        scene.swarm.serve(ready);
    }
}
