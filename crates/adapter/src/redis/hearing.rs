//! Hands what a node hears to its inbox, in order, and reads from the store what it did not hear.

use std::{sync::Arc, time::Duration};

use fred::types::Message;
use notice::{Audience, Epoch, Kind, Notice};
use tokio::{
    sync::{
        Notify,
        broadcast::{self, error::RecvError},
        mpsc,
    },
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    inbox::Arrival,
    metrics::PutOutCause,
    redis::{
        bus::Bus,
        ears::Ears,
        envelope::Envelope,
        events::{Cause, irreparable},
        leases::Leases,
        mark::Fit,
        put_out::PutOut,
    },
    store::{CatchUp, Since},
};

const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(1);

/// The task behind one node's [`Inbox`](crate::Inbox).
pub(super) struct Hearing {
    pub(super) bus: Arc<Bus>,
    pub(super) ears: Arc<Ears>,
    pub(super) leases: Arc<Leases>,
    pub(super) messages: broadcast::Receiver<Message>,
    /// Waits when full. What is not read from the connection meanwhile is dropped at its limit, and
    /// repaired.
    pub(super) inbox: mpsc::Sender<Arrival>,
    pub(super) lagged: Arc<Notify>,
}

/// The inbox is gone: nobody hears any more.
struct Gone;

impl Hearing {
    /// Runs until `stop` or until the inbox is gone.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let inbox = self.inbox.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = inbox.closed() => {}
            Gone = self.hear_all() => {}
        }
    }

    async fn hear_all(&mut self) -> Gone {
        loop {
            let message = tokio::select! {
                biased;
                () = self.ears.suspected.notified() => None,
                message = self.messages.recv() => Some(message),
            };
            let handed_on = match message {
                None => self.repair_suspects().await,
                Some(Ok(message)) => self.hear(message).await,
                Some(Err(RecvError::Lagged(_))) => {
                    self.lagged.notify_one();
                    Ok(())
                }
                Some(Err(RecvError::Closed)) => Err(Gone),
            };
            if let Err(gone) = handed_on {
                return gone;
            }
        }
    }

    async fn hear(&self, message: Message) -> Result<(), Gone> {
        let Some(bytes) = message.value.into_bytes() else { return Ok(()) };
        if let Some(put_out) = PutOut::read(&bytes) {
            return self.put_out(put_out).await;
        }
        let notice: Arc<Notice> = match Envelope(bytes).try_into() {
            Ok(notice) => notice,
            Err(error) => {
                self.bus.events.unreadable(&error);
                return Ok(());
            }
        };
        let (audience, at) = (&notice.draft.audience, &notice.position);
        let is_plain = matches!(notice.draft.kind, Kind::Plain);
        let mut fit = self.ears.fit(audience, at, is_plain);
        if fit == Some(Fit::Hole) {
            self.repair(audience, &at.epoch, Cause::Hole).await?;
            fit = self.ears.fit(audience, at, is_plain);
        }
        // Should it still be a hole, reading the store will never work, and this is all there is.
        if let Some(Fit::Next | Fit::Hole) = fit {
            self.ears.mark(audience, |mark| mark.hear(at));
            self.hand_on(Arrival::Notice(Arc::clone(&notice))).await?;
        }
        Ok(())
    }

    async fn put_out(&self, PutOut { room, members }: PutOut) -> Result<(), Gone> {
        let ours = members
            .into_iter()
            .filter(|(member, ticket)| self.leases.held.put_out(&room, member, *ticket));
        let members: Vec<_> = ours.map(|(member, _)| member).collect();
        if members.is_empty() {
            return Ok(());
        }
        self.bus.metrics.put_out(PutOutCause::Replaced, members.len());
        self.hand_on(Arrival::PutOut { room, members }).await
    }

    async fn repair_suspects(&self) -> Result<(), Gone> {
        for (audience, epoch) in self.ears.suspects() {
            self.repair(&audience, &epoch, Cause::Behind).await?;
        }
        Ok(())
    }

    /// Hands on, in order, what the store keeps of all that was not heard.
    async fn repair(&self, audience: &Audience, epoch: &Epoch, cause: Cause) -> Result<(), Gone> {
        let Some(since) = self.ears.since(audience, epoch) else { return Ok(()) };
        let Some(caught) = self.catch_up(audience, Since::Position(&since)).await else {
            return Ok(());
        };
        let Some(newest) = caught.position else { return Ok(()) };
        if newest.epoch == since.epoch && newest.seq <= since.seq {
            return Ok(());
        }
        self.bus.events.repaired(cause);
        if let Some(gap) = caught.gap {
            self.hand_on(Arrival::Gap(Arc::new(gap))).await?;
        }
        let mut missed: Vec<_> = caught.live.into_iter().chain(caught.finals).collect();
        missed.retain(|notice| newest.epoch != since.epoch || notice.position.seq > since.seq);
        missed.sort_unstable_by_key(|notice| notice.position.seq);
        self.ears.mark(audience, |mark| mark.fill(newest));
        for notice in missed {
            self.hand_on(Arrival::Notice(notice)).await?;
        }
        Ok(())
    }

    /// Waits for Redis if it is away: what comes after must not be handed on before. `None` if it
    /// will never answer this.
    async fn catch_up(&self, audience: &Audience, since: Since<'_>) -> Option<CatchUp> {
        let mut retry = RETRY_MIN;
        loop {
            match self.bus.catch_up(audience, since).await {
                Ok(caught) => return Some(caught),
                Err(error) if error.is_transient() => {
                    sleep(retry.mul_f64(rand::random_range(0.5..1.5))).await;
                    retry = (retry * 2).min(RETRY_MAX);
                }
                Err(error) => {
                    irreparable(&error);
                    return None;
                }
            }
        }
    }

    async fn hand_on(&self, arrival: Arrival) -> Result<(), Gone> {
        self.inbox.send(arrival).await.map_err(|_| Gone)
    }
}
