//! Hands out what the bus brings: of each audience in order, and nobody's waits for another's large one.
//!
//! A fan-out that is over in one turn is handed out at once. One that takes longer goes on in tasks of its own,
//! and the arrivals of other audiences pass it; those of its own join it or wait behind it.

mod under_way;

use std::sync::Arc;

use adapter::{Arrival, Inbox};
use notice::{Audience, Draft, Notice};
use tokio_util::sync::CancellationToken;

use self::under_way::UnderWay;
use crate::{
    engine::Ids,
    events::{Dropped, HandedOut},
    hub::{FanOut, Turn},
    login,
    shared::Shared,
};

/// Arrivals that are taken together.
const TOGETHER_MAX: usize = 64;

/// Everything that can move the delivering task.
enum Wake {
    Stop,
    /// One of those who hand out to this audience has no more to do.
    Done(Audience),
    Arrived(Arrival),
}

struct Delivery {
    shared: Arc<Shared>,
    under_way: UnderWay,
    /// Not handed out yet, since more may go with it.
    gathered: Option<FanOut>,
}

/// Runs until `stop`, or until the bus is gone.
pub(crate) async fn deliver(shared: Arc<Shared>, mut inbox: Inbox, stop: CancellationToken) {
    let under_way = UnderWay::new(&shared);
    let mut delivery = Delivery { shared, under_way, gathered: None };
    loop {
        let arrivals = match delivery.wake(&mut inbox, &stop).await {
            Wake::Stop => break,
            Wake::Done(audience) => delivery.under_way.done(&audience),
            Wake::Arrived(arrival) => {
                let more = std::iter::from_fn(|| inbox.try_next()).take(TOGETHER_MAX - 1);
                std::iter::once(arrival).chain(more).collect()
            }
        };
        delivery.take_all(arrivals).await;
    }
    delivery.under_way.stop().await;
}

impl Delivery {
    /// What is done makes room for more, so it comes first.
    async fn wake(&mut self, inbox: &mut Inbox, stop: &CancellationToken) -> Wake {
        let takes_more = self.under_way.takes_more();
        tokio::select! {
            biased;
            () = stop.cancelled() => Wake::Stop,
            audience = self.under_way.next_done() => Wake::Done(audience),
            arrival = inbox.next(), if takes_more => arrival.map_or(Wake::Stop, Wake::Arrived),
        }
    }

    async fn take_all(&mut self, arrivals: Vec<Arrival>) {
        let mut turn = Turn::begin();
        for arrival in arrivals {
            self.take(arrival, &mut turn);
            if turn.is_over() {
                tokio::task::yield_now().await;
                turn = Turn::begin();
            }
        }
        self.hand_out(&mut turn);
    }

    fn take(&mut self, arrival: Arrival, turn: &mut Turn) {
        let shared = &self.shared;
        if let (Arrival::Notice(notice), Some(gathered)) = (&arrival, &self.gathered)
            && gathered.join(notice, &shared.hub)
        {
            gathered.time(notice, &shared.config.node);
            return;
        }
        self.hand_out(turn);
        let Some(arrival) = self.under_way.take(arrival) else { return };
        match arrival {
            Arrival::Notice(notice) => {
                count_if_unknown(&self.shared, &notice);
                let fan_out = self.shared.hub.fan_out(&notice);
                fan_out.time(&notice, &self.shared.config.node);
                self.gathered = Some(fan_out);
            }
            Arrival::Gap(gap) => {
                self.shared.events.behind();
                self.gathered = Some(self.shared.hub.tell_of(gap));
            }
            Arrival::Renumbered { audience, notices } => {
                self.gathered = Some(self.shared.hub.renumber(&audience, &notices));
            }
            Arrival::PutOut { room, members } => login::put_out(&self.shared, &room, &members),
        }
    }

    /// Hands out what is gathered, here for what is left of the turn.
    fn hand_out(&mut self, turn: &mut Turn) {
        let Some(fan_out) = self.gathered.take() else { return };
        let events = &self.shared.events;
        if fan_out.go_on(turn, events) {
            events.handed_out(HandedOut::AtOnce);
            fan_out.ended(events);
        } else {
            events.handed_out(HandedOut::InTurns);
            self.under_way.begin(fan_out);
        }
    }
}

/// A notice for one socket that came by the bus reaches every node. The one that made the socket's id says
/// whether it is gone.
fn count_if_unknown(shared: &Shared, notice: &Notice) {
    let Draft { audience, narrowing, .. } = &notice.draft;
    let Some(id) = narrowing.as_ref().and_then(|it| it.socket.as_ref()) else { return };
    if Ids::is_of(&shared.config.node, id) && shared.hub.socket(&audience.namespace, id).is_none() {
        shared.events.dropped(Dropped::UnknownSocket);
    }
}
