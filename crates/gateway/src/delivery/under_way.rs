//! The fan-outs that take more than a turn, each with what waits behind it.

use std::{collections::HashMap, future::pending, panic::resume_unwind, sync::Arc};

use adapter::Arrival;
use notice::Audience;
use tokio::{runtime::Handle, task::JoinSet};

use crate::{events::HandedOut, hub::FanOut, shared::Shared};

/// So many go on at once.
const FAN_OUTS_MAX: usize = 64;

/// So many arrivals wait behind one of their audience, in all.
const BEHIND_MAX: usize = 1024;

pub(super) struct UnderWay {
    shared: Arc<Shared>,
    by_audience: HashMap<Audience, One>,
    /// How many arrivals wait in all.
    behind: usize,
    /// Those who hand out. Each ends when it finds nothing more to hand out.
    hands: JoinSet<Audience>,
    hands_max: usize,
}

struct One {
    fan_out: Arc<FanOut>,
    hands: usize,
    behind: Vec<Arrival>,
}

impl UnderWay {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            by_audience: HashMap::new(),
            behind: 0,
            hands: JoinSet::new(),
            hands_max: Handle::current().metrics().num_workers(),
        }
    }

    /// Goes on with one of an audience that has none.
    pub(super) fn begin(&mut self, fan_out: FanOut) {
        let hands = fan_out.hands_max().min(self.hands_max);
        let one = One { fan_out: Arc::new(fan_out), hands, behind: Vec::new() };
        for _ in 0..hands {
            self.lend_a_hand(&one.fan_out);
        }
        self.by_audience.insert(one.fan_out.audience().clone(), one);
        if !self.takes_more() {
            self.shared.events.handed_out(HandedOut::HeldUp);
        }
    }

    fn lend_a_hand(&mut self, fan_out: &Arc<FanOut>) {
        let (fan_out, shared) = (Arc::clone(fan_out), Arc::clone(&self.shared));
        self.hands.spawn(async move {
            fan_out.run(&shared.events).await;
            fan_out.audience().clone()
        });
    }

    /// Takes what must not pass one of its audience, and gives back everything else.
    pub(super) fn take(&mut self, arrival: Arrival) -> Option<Arrival> {
        let Some(one) = self.by_audience.get_mut(audience(&arrival)) else { return Some(arrival) };
        if let Arrival::Notice(notice) = &arrival
            && one.behind.is_empty()
            && one.fan_out.join(notice, &self.shared.hub)
        {
            one.fan_out.time(notice, &self.shared.config.node);
            return None;
        }
        one.behind.push(arrival);
        self.behind += 1;
        if self.behind == BEHIND_MAX {
            self.shared.events.handed_out(HandedOut::HeldUp);
        }
        None
    }

    /// Whether more may be taken from the bus. Otherwise all wait, until one is through.
    pub(super) fn takes_more(&self) -> bool {
        self.by_audience.len() < FAN_OUTS_MAX && self.behind < BEHIND_MAX
    }

    /// Waits until a hand has nothing more to do. Cancellation-safe.
    pub(super) async fn next_done(&mut self) -> Audience {
        match self.hands.join_next().await {
            Some(Ok(audience)) => audience,
            Some(Err(error)) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_cancelled) => pending().await,
            },
            None => pending().await,
        }
    }

    /// Notes that a hand is done. Gives what waited, if that was the last and everybody has everything.
    pub(super) fn done(&mut self, audience: &Audience) -> Vec<Arrival> {
        let Some(one) = self.by_audience.get_mut(audience) else { return Vec::new() };
        one.hands -= 1;
        if one.hands > 0 {
            return Vec::new();
        }
        if !one.fan_out.is_through() {
            // Something joined when the last hand had just gone.
            one.hands = 1;
            let fan_out = Arc::clone(&one.fan_out);
            self.lend_a_hand(&fan_out);
            return Vec::new();
        }
        one.fan_out.ended(&self.shared.events);
        let one = self.by_audience.remove(audience);
        let behind = one.map(|one| one.behind).unwrap_or_default();
        self.behind -= behind.len();
        behind
    }

    /// Ends those that go on; what they had in hand is out.
    pub(super) async fn stop(mut self) {
        self.hands.shutdown().await;
    }
}

fn audience(arrival: &Arrival) -> &Audience {
    match arrival {
        Arrival::Notice(notice) => &notice.draft.audience,
        Arrival::Gap(gap) => &gap.since.audience,
        Arrival::Renumbered { audience, .. } => audience,
        Arrival::PutOut { room, .. } => room,
    }
}
