//! From polling to WebSocket: the probe, then the change-over, with nothing lost between.
//!
//! While the WebSocket is probed, polls go on and are soon answered; what comes meanwhile waits in the outbox for
//! whichever transport is there. A probe that fails leaves the session polling.

use std::{future::poll_fn, io, sync::Arc};

use bytes::Bytes;

use super::{
    frames::{Frames, Inbound},
    line::Transport,
    session::Session,
    websocket::take_behind,
    wire::Wire,
};
use crate::{encoded::Encoded, events::Handshake};

/// So many polls are ended at once, that on its way and those that a client begins before it hears that it may go
/// over; then it waits for the last to end. Further ones take a little longer each: it may not go over for long.
const NUDGES: u8 = 3;

/// The probe did not succeed; the session goes on polling.
struct Failed;

/// The one upgrade that a session is in. Dropped before the change-over, it leaves the session polling.
struct Upgrading<'a>(&'a Session);

impl Drop for Upgrading<'_> {
    fn drop(&mut self) {
        self.0.stay_polling();
    }
}

/// Probes `wire` and, if the client goes through with it, gives the session over to it.
pub(super) async fn take_over(
    session: Arc<Session>,
    wire: Wire,
    rest: Bytes,
) -> Option<(Arc<Session>, Frames)> {
    if session.transport() != Transport::Polling {
        return None;
    }
    let mut frames = Frames::default();
    let limit = session.shared.config.limits.handshake;
    let probed = tokio::time::timeout(limit, probe(&session, &wire, &mut frames, &rest));
    let (upgrading, behind) = match probed.await {
        Ok(Ok(probed)) => probed,
        Ok(Err(Failed)) => return None,
        Err(_elapsed) => {
            session.shared.events.handshake(Handshake::ProbeLate);
            return None;
        }
    };
    session.set_wire(wire);
    let changed = session.change_over();
    drop(upgrading);
    if !changed {
        return None;
    }
    take_behind(&session, behind).await;
    Some((session, frames))
}

/// `2probe` → `3probe` → `5`. Gives what came right behind.
async fn probe<'a>(
    session: &'a Arc<Session>,
    wire: &Wire,
    frames: &mut Frames,
    rest: &[u8],
) -> Result<(Upgrading<'a>, Vec<Inbound>), Failed> {
    let mut inbound = feed(session, frames, rest)?;
    expect(session, wire, frames, &mut inbound, "2probe").await?;
    let upgrading = session.begin_upgrade().ok_or(Failed)?;
    let answer = Encoded::text_only("3probe");
    // A fresh connection takes eleven bytes as soon as it is writable at all.
    poll_fn(|cx| wire.poll_write_ready(cx)).await.map_err(|_| Failed)?;
    let written = wire.try_write(answer.websocket()).map_err(|_| Failed)?;
    if written < answer.websocket().len() {
        return Err(Failed);
    }
    poll_fn(|cx| wire.poll_flush(cx)).await.map_err(|_| Failed)?;
    expect(session, wire, frames, &mut inbound, "5").await?;
    Ok((upgrading, inbound))
}

async fn expect(
    session: &Arc<Session>,
    wire: &Wire,
    frames: &mut Frames,
    inbound: &mut Vec<Inbound>,
    text: &str,
) -> Result<(), Failed> {
    while inbound.is_empty() {
        poll_fn(|cx| wire.poll_read_ready(cx)).await.map_err(|_| Failed)?;
        *inbound = read(session, wire, frames)?;
    }
    match inbound.remove(0) {
        Inbound::Text(got) if got == text => Ok(()),
        _ => Err(Failed),
    }
}

fn read(session: &Session, wire: &Wire, frames: &mut Frames) -> Result<Vec<Inbound>, Failed> {
    let mut buffer = [0; 1024];
    match wire.try_read(&mut buffer) {
        Ok(read @ 1..) if session.may_send(read) => feed(session, frames, &buffer[..read]),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
        _ => Err(Failed),
    }
}

fn feed(session: &Session, frames: &mut Frames, bytes: &[u8]) -> Result<Vec<Inbound>, Failed> {
    session.shared.events.received_bytes(bytes.len());
    frames.feed(bytes, session.shared.config.limits.payload_bytes).map_err(|_| Failed)
}

impl Session {
    /// The probe has come: polls are soon answered from now on. `None`: not polling any more, or another WebSocket
    /// was quicker.
    fn begin_upgrade(&self) -> Option<Upgrading<'_>> {
        let begun = {
            let mut line = self.line.lock();
            let begun = line.transport == Transport::Polling && line.departure.is_none();
            if begun {
                (line.transport, line.nudges) = (Transport::Upgrading, NUDGES);
            }
            begun
        };
        self.waker.wake();
        begun.then(|| Upgrading(self))
    }

    /// The WebSocket carries the session from now on, and its farewell if it is leaving. `false`: the
    /// session has ended meanwhile.
    fn change_over(&self) -> bool {
        let changed = self.seats.upgrade(|| {
            let mut line = self.line.lock();
            if !line.closed {
                line.transport = Transport::WebSocket;
                line.polls = None;
            }
            !line.closed
        });
        self.waker.wake();
        changed
    }

    fn stay_polling(&self) {
        let mut line = self.line.lock();
        if line.transport == Transport::Upgrading {
            line.transport = Transport::Polling;
        }
    }
}

#[cfg(test)]
mod tests;
