//! The ways by which a notice can be handed in, and what is said on each.

use tokio::time::Instant;

use crate::{
    failure::Failure,
    mark::Mark,
    publisher::{Publisher, Speech},
    scenario::{cluster::Stage, tasks},
    target::Kind,
};

/// The stream that workers append to.
const STREAM: &str = "carillon:tasks";
/// Answers that may be outstanding on the one connection to Redis.
const STREAM_UNANSWERED_MAX: usize = 256;

/// One way in. The Node peer has a single one, which stands beside each of ours by HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario) enum Road {
    /// An event for a user, a call each.
    Emit,
    /// A worker's message that its task is complete, a call each.
    Task,
    /// The same message, appended to the Redis stream.
    Stream,
}

impl Road {
    pub(super) const ALL: [Self; 3] = [Self::Emit, Self::Task, Self::Stream];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Emit => "emit burst",
            Self::Task => "task burst",
            Self::Stream => "stream burst",
        }
    }

    /// Whether the pair takes anything by this road.
    pub(super) fn is_there(self, stage: &Stage<'_>) -> Result<bool, Failure> {
        match (self, stage.kind()) {
            (Self::Stream, Kind::Carillon) => tasks::is_read(&stage.pair.redis, Instant::now()),
            (Self::Stream, _) => Ok(false),
            _ => Ok(true),
        }
    }

    /// Connections to hand in on, watched by the swarm.
    pub(super) fn open(self, stage: &Stage<'_>) -> Result<Vec<Publisher>, Failure> {
        let (speech, address, count) = match self {
            Self::Emit | Self::Task => {
                (Speech::Http, stage.pair.a.at.publish, stage.cluster.connections)
            }
            Self::Stream => (Speech::Redis, stage.pair.redis.address, 1),
        };
        let connect = |_| Publisher::connect(speech, address);
        let mut publishers = (0..count).map(connect).collect::<Result<Vec<_>, _>>()?;
        stage.swarm.watch(&mut publishers)?;
        Ok(publishers)
    }

    /// How many requests one connection of a burst has under way.
    pub(super) fn unanswered_max(self) -> usize {
        if self == Self::Stream { STREAM_UNANSWERED_MAX } else { 1 }
    }

    /// Hands one notice in.
    pub(in crate::scenario) fn hand_in(
        self,
        kind: Kind,
        publisher: &mut Publisher,
        user: &str,
        mark: Mark,
        bytes: usize,
    ) -> Result<(), Failure> {
        match (self, kind) {
            (Self::Task, Kind::Carillon) => {
                publisher.post("/v1/tasks", &complete(user, mark, bytes))
            }
            (Self::Emit | Self::Task, _) => {
                let (path, body) = kind.publish(Some(user), &mark.data(bytes));
                publisher.post(path, &body)
            }
            (Self::Stream, _) => {
                publisher.append(STREAM, &complete(user, mark, bytes))?;
                publisher.flush()
            }
        }
    }
}

fn complete(user: &str, mark: Mark, bytes: usize) -> String {
    tasks::message(&format!("n{}", mark.seq), user, tasks::COMPLETE, mark, bytes)
}
