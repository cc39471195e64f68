//! This node's members, as socketioxide-redis sees them: one socket that answers for all.
//!
//! The library would look for members in lists of its own. Kept beside the hub's they would cost each
//! socket half as much again (ADR 4), so it gets this one name to look for instead, and who is behind it
//! is read from the question's audience.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream, Fuse},
};
use notice::NodeId;
use socketioxide_core::{
    Sid, Str, Uid, Value,
    adapter::{AckStreamItem, BroadcastIter, RemoteSocketData, SocketEmitter, errors::SocketError},
    packet::Packet,
    parser::Parse,
};
use socketioxide_parser_common::CommonParser;
use tokio::time::{Instant, timeout_at};

use super::{
    question::{Frames, Question},
    report::{Missed, Refused, Report},
    waiters::{ASKED_MAX, Asked, Said, Waiters},
};
use crate::{
    hub::{Choice, Hub},
    seat::Seat,
};

/// How long a question waits that names no limit; ours always do.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// What one node says to one question.
pub(crate) type Reports = Fuse<BoxStream<'static, AckStreamItem<Missed>>>;

#[derive(Debug)]
pub(crate) struct Members {
    node: NodeId,
    uid: Uid,
    path: Str,
    hub: Arc<Hub>,
    waiters: Arc<Waiters>,
}

/// For whom a question is.
#[derive(Default)]
struct Meant {
    /// Those who are asked.
    seats: Vec<Arc<Seat>>,
    /// Those who are only shown it.
    watching: Vec<Arc<Seat>>,
}

/// A question that has been put, and what is still to be said of it.
struct Open {
    sid: Sid,
    first: VecDeque<Result<Value, Missed>>,
    asked: Option<Asked>,
    /// Sockets that have not said anything.
    left: usize,
    until: Instant,
}

impl Members {
    pub(crate) fn new(node: &NodeId, hub: &Arc<Hub>, waiters: &Arc<Waiters>) -> Self {
        Self {
            node: node.clone(),
            uid: Uid::new(),
            path: "/".into(),
            hub: Arc::clone(hub),
            waiters: Arc::clone(waiters),
        }
    }

    /// Asks every member here, and gives what they say until `wait` is over.
    fn ask(&self, question: &Question, wait: Duration) -> (Reports, u32) {
        let meant = self.meant(question);
        let asked = match &meant {
            Ok(meant) => self.waiters.open(&meant.seats),
            Err(_) => Err(Refused::TooManySockets),
        };
        let (sockets, Meant { seats, watching }) = match meant {
            Ok(meant) => (meant.seats.len(), meant),
            Err(sockets) => (sockets, Meant::default()),
        };
        let refused = asked.as_ref().err().copied();
        let asked = asked.ok();
        if let Some(asked) = &asked {
            let frames = Frames::new(question, asked.number);
            let unable = seats.iter().filter(|seat| !frames.put_to(seat));
            unable.for_each(|seat| self.waiters.unable(seat, asked.number));
            for seat in &watching {
                frames.put_to(seat);
            }
        }
        let node = self.node.as_str().to_owned();
        let first = Report::Asked { node, sockets, refused }.written();
        let left = if asked.is_some() { sockets } else { 0 };
        let (sid, until) = (*self.uid, Instant::now() + wait);
        let open = Open { sid, first: [Ok(first)].into(), asked, left, until };
        let words = u32::try_from(left + 1).expect("a node asks far fewer sockets");
        (stream::unfold(open, Open::next).boxed().fuse(), words)
    }

    /// For whom a question is; past the limit, only how many they are.
    fn meant(&self, question: &Question) -> Result<Meant, usize> {
        let narrowing = question.narrowing.as_deref();
        let lists = self.hub.lists(&question.audience, narrowing);
        let mut choice = Choice::of(narrowing);
        let members = lists.iter().flat_map(|members| members.iter());
        let all = members.filter(|seat| choice.takes(seat));
        let (watching, asked): (Vec<_>, Vec<_>) = all.partition(|seat| seat.watches());
        if asked.len() > ASKED_MAX {
            return Err(asked.len());
        }
        // One that has not been welcomed yet knows of no event.
        let live = |seats: Vec<&Arc<Seat>>| {
            seats.into_iter().filter(|seat| seat.is_live()).cloned().collect()
        };
        Ok(Meant { seats: live(asked), watching: live(watching) })
    }
}

impl Open {
    async fn next(mut self) -> Option<(AckStreamItem<Missed>, Self)> {
        let item = match self.first.pop_front() {
            Some(item) => item,
            None => self.word().await?,
        };
        Some(((self.sid, item), self))
    }

    async fn word(&mut self) -> Option<Result<Value, Missed>> {
        if self.left == 0 {
            return None;
        }
        let said = &mut self.asked.as_mut()?.said;
        let Ok(said) = timeout_at(self.until, said.recv()).await else {
            let sockets = std::mem::take(&mut self.left);
            self.asked = None;
            return Some(Err(Missed { sockets }));
        };
        self.left -= 1;
        Some(match said? {
            Said::Answer { socket, data } => {
                let socket = socket.as_str().to_owned();
                Ok(Report::Answer { socket, data }.written())
            }
            Said::Nothing => Err(Missed { sockets: 1 }),
        })
    }
}

impl SocketEmitter for Members {
    type AckError = Missed;
    type AckStream = Reports;

    /// The one that stands for all, unless it is who asks.
    fn get_all_sids(&self, filter: impl Fn(&Sid) -> bool) -> Vec<Sid> {
        std::iter::once(*self.uid).filter(|sid| filter(sid)).collect()
    }

    fn send_many_with_ack(
        &self,
        sids: BroadcastIter<'_>,
        packet: Packet,
        timeout: Option<Duration>,
    ) -> (Reports, u32) {
        let is_asked = sids.into_iter().any(|sid| sid == *self.uid);
        match Question::read(packet).filter(|_| is_asked) {
            Some(question) => self.ask(&question, timeout.unwrap_or(ACK_TIMEOUT)),
            None => (stream::empty().boxed().fuse(), 0),
        }
    }

    // The rest is what the library would do without being asked for answers: nothing of it goes this
    // way.

    fn get_remote_sockets(&self, _sids: BroadcastIter<'_>) -> Vec<RemoteSocketData> {
        Vec::new()
    }

    fn send_many(&self, _sids: BroadcastIter<'_>, _data: Value) -> Result<(), Vec<SocketError>> {
        Ok(())
    }

    fn send_many_volatile(&self, _sids: BroadcastIter<'_>, _data: Value) {}

    fn disconnect_many(&self, _sids: Vec<Sid>) -> Result<(), Vec<SocketError>> {
        Ok(())
    }

    fn path(&self) -> &Str {
        &self.path
    }

    fn parser(&self) -> impl Parse {
        CommonParser
    }

    fn server_id(&self) -> Uid {
        self.uid
    }

    fn ack_timeout(&self) -> Duration {
        ACK_TIMEOUT
    }
}

#[cfg(test)]
mod tests {
    //! Who is asked.

    use super::*;
    use crate::{
        engine::{Dialect, Transport},
        rehearsal::{gateway, notice, room, seat, session},
    };

    #[tokio::test]
    async fn who_watches_is_shown_the_question_and_not_asked() {
        let gateway = gateway(|_| {});
        let (shared, here) = (gateway.shared(), room("here"));
        let clients = session(shared, Dialect::Engine4, Transport::Polling);
        let watches = session(shared, Dialect::EventStream, Transport::Tail);
        seat(&clients, &here).go_live();
        seat(&watches, &here).go_live();
        let members = Members::new(&shared.config.node, &shared.hub, &shared.waiters);
        let question = Question::of(notice(&here, 1, 10).draft.clone());
        let (_reports, words) = members.ask(&question, ACK_TIMEOUT);
        assert_eq!(words, 1 + 1, "what was asked, and what one client says");
        assert!(clients.queued_bytes() > 0 && watches.queued_bytes() > 0);
    }
}
