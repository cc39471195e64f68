//! What a socket says to the backend, and what happens to it: handed to the bus, in the order in which it
//! was; acknowledged once it is safely there.
//!
//! May enter: events that nobody handles here. May not enter: how the bus keeps them.
//! Promise: of one seat the backend hears its connect first and its disconnect last.

mod binary;

use std::sync::Arc;

use adapter::{Entry, Receipt, Said, Share, UplinkError};
use notice::{Audience, Scope};
use parking_lot::{Mutex, MutexGuard};

use crate::{departure::Departure, frames_of, seat::Seat, socket::Call};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::binary::filled;

/// The largest list of arguments, with its attachments: what the bus takes.
const ARGS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a seat has on its way to the backend. A few bytes until it first says something.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    share: Share,
    /// It has said its last. Held while one entry is handed in, so that no other comes between.
    is_over: Mutex<bool>,
}

/// Why an event was not handed in, in words for its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

pub(crate) const AWAY: Reason = Reason { code: "unavailable", message: "try again later" };
pub(crate) const TOO_LARGE: Reason =
    Reason { code: "too_large", message: "the event is too large" };
const BUSY: Reason = Reason { code: "busy", message: "too much is on its way, try again later" };
const MALFORMED: Reason =
    Reason { code: "malformed", message: "a placeholder names no attachment" };

/// Hands on what a client said. `None`: there is no stream for it.
pub(crate) fn hand(seat: &Seat, call: Call) -> Option<Result<Receipt, Reason>> {
    seat.session.shared.uplink.as_ref()?;
    let Call { event, args, attachments } = call;
    let args = match binary::filled(&args, &attachments, ARGS_BYTES_MAX) {
        Ok(args) => format!("[{args}]"),
        Err(binary::Unfit::TooLarge) => return Some(Err(TOO_LARGE)),
        Err(binary::Unfit::NoAttachment) => return Some(Err(MALFORMED)),
    };
    let handed = say(seat, Said::Event { event, args });
    Some(handed.map_err(|error| reason(&error)))
}

/// Answers the client once its event is kept, or is not. The event is on its way in any case.
pub(crate) fn acknowledge(seat: &Arc<Seat>, ack: i64, receipt: Receipt) {
    let seat = Arc::clone(seat);
    let tasks = seat.session.shared.tasks.clone();
    // As many as entries may be on their way, at most.
    tasks.spawn(async move {
        let answer = match receipt.kept().await {
            Ok(id) => format!("[{{\"id\":\"{id}\"}}]"),
            Err(error) => reason(&error).list(),
        };
        seat.session.send(&frames_of::ack(&seat, ack, &answer, Vec::new()));
    });
}

impl Reason {
    /// The list of an acknowledgement's arguments.
    fn list(self) -> String {
        let Self { code, message } = self;
        format!("[{{\"error\":{{\"code\":\"{code}\",\"message\":\"{message}\"}}}}]")
    }
}

/// A seat was taken.
pub(crate) fn connected(seat: &Seat) {
    tell(seat, Said::Connect);
}

/// A seat was given up. It says nothing from now on.
pub(crate) fn disconnected(seat: &Seat, departure: Departure) {
    let is_told = is_told(seat);
    let mut is_over = seat.voice.is_over.lock();
    if is_told {
        drop(say_within(&is_over, seat, Said::Disconnect { reason: departure.label() }));
    }
    *is_over = true;
}

pub(crate) fn joined(seat: &Seat, audience: &Audience) {
    if let Scope::Room(room) = &audience.scope {
        tell(seat, Said::Join { room: room.clone() });
    }
}

pub(crate) fn left(seat: &Seat, audience: &Audience) {
    if let Scope::Room(room) = &audience.scope {
        tell(seat, Said::Leave { room: room.clone() });
    }
}

/// What happens to a client's seat, if the settings ask for it. Nobody waits for it: the bus counts what is
/// lost.
fn tell(seat: &Seat, said: Said) {
    if is_told(seat) {
        drop(say(seat, said));
    }
}

fn is_told(seat: &Seat) -> bool {
    seat.session.shared.config.uplink.lifecycle && !seat.watches()
}

fn say(seat: &Seat, said: Said) -> Result<Receipt, UplinkError> {
    say_within(&seat.voice.is_over.lock(), seat, said)
}

fn say_within(
    is_over: &MutexGuard<'_, bool>,
    seat: &Seat,
    said: Said,
) -> Result<Receipt, UplinkError> {
    let entry = Entry {
        user: seat.user.clone(),
        socket: seat.id.clone(),
        namespace: seat.namespace.clone(),
        said,
    };
    match &seat.session.shared.uplink {
        Some(uplink) if !**is_over => uplink.hand(&entry, &seat.voice.share),
        _ => Err(UplinkError::Gone),
    }
}

fn reason(error: &UplinkError) -> Reason {
    match error {
        UplinkError::TooLarge { .. } => TOO_LARGE,
        UplinkError::ShareFull { .. } | UplinkError::Full { .. } => BUSY,
        UplinkError::Unreachable
        | UplinkError::Unreplicated { .. }
        | UplinkError::Broken { .. }
        | UplinkError::Gone => AWAY,
    }
}
