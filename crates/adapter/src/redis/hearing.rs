//! Hands what a node hears to its inbox, in order; what it did not hear is read from the store.
//!
//! While an audience is read, its messages are held; those of all others are handed on.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use fred::types::Message;
use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use notice::{Audience, Kind, Notice};
use tokio::sync::{
    Notify,
    broadcast::{
        self,
        error::{RecvError, TryRecvError},
    },
    mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::{
    inbox::Arrival,
    metrics::PutOutCause,
    redis::{
        bus::Bus,
        canary::is_canary,
        ears::Ears,
        envelope::Envelope,
        leases::Leases,
        mark::Fit,
        put_out::PutOut,
        repair::{Gone, Repair},
        suspicion::{Suspect, Why},
    },
};

/// Suspects that are read at once, or wait for their turn to be: more of them wait where they are noted.
const REPAIRS_MAX: usize = 4_096;
/// Messages held for audiences that are being read. Past it they are dropped, and all is compared with the
/// store.
const HELD_MAX: usize = 16_384;

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

/// The audiences that are being read from the store.
struct Repairs<'a> {
    repair: &'a Repair,
    running: FuturesUnordered<BoxFuture<'a, Result<Audience, Gone>>>,
    /// By audience; one that is here is running.
    patients: HashMap<Audience, Patient>,
    held_len: usize,
}

/// What waits until an audience has been read.
#[derive(Default)]
struct Patient {
    held: VecDeque<Arc<Notice>>,
    /// The first that is held showed the hole that is being read, and is not asked about again.
    began_with_hole: bool,
    /// It was suspected once more meanwhile.
    then: Option<Why>,
}

enum Wake {
    Repaired(Result<Audience, Gone>),
    Suspected,
    Message(Result<Message, RecvError>),
}

impl Hearing {
    /// Runs until `stop` or until the inbox is gone.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let inbox = self.inbox.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = inbox.closed() => {}
            _gone = self.hear_all() => {}
        }
    }

    async fn hear_all(&mut self) -> Result<(), Gone> {
        let (bus, ears) = (Arc::clone(&self.bus), Arc::clone(&self.ears));
        let repair = Repair::new(bus, ears, self.inbox.clone());
        let mut repairs = Repairs::new(&repair);
        loop {
            let wake = tokio::select! {
                biased;
                Some(repaired) = repairs.running.next() => Wake::Repaired(repaired),
                () = self.ears.suspected.notified(), if repairs.has_room() => Wake::Suspected,
                message = self.messages.recv() => Wake::Message(message),
            };
            match wake {
                Wake::Repaired(audience) => self.release(&mut repairs, audience?).await?,
                Wake::Suspected => self.repair_suspects(&mut repairs).await?,
                Wake::Message(Ok(message)) => self.hear(&mut repairs, message).await?,
                Wake::Message(Err(RecvError::Lagged(_))) => self.lagged.notify_one(),
                Wake::Message(Err(RecvError::Closed)) => return Ok(()),
            }
        }
    }

    async fn hear(&self, repairs: &mut Repairs<'_>, message: Message) -> Result<(), Gone> {
        let Some(bytes) = message.value.into_bytes() else { return Ok(()) };
        if let Some(put_out) = PutOut::read(&bytes) {
            return self.put_out(repairs.repair, put_out).await;
        }
        if is_canary(&bytes) {
            // Should its task be behind, it has more of them than it needs.
            self.echoes.try_send(bytes).ok();
            return Ok(());
        }
        match Envelope(bytes).try_into() {
            Ok(notice) => self.sort(repairs, notice).await,
            Err(error) => {
                self.bus.events.unreadable(&error);
                Ok(())
            }
        }
    }

    /// Hands it on, holds it, or reads what is missing before it.
    async fn sort(&self, repairs: &mut Repairs<'_>, notice: Arc<Notice>) -> Result<(), Gone> {
        if repairs.patients.contains_key(&notice.draft.audience) {
            if !repairs.hold(notice) {
                self.lagged.notify_one();
            }
            return Ok(());
        }
        match self.fit(&notice) {
            Some(Fit::Next) => self.take(repairs.repair, notice).await,
            Some(Fit::Hole) => {
                let why = Why::Hole(notice.position.epoch.clone());
                let audience = notice.draft.audience.clone();
                let held = VecDeque::from([notice]);
                repairs.begin(audience, why, held, true);
                Ok(())
            }
            Some(Fit::Known) | None => Ok(()),
        }
    }

    fn fit(&self, notice: &Notice) -> Option<Fit> {
        let is_plain = matches!(notice.draft.kind, Kind::Plain | Kind::Volatile);
        self.ears.fit(&notice.draft.audience, &notice.position, is_plain)
    }

    async fn take(&self, repair: &Repair, notice: Arc<Notice>) -> Result<(), Gone> {
        self.ears.mark(&notice.draft.audience, |mark| mark.hear(&notice.position));
        repair.hand_on(Arrival::Notice(notice)).await
    }

    async fn put_out(&self, repair: &Repair, put_out: PutOut) -> Result<(), Gone> {
        let PutOut { room, members } = put_out;
        let ours = members
            .into_iter()
            .filter(|(member, ticket)| self.leases.held.put_out(&room, member, *ticket));
        let members: Vec<_> = ours.map(|(member, _)| member).collect();
        if members.is_empty() {
            return Ok(());
        }
        self.bus.metrics.put_out(PutOutCause::Replaced, members.len());
        repair.hand_on(Arrival::PutOut { room, members }).await
    }

    async fn repair_suspects(&mut self, repairs: &mut Repairs<'_>) -> Result<(), Gone> {
        let suspects = self.ears.suspects(REPAIRS_MAX);
        // What the store has counted may have come meanwhile.
        loop {
            match self.messages.try_recv() {
                Ok(message) => self.hear(repairs, message).await?,
                Err(TryRecvError::Lagged(_)) => self.lagged.notify_one(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for Suspect { audience, why } in suspects {
            match repairs.patients.get_mut(&audience) {
                Some(patient) => patient.then = Some(why.or_worse(patient.then.take())),
                None => repairs.begin(audience, why, VecDeque::new(), false),
            }
        }
        Ok(())
    }

    /// Hands on what was held until this audience had been read.
    async fn release(&self, repairs: &mut Repairs<'_>, audience: Audience) -> Result<(), Gone> {
        let Some(patient) = repairs.end(&audience) else { return Ok(()) };
        let Patient { mut held, began_with_hole, then } = patient;
        // Should it still be a hole, reading the store will never work, and this is all there is.
        if began_with_hole
            && let Some(notice) = held.pop_front()
            && matches!(self.fit(&notice), Some(Fit::Next | Fit::Hole))
        {
            self.take(repairs.repair, notice).await?;
        }
        if let Some(why) = then {
            repairs.begin(audience, why, held, false);
            return Ok(());
        }
        for notice in held {
            self.sort(repairs, notice).await?;
        }
        Ok(())
    }
}

// === impl Repairs ===

impl<'a> Repairs<'a> {
    fn new(repair: &'a Repair) -> Self {
        let (running, patients) = (FuturesUnordered::new(), HashMap::new());
        Self { repair, running, patients, held_len: 0 }
    }

    fn has_room(&self) -> bool {
        self.patients.len() < REPAIRS_MAX
    }

    fn begin(
        &mut self,
        audience: Audience,
        why: Why,
        held: VecDeque<Arc<Notice>>,
        began_with_hole: bool,
    ) {
        self.held_len += held.len();
        let patient = Patient { held, began_with_hole, then: None };
        self.patients.insert(audience.clone(), patient);
        let repair = self.repair;
        self.running.push(
            async move {
                repair.run(&audience, why).await?;
                Ok(audience)
            }
            .boxed(),
        );
    }

    /// Whether there was room to hold it until its audience has been read.
    fn hold(&mut self, notice: Arc<Notice>) -> bool {
        let patient = self.patients.get_mut(&notice.draft.audience);
        let Some(patient) = patient.filter(|_| self.held_len < HELD_MAX) else { return false };
        patient.held.push_back(notice);
        self.held_len += 1;
        true
    }

    fn end(&mut self, audience: &Audience) -> Option<Patient> {
        let patient = self.patients.remove(audience)?;
        self.held_len -= patient.held.len();
        Some(patient)
    }
}
