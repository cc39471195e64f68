//! Two servers of a kind with a Redis between them: messages go in at one, clients sit at the
//! other.

use crate::{
    failure::Failure,
    target::{Redis, Server, Target, process::Placing},
};

/// A running pair. Dropped, all three are killed.
pub(crate) struct Pair {
    /// Where messages are handed in.
    pub(crate) a: Server,
    /// Where the clients sit.
    pub(crate) b: Server,
    pub(crate) redis: Redis,
}

impl Pair {
    /// Starts Redis and two of `target`, and returns when all accept.
    pub(crate) fn start(target: &Target, placing: Placing) -> Result<Self, Failure> {
        target.pairs()?;
        let redis = Redis::start(placing)?;
        let url = redis.url();
        let a = Server::start(target, Some(&url), placing)?;
        let b = Server::start(target, Some(&url), placing)?;
        Ok(Self { a, b, redis })
    }

    /// Stops the servers, then Redis, and waits until they have.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.b.stop()?;
        self.a.stop()?;
        self.redis.stop()
    }
}
