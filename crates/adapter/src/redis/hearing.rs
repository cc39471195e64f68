//! Hands what a node hears to its inbox, in order; what it did not hear is read from the store.
//!
//! While an audience is read, its messages are held; those of all others are handed on.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use fred::types::Message;
use notice::{Audience, Kind, Notice};
use tokio::{
    sync::{
        Notify,
        broadcast::{
            self,
            error::{RecvError, TryRecvError},
        },
        mpsc,
    },
    task::{JoinError, JoinSet},
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
        events::Full,
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

/// Why the task of a repair always ends with its audience.
const REPAIRED: &str = "a repair neither panics nor is given up before its node";

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
struct Repairs {
    repair: Arc<Repair>,
    /// Tasks of their own, because the inbox gives its places in turn: a repair that is given one must take
    /// it, also while this task waits for one itself.
    running: JoinSet<Result<Audience, Gone>>,
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
    Repaired(Result<Result<Audience, Gone>, JoinError>),
    Suspected,
    Message(Result<Message, RecvError>),
}

impl Hearing {
    /// Runs until `stop` or until the inbox is gone.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let inbox = self.inbox.clone();
        let (bus, ears) = (Arc::clone(&self.bus), Arc::clone(&self.ears));
        let mut repairs = Repairs::new(Repair::new(bus, ears, inbox.clone()));
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = inbox.closed() => {}
            _gone = self.hear_all(&mut repairs) => {}
        }
        repairs.running.shutdown().await;
    }

    async fn hear_all(&mut self, repairs: &mut Repairs) -> Result<(), Gone> {
        loop {
            let wake = tokio::select! {
                biased;
                Some(repaired) = repairs.running.join_next() => Wake::Repaired(repaired),
                () = self.ears.suspected.notified(), if repairs.has_room() => Wake::Suspected,
                message = self.messages.recv() => Wake::Message(message),
            };
            match wake {
                Wake::Repaired(repaired) => {
                    let audience = repaired.expect(REPAIRED)?;
                    self.release(repairs, audience).await?;
                }
                Wake::Suspected => self.repair_suspects(repairs).await?,
                Wake::Message(Ok(message)) => self.hear(repairs, message).await?,
                Wake::Message(Err(RecvError::Lagged(count))) => self.lose(Full::Connection, count),
                Wake::Message(Err(RecvError::Closed)) => return Ok(()),
            }
        }
    }

    async fn hear(&self, repairs: &mut Repairs, message: Message) -> Result<(), Gone> {
        let Some(bytes) = message.value.into_bytes() else { return Ok(()) };
        if let Some(put_out) = PutOut::read(&bytes) {
            return self.put_out(&repairs.repair, put_out).await;
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
    async fn sort(&self, repairs: &mut Repairs, notice: Arc<Notice>) -> Result<(), Gone> {
        if repairs.patients.contains_key(&notice.draft.audience) {
            if !repairs.hold(notice) {
                self.lose(Full::Held, 1);
            }
            return Ok(());
        }
        let (why, is_hole) = match self.fit(&notice) {
            Some(Fit::Next) => return self.take(&repairs.repair, notice).await,
            Some(Fit::Known) | None => return Ok(()),
            Some(Fit::Hole) => (Why::Hole(notice.position.epoch.clone()), true),
            Some(Fit::Unsure) => (Why::Unsure, false),
        };
        let audience = notice.draft.audience.clone();
        repairs.begin(audience, why, VecDeque::from([notice]), is_hole);
        Ok(())
    }

    /// Has all audiences compared with the store, for nobody knows whose messages these were.
    fn lose(&self, full: Full, count: u64) {
        self.bus.events.dropped(full, count);
        self.lagged.notify_one();
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

    async fn repair_suspects(&mut self, repairs: &mut Repairs) -> Result<(), Gone> {
        let suspects = self.ears.suspects(REPAIRS_MAX);
        let (renumbered, others): (Vec<_>, Vec<_>) =
            suspects.into_iter().partition(|suspect| suspect.why.renumbers());
        for suspect in renumbered {
            repairs.suspect(suspect);
        }
        // What the store has counted may have come meanwhile.
        loop {
            match self.messages.try_recv() {
                Ok(message) => self.hear(repairs, message).await?,
                Err(TryRecvError::Lagged(count)) => self.lose(Full::Connection, count),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for suspect in others {
            repairs.suspect(suspect);
        }
        Ok(())
    }

    /// Hands on what was held until this audience had been read.
    async fn release(&self, repairs: &mut Repairs, audience: Audience) -> Result<(), Gone> {
        let Some(patient) = repairs.end(&audience) else { return Ok(()) };
        let Patient { mut held, began_with_hole, then } = patient;
        // Should it still be a hole, reading the store will never work, and this is all there is.
        if began_with_hole
            && let Some(notice) = held.pop_front_if(|notice| self.fit(notice) != Some(Fit::Unsure))
            && matches!(self.fit(&notice), Some(Fit::Next | Fit::Hole))
        {
            self.take(&repairs.repair, notice).await?;
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

impl Repairs {
    fn new(repair: Repair) -> Self {
        let (running, patients) = (JoinSet::new(), HashMap::new());
        Self { repair: Arc::new(repair), running, patients, held_len: 0 }
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
        let repair = Arc::clone(&self.repair);
        self.running.spawn(async move {
            repair.run(&audience, why).await?;
            Ok(audience)
        });
    }

    fn suspect(&mut self, Suspect { audience, why }: Suspect) {
        match self.patients.get_mut(&audience) {
            Some(patient) => patient.then = Some(why.or_worse(patient.then.take())),
            None => self.begin(audience, why, VecDeque::new(), false),
        }
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
