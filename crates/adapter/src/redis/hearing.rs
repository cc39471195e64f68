//! Hands what a node hears to its inbox, in order, and reads from the store what it did not hear.

use std::{collections::BTreeMap, slice, sync::Arc, time::Duration};

use bytes::Bytes;
use fred::types::Message;
use notice::{Audience, Epoch, Kind, Notice, Position};
use tokio::{
    sync::{
        Notify,
        broadcast::{
            self,
            error::{RecvError, TryRecvError},
        },
        mpsc,
    },
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    error::BusError,
    inbox::Arrival,
    metrics::PutOutCause,
    redis::{
        bus::Bus,
        canary::is_canary,
        ears::{Ears, Suspect, Why},
        envelope::Envelope,
        events::{Cause, irreparable},
        leases::Leases,
        mark::{Fit, Mark},
        put_out::PutOut,
    },
    store::{CatchUp, Gap, Since},
};

const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// How long another process may have held the store before we noticed.
const DOUBTFUL: Duration = Duration::from_mins(2);

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
    /// Where this node's own messages to itself go.
    pub(super) echoes: mpsc::Sender<Bytes>,
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
        if is_canary(&bytes) {
            // Should its task be behind, it has more of them than it needs.
            self.echoes.try_send(bytes).ok();
            return Ok(());
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

    async fn repair_suspects(&mut self) -> Result<(), Gone> {
        let suspects = self.ears.suspects();
        // What the store has counted may have come meanwhile.
        loop {
            match self.messages.try_recv() {
                Ok(message) => self.hear(message).await?,
                Err(TryRecvError::Lagged(_)) => self.lagged.notify_one(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for Suspect { audience, why } in suspects {
            match why {
                Why::Behind(newest) if !self.ears.is_behind(&audience, &newest) => {}
                Why::Behind(newest) => self.repair(&audience, &newest.epoch, Cause::Behind).await?,
                Why::Lost => self.renumber(&audience, Cause::Lost).await?,
                Why::TakenOver => self.renumber(&audience, Cause::TakenOver).await?,
                Why::Emptied(heard) => self.own_up(&audience, &heard).await?,
            }
        }
        Ok(())
    }

    /// The store may have lost what we heard, and given its numbers to others, which we would take for
    /// what we know. It counts on behind what was heard, and the latest finals are handed on again.
    async fn renumber(&self, audience: &Audience, cause: Cause) -> Result<(), Gone> {
        let Some(heard) = self.ears.heard(slice::from_ref(audience)).pop().flatten() else {
            // Of an audience of which nothing was heard, all that is kept is news.
            let Some(kept) = self.catch_up(audience, Since::Window(DOUBTFUL)).await else {
                return Ok(());
            };
            let Some(newest) = kept.position else { return Ok(()) };
            return Box::pin(self.repair(audience, &newest.epoch, cause)).await;
        };
        if self.count_on(audience, &heard).await != Some(true) {
            return self.repair(audience, &heard.epoch, cause).await;
        }
        let (since, window) = (Since::Position(&heard), Since::Window(DOUBTFUL));
        let Some(after) = self.catch_up(audience, since).await else { return Ok(()) };
        let Some(again) = self.catch_up(audience, window).await else { return Ok(()) };
        let Some(newest) = again.position else { return Ok(()) };
        self.bus.events.repaired(cause);
        if let (Cause::Lost, Some(gap)) = (cause, after.gap) {
            self.hand_on(Arrival::Gap(Arc::new(gap))).await?;
        }
        let mut notices = BTreeMap::new();
        let all = after.finals.into_iter().chain(again.live).chain(again.finals);
        notices.extend(all.map(|notice| (notice.position.seq, notice)));
        self.ears.mark(audience, |mark| mark.fill(newest));
        for notice in notices.into_values() {
            self.hand_on(Arrival::Notice(notice)).await?;
        }
        Ok(())
    }

    /// The store came back empty: what it took after `heard` and before it went may be gone.
    async fn own_up(&self, audience: &Audience, heard: &Position) -> Result<(), Gone> {
        if self.ears.since(audience, &heard.epoch).is_some_and(|since| since == *heard) {
            return self.repair(audience, &heard.epoch, Cause::TakenOver).await;
        }
        // We hear its new life already, and only the end of the old one is still to be told.
        let Some(caught) = self.catch_up(audience, Since::Position(heard)).await else {
            return Ok(());
        };
        self.bus.events.repaired(Cause::TakenOver);
        self.tell(caught.gap).await
    }

    async fn tell(&self, gap: Option<Gap>) -> Result<(), Gone> {
        match gap {
            Some(gap) => self.hand_on(Arrival::Gap(Arc::new(gap))).await,
            None => Ok(()),
        }
    }

    /// Hands on, in order, what the store keeps of all that was not heard.
    async fn repair(&self, audience: &Audience, epoch: &Epoch, cause: Cause) -> Result<(), Gone> {
        let Some(since) = self.ears.since(audience, epoch) else { return Ok(()) };
        let Some(caught) = self.catch_up(audience, Since::Position(&since)).await else {
            return Ok(());
        };
        let Some(newest) = caught.position else {
            if since.seq == 0 {
                return Ok(());
            }
            self.bus.events.repaired(cause);
            self.ears.mark(audience, Mark::forget);
            return self.tell(caught.gap).await;
        };
        if newest.epoch == since.epoch && newest.seq < since.seq {
            // Boxed, because each may call the other; once, for the store is ahead then.
            return Box::pin(self.renumber(audience, Cause::Lost)).await;
        }
        if newest == since {
            return Ok(());
        }
        self.bus.events.repaired(cause);
        self.tell(caught.gap).await?;
        let mut missed: Vec<_> = caught.live.into_iter().chain(caught.finals).collect();
        missed.retain(|notice| newest.epoch != since.epoch || notice.position.seq > since.seq);
        missed.sort_unstable_by_key(|notice| notice.position.seq);
        self.ears.mark(audience, |mark| mark.fill(newest));
        for notice in missed {
            self.hand_on(Arrival::Notice(notice)).await?;
        }
        Ok(())
    }

    /// `None` if Redis will never answer this.
    async fn catch_up(&self, audience: &Audience, since: Since<'_>) -> Option<CatchUp> {
        let mut patience = Patience::default();
        loop {
            match self.bus.catch_up(audience, since).await {
                Ok(caught) => return Some(caught),
                Err(error) => patience.bear(error).await?,
            }
        }
    }

    /// `None` as above; `Some(false)`: it is not counted, or in another life.
    async fn count_on(&self, audience: &Audience, heard: &Position) -> Option<bool> {
        let mut patience = Patience::default();
        loop {
            match self.bus.renumber(audience, heard).await {
                Ok(is_same_life) => return Some(is_same_life),
                Err(error) => patience.bear(error).await?,
            }
        }
    }

    async fn hand_on(&self, arrival: Arrival) -> Result<(), Gone> {
        self.inbox.send(arrival).await.map_err(|_| Gone)
    }
}

/// Waits for Redis if it is away: what comes after must not be handed on before.
#[derive(Default)]
struct Patience {
    waited: Duration,
}

impl Patience {
    /// `None` if waiting will not help.
    async fn bear(&mut self, error: BusError) -> Option<()> {
        if !error.is_transient() {
            irreparable(&error);
            return None;
        }
        self.waited = (self.waited * 2).clamp(RETRY_MIN, RETRY_MAX);
        sleep(self.waited.mul_f64(rand::random_range(0.5..1.5))).await;
        Some(())
    }
}
