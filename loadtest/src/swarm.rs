//! All clients of one server, on one thread and one epoll loop, so that listening costs less than
//! being served.
//!
//! May enter: the publisher's readiness, because it shares the loop.
//! May not enter: what is published, and when.

mod client;
mod frame;
mod packet;

use std::{io, net::SocketAddr, time::Duration};

use mio::{Events, Interest, Poll, Token};
use tokio::time::Instant;

use crate::{
    failure::Failure, mark::Mark, publisher::Publisher, swarm::client::Client, target::Kind,
};

/// Handshakes under way at once. Fewer than any listener's backlog.
const OPENING_MAX: usize = 64;
const SEAT_WAIT: Duration = Duration::from_mins(2);
const STEP: Duration = Duration::from_millis(50);
const BUFFER_BYTES: usize = 64 * 1024;
const EVENTS_MAX: usize = 1024;
const PUBLISHER: Token = Token(usize::MAX - 1);

/// The clients, and what they have heard.
pub(crate) struct Swarm {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    server: SocketAddr,
    clients: Vec<Client>,
    ear: Ear,
}

/// What every client writes to.
struct Ear {
    epoch: Instant,
    kind: Kind,
    tally: Tally,
}

/// What the swarm has heard.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Clients that have their place now.
    pub(crate) seated: usize,
    pub(crate) departed: usize,
    /// The first client that left, and why.
    pub(crate) departure: Option<Departure>,
    /// Messages that came behind a later one, or twice.
    pub(crate) disordered: usize,
    /// From the intended send time, in microseconds, one for each delivery. Its owner bounds it
    /// by bounding what is sent.
    pub(crate) delays_us: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct Departure {
    number: usize,
    why: String,
}

impl Swarm {
    /// No clients yet. Marks count their time from `epoch`.
    pub(crate) fn new(kind: Kind, server: SocketAddr, epoch: Instant) -> Result<Self, Failure> {
        Ok(Self {
            poll: Poll::new().map_err(Failure::Wait)?,
            events: Events::with_capacity(EVENTS_MAX),
            buffer: vec![0; BUFFER_BYTES],
            server,
            clients: Vec::new(),
            ear: Ear { epoch, kind, tally: Tally::default() },
        })
    }

    /// Opens `sockets` clients and returns when each has its place.
    pub(crate) fn seat(
        &mut self,
        sockets: usize,
        mut progress: impl FnMut(usize),
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + SEAT_WAIT;
        while self.ear.tally.seated < sockets {
            let room = OPENING_MAX.saturating_sub(self.clients.len() - self.ear.tally.seated);
            for _ in 0..room.min(sockets - self.clients.len()) {
                self.open()?;
            }
            self.turn(STEP, None)?;
            self.nobody_left()?;
            progress(self.ear.tally.seated);
            if Instant::now() > deadline {
                let seated = self.ear.tally.seated;
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
            self.turn(STEP.min(deadline - Instant::now()), None)?;
            progress();
        }
        Ok(())
    }

    /// Has the publisher's connection watched along with the clients'.
    pub(crate) fn watch(&self, publisher: &mut Publisher) -> Result<(), Failure> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut publisher.stream, PUBLISHER, interest).map_err(Failure::Wait)
    }

    /// Waits for something to be ready, `wait` at most, and lets those concerned act.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut publisher: Option<&mut Publisher>,
    ) -> Result<(), Failure> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(Failure::Wait(error));
            }
            _ => {}
        }
        for event in &self.events {
            if let Some(client) = self.clients.get_mut(event.token().0) {
                client.hear(&mut self.buffer, event.is_read_closed(), &mut self.ear);
            } else if let Some(publisher) = publisher.as_deref_mut() {
                publisher.ready()?;
            }
        }
        Ok(())
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.ear.tally
    }

    /// Forgets what was delivered so far, with room for `deliveries` more.
    pub(crate) fn begin(&mut self, deliveries: usize) {
        self.ear.tally.disordered = 0;
        self.ear.tally.delays_us = Vec::with_capacity(deliveries);
    }

    fn open(&mut self) -> Result<(), Failure> {
        let (number, address) = (self.clients.len(), self.server);
        let failed = |source| Failure::Connect { number, address, source };
        let mut client = Client::connect(number, address).map_err(failed)?;
        let registry = self.poll.registry();
        registry
            .register(&mut client.stream, Token(number), Interest::READABLE)
            .map_err(Failure::Wait)?;
        self.clients.push(client);
        Ok(())
    }

    fn nobody_left(&mut self) -> Result<(), Failure> {
        match self.ear.tally.departure.take() {
            Some(Departure { number, why }) => Err(Failure::Refused { number, said: why }),
            None => Ok(()),
        }
    }
}

impl Tally {
    fn delivery(&mut self, mark: Mark, seq_next: u32, now: Duration) {
        let delay = now.saturating_sub(mark.due).as_micros();
        self.delays_us.push(u32::try_from(delay).unwrap_or(u32::MAX));
        if mark.seq < seq_next {
            self.disordered += 1;
        }
    }
}
