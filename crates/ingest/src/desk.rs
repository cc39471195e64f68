//! What was taken in and is not settled yet. (A stand-in: everything is settled at once.)

use std::time::SystemTime;

use bytes::Bytes;
use notice::Stamp;
use tokio::time::Instant;

use crate::{
    fate::Fate,
    intake::{Incoming, Intake},
    metrics::Road,
};

#[derive(Debug)]
pub(crate) struct Desk<T> {
    intake: Intake,
    road: Road,
    held: Vec<T>,
}

/// One message with its ticket.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) ticket: T,
    pub(crate) json: Bytes,
    pub(crate) stamp: Option<Stamp>,
    pub(crate) handed_in: SystemTime,
}

impl<T> Desk<T> {
    pub(crate) fn new(intake: Intake, road: Road, _held_len_max: usize) -> Self {
        Self { intake, road, held: Vec::new() }
    }

    pub(crate) async fn take(&mut self, entries: Vec<Entry<T>>) -> Vec<(T, Fate)> {
        let incoming: Vec<_> = entries
            .iter()
            .map(|entry| Incoming {
                json: &entry.json,
                stamp: entry.stamp,
                handed_in: entry.handed_in,
            })
            .collect();
        let fates = self.intake.settle(self.road, &incoming).await;
        entries.into_iter().map(|entry| entry.ticket).zip(fates).collect()
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        None
    }

    pub(crate) async fn flush(&mut self) -> Vec<(T, Fate)> {
        std::future::ready(Vec::new()).await
    }

    pub(crate) async fn flush_all(&mut self) -> Vec<(T, Fate)> {
        self.flush().await
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }
}
