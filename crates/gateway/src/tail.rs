//! What one user or room is sent, told to an operator who watches.
//!
//! It takes a seat like a client's, so that it hears what clients hear: what is known first, then what comes. It
//! is nobody's client: the uplink is not told of it, it logs in to no room, and no order reaches it.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use notice::{Audience, Cursor};

use crate::{
    engine::{Dialect, Session, Transport, enter},
    plain::EventBody,
    seat::Seat,
    shared::Shared,
    socket::{NotJoined, hear},
};

/// How many may watch one node at a time.
pub(crate) const TAILS_MAX: usize = 32;

/// Why nobody watches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotWatched {
    /// The node or the user has as many sockets as it may have, or as many watch already.
    Full,
    /// The bus did not answer.
    Away,
    /// The node goes.
    Gone,
}

/// Who sits there counts against `limits.sockets`, and leaves when the body is dropped.
pub(crate) async fn open(
    shared: &Arc<Shared>,
    audience: &Audience,
) -> Result<impl Body<Data = Bytes, Error = Infallible> + use<>, NotWatched> {
    // Whoever may call the API is not limited by its address.
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let turn = Arc::clone(&shared.tails).try_acquire_owned().map_err(|_| NotWatched::Full)?;
    let berth = shared.sessions.admit(address, &shared.config.limits);
    let berth = berth.map_err(|_| NotWatched::Full)?;
    let (id, dialect) = (shared.ids.session(), Dialect::EventStream);
    let session = Session::new(shared, id, dialect, Transport::Tail, None, address);
    enter(&session, berth);
    // Owned by the body from here on, so that a failure below ends it too.
    let body = EventBody::of(&session);
    let namespace = audience.namespace.clone();
    let seat = Seat::new(&session, namespace, None, Cursor::default(), None, None);
    if !session.seats.add(&seat) {
        return Err(NotWatched::Gone);
    }
    hear(shared, &seat, audience).await.map_err(|why| match why {
        NotJoined::Full | NotJoined::Crowded => NotWatched::Full,
        NotJoined::Away => NotWatched::Away,
        NotJoined::Gone => NotWatched::Gone,
    })?;
    session.answered();
    seat.go_live();
    // The turn is given back with the body.
    Ok(body.map_frame(move |frame| {
        let _turn = &turn;
        frame
    }))
}
