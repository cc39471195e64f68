//! What the stream's readers have not read and not acknowledged, and when that was over.

use std::{io, net::SocketAddr, time::Duration};

use crate::{
    failure::Failure,
    get,
    resp::Reply,
    target::{Onlooker, Pair},
};

const LAG: &str = "carillon_ingest_lag_messages";

/// The backlog of the one group on the stream, looked at again and again.
pub(super) struct Backlog {
    onlooker: Onlooker,
    /// Asked where Redis cannot tell, which is so when entries inside the stream were deleted.
    metrics: [SocketAddr; 2],
    pub(super) lag_max: u64,
    /// How long after the last message nothing was unread, and nothing unacknowledged.
    pub(super) read_after: Option<Duration>,
    pub(super) acknowledged_after: Option<Duration>,
}

impl Backlog {
    pub(super) fn of(pair: &Pair) -> Result<Self, Failure> {
        Ok(Self {
            onlooker: pair.redis.onlooker()?,
            metrics: [pair.a.at.publish, pair.b.at.publish],
            lag_max: 0,
            read_after: None,
            acknowledged_after: None,
        })
    }

    /// Looks once. `since_last` is the time since the last message, if that has been sent.
    pub(super) fn look(&mut self, since_last: Option<Duration>) -> Result<(), Failure> {
        let groups = self.onlooker.ask(&["XINFO", "GROUPS", super::STREAM])?;
        let lag = match field(&groups, "lag") {
            Some(lag) => lag,
            None => self.lag_by_metrics()?,
        };
        self.note(lag, field(&groups, "pending").unwrap_or(0), since_last);
        Ok(())
    }

    /// Entries that are still in the stream.
    pub(super) fn left(&mut self) -> Result<u64, Failure> {
        let len = self.onlooker.ask(&["XLEN", super::STREAM])?.number();
        Ok(len.and_then(|len| u64::try_from(len).ok()).unwrap_or(0))
    }

    fn note(&mut self, lag: u64, pending: u64, since_last: Option<Duration>) {
        self.lag_max = self.lag_max.max(lag);
        let Some(since_last) = since_last.filter(|_| lag == 0) else { return };
        self.read_after.get_or_insert(since_last);
        if pending == 0 {
            self.acknowledged_after.get_or_insert(since_last);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of messages, and no less than nothing"
    )]
    fn lag_by_metrics(&self) -> Result<u64, Failure> {
        let mut highest = 0.0_f64;
        for address in self.metrics {
            let lag = get::text(address, "/metrics").and_then(|text| {
                get::highest(&text, LAG).ok_or_else(|| io::Error::other(format!("no {LAG}")))
            });
            highest = highest.max(lag.map_err(|source| Failure::Metrics { address, source })?);
        }
        Ok(highest as u64)
    }
}

/// A count of the first group. None where it is nil, or there is no group.
fn field(groups: &Reply, name: &str) -> Option<u64> {
    groups.list().first()?.field(name)?.number()?.try_into().ok()
}
