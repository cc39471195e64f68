//! How a held seat is written in Redis, and what is done with it by `seat.lua`.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use fred::{error::Error, interfaces::HashesInterface, types::Value};
use futures_util::future::join_all;
use notice::{Audience, Epoch, Namespace, NodeId, Position, SocketId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    error::SeatError,
    held_seats::{HeldSeat, Hold, Holder, Owed, SeatKey, Stand},
    redis::bus::{Bus, lasting, millis, odd},
};

/// Whose a seat is.
#[derive(Deserialize, Serialize)]
struct Head<'a> {
    #[serde(borrow)]
    socket: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
}

/// The marks before where a seat stands.
const ALONE: char = '!';
const GRANTED: char = '+';
const UNKNOWN: &str = "?";

impl Bus {
    pub(crate) async fn keep_seat(
        &self,
        key: &SeatKey,
        holder: &Holder,
        seat: &HeldSeat,
        held: Duration,
    ) -> Result<Hold, SeatError> {
        let mut fields = vec!["head".into(), head(seat).into()];
        for (audience, stand) in &seat.stands {
            fields.extend([audience.to_string().into(), written(stand).into()]);
        }
        self.on_seat("keep", key, holder, held, fields).await
    }

    pub(crate) async fn find_seat(
        &self,
        key: &SeatKey,
    ) -> Result<Option<(Holder, HeldSeat)>, SeatError> {
        let found = self.client.hgetall(self.prefix.seat(key.as_str())).await;
        let fields: HashMap<String, String> = found.map_err(|error| seat_error(&error))?;
        if fields.is_empty() {
            return Ok(None);
        }
        read(&fields).map(Some).ok_or_else(|| SeatError::Broken { reason: odd() })
    }

    pub(crate) async fn take_seat(
        &self,
        key: &SeatKey,
        from: &Holder,
        to: &Holder,
        held: Duration,
    ) -> Result<Hold, SeatError> {
        self.on_seat("take", key, from, held, vec![name(to).into()]).await
    }

    pub(crate) async fn renew_seats(
        &self,
        seats: &[(SeatKey, Holder)],
        held: Duration,
    ) -> Vec<Result<Hold, SeatError>> {
        let each = seats.iter();
        join_all(each.map(|(key, holder)| self.on_seat("renew", key, holder, held, Vec::new())))
            .await
    }

    pub(crate) async fn give_up_seat(
        &self,
        key: &SeatKey,
        holder: &Holder,
    ) -> Result<Hold, SeatError> {
        self.on_seat("give_up", key, holder, Duration::ZERO, Vec::new()).await
    }

    async fn on_seat(
        &self,
        deed: &'static str,
        key: &SeatKey,
        holder: &Holder,
        held: Duration,
        more: Vec<Value>,
    ) -> Result<Hold, SeatError> {
        let key = self.prefix.seat(key.as_str());
        let mut args = vec![key.into(), deed.into(), name(holder).into(), millis(held)];
        args.extend(more);
        let answer = self.scripts.seat.run(&self.client, &args).await;
        match answer.map_err(|error| seat_error(&error))?.as_str().as_deref() {
            Some("held") => Ok(Hold::Held),
            Some("taken") => Ok(Hold::Taken),
            Some("unknown") => Ok(Hold::Unknown),
            _ => Err(SeatError::Broken { reason: odd() }),
        }
    }
}

fn seat_error(error: &Error) -> SeatError {
    match lasting(error) {
        Some(reason) => SeatError::Broken { reason },
        None => SeatError::Unreachable,
    }
}

fn name(holder: &Holder) -> String {
    format!("{} {}", holder.number, holder.node)
}

fn head(seat: &HeldSeat) -> String {
    let head = Head {
        socket: seat.socket.as_str().into(),
        namespace: seat.namespace.as_str().into(),
        user: seat.user.as_ref().map(|user| user.as_str().into()),
    };
    serde_json::to_string(&head).expect("texts are JSON")
}

fn written(stand: &Stand) -> String {
    let mut text = String::new();
    text.extend(stand.alone.then_some(ALONE));
    text.extend(stand.granted.then_some(GRANTED));
    match &stand.owed {
        Owed::After(position) => text.push_str(&position.to_string()),
        Owed::All => {}
        Owed::Unknown => text.push_str(UNKNOWN),
    }
    text
}

/// `None`: a release that we do not know has written it, or somebody else.
fn read(fields: &HashMap<String, String>) -> Option<(Holder, HeldSeat)> {
    let (number, node) = fields.get("holder")?.split_once(' ')?;
    let holder = Holder { node: NodeId::new(node).ok()?, number: number.parse().ok()? };
    let head: Head<'_> = serde_json::from_str(fields.get("head")?).ok()?;
    let stands = fields.iter().filter(|(name, _)| name.contains('@'));
    let stands = stands.map(|(name, text)| Some((name.parse::<Audience>().ok()?, stand(text)?)));
    let seat = HeldSeat {
        socket: SocketId::new(&head.socket).ok()?,
        namespace: Namespace::new(&head.namespace).ok()?,
        user: head.user.map(|user| UserId::new(&user)).transpose().ok()?,
        stands: stands.collect::<Option<_>>()?,
    };
    Some((holder, seat))
}

fn stand(text: &str) -> Option<Stand> {
    let (alone, text) = text.strip_prefix(ALONE).map_or((false, text), |rest| (true, rest));
    let (granted, text) = text.strip_prefix(GRANTED).map_or((false, text), |rest| (true, rest));
    let owed = match text {
        "" => Owed::All,
        UNKNOWN => Owed::Unknown,
        _ => {
            let (epoch, seq) = text.split_once('-')?;
            Owed::After(Position { epoch: Epoch::new(epoch)?, seq: seq.parse().ok()? })
        }
    };
    Some(Stand { owed, alone, granted })
}
