//! All clients of one server, on one thread and one epoll loop, so that listening costs less than
//! being served.
//!
//! May enter: the publishers' readiness, because they share the loop.
//! May not enter: what is published, and when, and what is made of it.

mod client;
mod frame;
mod packet;

use std::{io, net::SocketAddr, time::Duration};

use mio::{Events, Interest, Poll, Token};
use tokio::time::Instant;

use crate::{failure::Failure, publisher::Publisher, swarm::client::Client, target::Kind};

/// Handshakes under way at once. Fewer than any listener's backlog.
const OPENING_MAX: usize = 64;
const SEAT_WAIT: Duration = Duration::from_mins(2);
const STEP: Duration = Duration::from_millis(50);
const BUFFER_BYTES: usize = 64 * 1024;
const EVENTS_MAX: usize = 1024;
/// Tokens of publishers begin here. Those below are the clients'.
const PUBLISHERS: usize = usize::MAX / 2;

/// What a scenario makes of what its clients hear.
pub(crate) trait Listen {
    /// Client `number` heard `event` at `now`, counted from the epoch.
    fn event(&mut self, number: usize, event: &[u8], now: Duration);
}

/// The clients, and what they have heard.
pub(crate) struct Swarm<L> {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    server: SocketAddr,
    clients: Vec<Client>,
    ear: Ear<L>,
}

/// What every client writes to.
struct Ear<L> {
    epoch: Instant,
    kind: Kind,
    roll: Roll,
    listener: L,
}

/// Who is there.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    /// Clients that have their place now.
    pub(crate) seated: usize,
    pub(crate) departed: usize,
    /// The first client that left, and why.
    departure: Option<Departure>,
}

#[derive(Debug)]
struct Departure {
    number: usize,
    why: String,
}

impl<L: Listen> Swarm<L> {
    /// No clients yet. Time counts from `epoch`.
    pub(crate) fn new(
        kind: Kind,
        server: SocketAddr,
        epoch: Instant,
        listener: L,
    ) -> Result<Self, Failure> {
        Ok(Self {
            poll: Poll::new().map_err(Failure::Wait)?,
            events: Events::with_capacity(EVENTS_MAX),
            buffer: vec![0; BUFFER_BYTES],
            server,
            clients: Vec::new(),
            ear: Ear { epoch, kind, roll: Roll::default(), listener },
        })
    }

    /// Opens `sockets` clients and returns when each has its place.
    pub(crate) fn seat(
        &mut self,
        sockets: usize,
        progress: impl FnMut(usize),
    ) -> Result<(), Failure> {
        self.seat_as(Client::connect, sockets, progress)
    }

    /// The same until there are so many, the newcomers of whom stand still.
    pub(crate) fn seat_still(
        &mut self,
        sockets: usize,
        progress: impl FnMut(usize),
    ) -> Result<(), Failure> {
        self.seat_as(Client::connect_still, sockets, progress)
    }

    fn seat_as(
        &mut self,
        connect: fn(usize, SocketAddr) -> io::Result<Client>,
        sockets: usize,
        mut progress: impl FnMut(usize),
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + SEAT_WAIT;
        while self.ear.roll.seated < sockets {
            let room = OPENING_MAX.saturating_sub(self.clients.len() - self.ear.roll.seated);
            for _ in 0..room.min(sockets - self.clients.len()) {
                self.open(connect)?;
            }
            self.turn(STEP, &mut [])?;
            self.nobody_left()?;
            progress(self.ear.roll.seated);
            if Instant::now() > deadline {
                let seated = self.ear.roll.seated;
                return Err(Failure::SeatedTooFew { sockets, seated, waited: SEAT_WAIT });
            }
        }
        Ok(())
    }

    /// Listens until `deadline`.
    pub(crate) fn rest(
        &mut self,
        deadline: Instant,
        mut progress: impl FnMut(),
    ) -> Result<(), Failure> {
        while Instant::now() < deadline {
            self.turn(STEP.min(deadline.saturating_duration_since(Instant::now())), &mut [])?;
            progress();
        }
        Ok(())
    }

    /// Has the publishers' connections watched along with the clients'. Each `turn` that may
    /// touch them is then given the same ones.
    pub(crate) fn watch(&self, publishers: &mut [Publisher]) -> Result<(), Failure> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        for (number, publisher) in publishers.iter_mut().enumerate() {
            registry
                .register(&mut publisher.stream, Token(PUBLISHERS + number), interest)
                .map_err(Failure::Wait)?;
        }
        Ok(())
    }

    /// Forgets the publishers' connections, so that others can be watched.
    pub(crate) fn unwatch(&self, publishers: &mut [Publisher]) -> Result<(), Failure> {
        let registry = self.poll.registry();
        let mut each = publishers.iter_mut();
        each.try_for_each(|it| registry.deregister(&mut it.stream)).map_err(Failure::Wait)
    }

    /// Waits for something to be ready, `wait` at most, and lets those concerned act.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        publishers: &mut [Publisher],
    ) -> Result<(), Failure> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(Failure::Wait(error));
            }
            _ => {}
        }
        for event in &self.events {
            let Token(token) = event.token();
            if let Some(client) = self.clients.get_mut(token) {
                client.hear(&mut self.buffer, event.is_read_closed(), &mut self.ear);
            } else if let Some(publisher) = publishers.get_mut(token.wrapping_sub(PUBLISHERS)) {
                publisher.ready()?;
            }
        }
        Ok(())
    }

    pub(crate) fn roll(&self) -> &Roll {
        &self.ear.roll
    }

    pub(crate) fn listener(&mut self) -> &mut L {
        &mut self.ear.listener
    }

    fn open(
        &mut self,
        connect: fn(usize, SocketAddr) -> io::Result<Client>,
    ) -> Result<(), Failure> {
        let (number, address) = (self.clients.len(), self.server);
        let failed = |source| Failure::Connect { number, address, source };
        let mut client = connect(number, address).map_err(failed)?;
        let registry = self.poll.registry();
        registry
            .register(&mut client.stream, Token(number), Interest::READABLE)
            .map_err(Failure::Wait)?;
        self.clients.push(client);
        Ok(())
    }

    fn nobody_left(&mut self) -> Result<(), Failure> {
        match self.ear.roll.departure.take() {
            Some(Departure { number, why }) => Err(Failure::Refused { number, said: why }),
            None => Ok(()),
        }
    }
}

/// For sockets that are there to be there.
impl Listen for () {
    fn event(&mut self, _number: usize, _event: &[u8], _now: Duration) {}
}
