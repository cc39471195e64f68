//! The questions to Redis and what its answers mean. Each is one script over one audience.

use std::{fmt, iter, sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike, HashesInterface},
    types::Value,
};
use futures_util::future::join_all;
use notice::{Audience, Epoch, Notice, NoticeId, Position};
use tokio::time::timeout;

use crate::{
    config::Config,
    error::BusError,
    metrics::Metrics,
    redis::{
        calls::Calls,
        copies::Uncopied,
        envelope::Envelope,
        events::Events,
        keys::{Prefix, field_of_identity},
        primaries::is_deposed,
        scripts::Scripts,
    },
    store::{CatchUp, Gap, Since},
    traffic::Traffic,
};

/// How long a new connection is waited for; it is made in any case.
const RECONNECT_WAIT: Duration = Duration::from_secs(1);

/// The way to publish and to ask, shared by all nodes of the process.
pub(crate) struct Bus {
    pub(super) client: Client,
    /// The same, unless publishing waits for replicas: whoever asks must not wait behind it.
    pub(super) publishing: Client,
    pub(super) min_replicas_ack: usize,
    pub(super) uncopied: Uncopied,
    pub(super) prefix: Prefix,
    pub(super) scripts: Scripts,
    pub(super) config: Config,
    pub(super) metrics: Metrics,
    pub(super) events: Events,
    pub(super) traffic: Traffic,
    pub(super) calls: Calls,
}

impl Bus {
    pub(crate) async fn catch_up(
        &self,
        audience: &Audience,
        since: Since<'_>,
    ) -> Result<CatchUp, BusError> {
        let mut args = self.args(audience);
        args.extend(match since {
            Since::Position(position) => {
                ["after".into(), position.epoch.as_str().into(), position.seq.to_string().into()]
            }
            Since::Window(window) => ["within".into(), "".into(), millis(window)],
        });
        let parts = ask(audience, self.scripts.catch_up.run(&self.client, &args).await)?;
        let parts = parts.into_array();
        let Ok([epoch, seq, trimmed, oldest, live, finals]) = <[Value; 6]>::try_from(parts) else {
            return Ok(CatchUp { gap: gap(audience, since, None, 0, 0), ..CatchUp::default() });
        };
        let Some(newest) = position(&epoch, &seq) else {
            return Err(broken(audience));
        };
        let (trimmed, oldest) =
            (trimmed.as_u64().unwrap_or_default(), oldest.as_u64().unwrap_or_default());
        Ok(CatchUp {
            live: self.open(live),
            finals: self.open(finals),
            gap: gap(audience, since, Some(&newest), trimmed, oldest),
            position: Some(newest),
            is_whole: false,
        })
    }

    pub(crate) async fn tasks(&self, audience: &Audience) -> Result<Vec<Arc<Notice>>, BusError> {
        let answer = self.scripts.tasks.run(&self.client, &self.args(audience)).await;
        Ok(self.open(ask(audience, answer)?))
    }

    pub(crate) async fn forget(
        &self,
        audience: &Audience,
        identity: &str,
    ) -> Result<bool, BusError> {
        let mut args = self.args(audience);
        args.push(field_of_identity(identity).into());
        let answer = self.scripts.forget.run(&self.client, &args).await;
        Ok(ask(audience, answer)?.as_u64().is_some_and(|count| count > 0))
    }

    /// Makes sure that no number after this position was, or will be, given to two notices; every cursor
    /// up to it sees a gap from then on. `false`: the audience is not counted, or has another life.
    pub(super) async fn renumber(
        &self,
        audience: &Audience,
        heard: &Position,
    ) -> Result<bool, BusError> {
        let mut args = self.args(audience);
        args.extend([heard.epoch.as_str().into(), heard.seq.to_string().into()]);
        let answer = self.scripts.renumber.run(&self.client, &args).await;
        Ok(ask(audience, answer)?.as_u64().is_some_and(|done| done > 0))
    }

    /// The newest position of each of `audiences`, in one trip by this connection; `None` for what is not
    /// counted.
    pub(super) async fn positions(
        &self,
        client: &Client,
        audiences: &[Audience],
    ) -> Vec<Result<Option<Position>, Error>> {
        let each = audiences.iter().map(async |audience| {
            let fields = vec!["epoch", "seq"];
            let answer: Vec<Value> = client.hmget(self.prefix.life(audience), fields).await?;
            Ok(answer.first().zip(answer.get(1)).and_then(|(epoch, seq)| position(epoch, seq)))
        });
        join_all(each).await
    }

    /// Gives up connections that look well and say nothing: fred goes by what was written last, and there
    /// is always more to write.
    pub(super) async fn connect_anew(&self) {
        for client in self.clients() {
            connect_anew(client).await;
        }
    }

    /// Gives up connections to a server that is not the primary any more.
    pub(super) async fn leave_deposed(&self) {
        for client in self.clients() {
            if is_deposed(client).await {
                connect_anew(client).await;
            }
        }
    }

    fn clients(&self) -> impl Iterator<Item = &Client> {
        let has_two = self.min_replicas_ack > 0;
        iter::once(&self.client).chain(has_two.then_some(&self.publishing))
    }

    /// The keys, which every script takes.
    pub(super) fn args(&self, audience: &Audience) -> Vec<Value> {
        Vec::from(self.prefix.keys(audience))
    }

    /// The notices in the order of `seq`. What cannot be read is left out and counted.
    pub(super) fn open(&self, envelopes: Value) -> Vec<Arc<Notice>> {
        let envelopes = envelopes.into_array().into_iter().filter_map(Value::into_bytes);
        let mut notices: Vec<Arc<Notice>> = Vec::new();
        for bytes in envelopes {
            match Envelope(bytes).try_into() {
                Ok(notice) => notices.push(notice),
                Err(error) => self.events.unreadable(&error),
            }
        }
        notices.sort_unstable_by_key(|notice| notice.position.seq);
        notices
    }
}

impl fmt::Debug for Bus {
    // What is on the bus belongs to users, and the client knows a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Does not wait for the new connection.
async fn connect_anew(client: &Client) {
    if client.is_connected() {
        drop(timeout(RECONNECT_WAIT, client.force_reconnection()).await);
    }
}

/// What Redis says if it will say the same again; `None` for what passes, and for no answer.
pub(super) fn lasting(error: &Error) -> Option<String> {
    let details = error.details();
    match details.split(' ').next() {
        Some("ERR") if *error.kind() == ErrorKind::Unknown => {
            Some(format!("{details} (hint: is it Redis 7.0 or newer?)"))
        }
        _ => lasting_of(details),
    }
}

/// The same by the words alone.
pub(super) fn lasting_of(details: &str) -> Option<String> {
    let hint = match details.split(' ').next().unwrap_or_default() {
        "WRONGTYPE" => {
            "a key under our prefix is somebody else's: move it, or choose another prefix"
        }
        "NOPERM" => {
            "let the user run @scripting and @pubsub on every key and channel of the prefix"
        }
        _ => return None,
    };
    Some(format!("{details} (hint: {hint})"))
}

pub(super) fn ask(audience: &Audience, answer: Result<Value, Error>) -> Result<Value, BusError> {
    answer.map_err(|error| {
        let audience = audience.clone();
        match lasting(&error) {
            Some(reason) => BusError::Broken { audience, reason },
            None => BusError::Unreachable { audience },
        }
    })
}

fn gap(
    audience: &Audience,
    since: Since<'_>,
    newest: Option<&Position>,
    trimmed: u64,
    oldest: u64,
) -> Option<Gap> {
    let Since::Position(position) = since else { return None };
    let knows = |newest: &Position| position.epoch == newest.epoch && position.seq <= newest.seq;
    if newest.is_some_and(knows) && trimmed <= position.seq {
        return None;
    }
    let id = |position| NoticeId { audience: audience.clone(), position };
    let oldest = newest
        .filter(|_| oldest > 0)
        .map(|newest| Position { epoch: newest.epoch.clone(), seq: oldest });
    Some(Gap { since: id(position.clone()), oldest: oldest.map(id) })
}

pub(super) fn position(epoch: &Value, seq: &Value) -> Option<Position> {
    Some(Position { epoch: Epoch::new(&epoch.as_str()?)?, seq: seq.as_u64()? })
}

pub(super) fn broken(audience: &Audience) -> BusError {
    BusError::Broken { audience: audience.clone(), reason: odd() }
}

pub(super) fn odd() -> String {
    "the answer has another form (hint: do all nodes run the same release?)".to_owned()
}

pub(super) fn millis(time: Duration) -> Value {
    time.as_millis().to_string().into()
}

pub(super) fn count(number: usize) -> Value {
    number.to_string().into()
}
