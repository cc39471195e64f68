//! All clients of one server, on one thread and one epoll loop, so that listening costs less than
//! being served.
//!
//! May enter: the publishers' readiness, because they share the loop.
//! May not enter: what is published, and when, and what is made of it.

mod client;
mod front;
mod returns;

mod frame;
mod packet;
mod wire;

use std::{io, net::SocketAddr, time::Duration};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use tokio::time::Instant;

pub(crate) use crate::swarm::packet::Dialect;
use crate::{
    failure::Failure,
    publisher::Publisher,
    swarm::{client::Client, front::Front, returns::Returns},
    target::Entrance,
};

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

    /// It lost its place, and will come back.
    fn cut(&mut self, _number: usize, _now: Duration) {}

    /// It comes back, to `server`.
    fn asked(&mut self, _number: usize, _server: SocketAddr, _now: Duration) {}

    /// It has its place.
    fn seated(&mut self, _number: usize, _now: Duration) {}
}

/// The clients, and what they have heard.
pub(crate) struct Swarm<L> {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    front: Front,
    clients: Vec<Client>,
    ear: Ear<L>,
}

/// What every client writes to.
struct Ear<L> {
    epoch: Instant,
    entrance: Entrance,
    roll: Roll,
    /// None: who leaves is gone.
    returns: Option<Returns>,
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
        entrance: Entrance,
        server: SocketAddr,
        epoch: Instant,
        listener: L,
    ) -> Result<Self, Failure> {
        Ok(Self {
            poll: Poll::new().map_err(Failure::Wait)?,
            events: Events::with_capacity(EVENTS_MAX),
            buffer: vec![0; BUFFER_BYTES],
            front: Front::of(server),
            clients: Vec::new(),
            ear: Ear { epoch, entrance, roll: Roll::default(), returns: None, listener },
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
        connect: fn(usize, SocketAddr, &Entrance) -> io::Result<Client>,
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

    /// Sends newcomers to these servers by turns from now on.
    pub(crate) fn serve(&mut self, servers: Vec<SocketAddr>) {
        self.front.serve(servers);
    }

    /// Has all who are there come back whenever they are cut.
    pub(crate) fn let_return(&mut self) {
        self.ear.returns = Some(Returns::of(self.clients.len()));
    }

    /// How late anyone came back, at most, because this process had no time for it.
    pub(crate) fn late_max(&self) -> Duration {
        self.ear.returns.as_ref().map_or(Duration::ZERO, |returns| returns.late_max)
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
        self.bring_back()?;
        let now = self.ear.epoch.elapsed();
        let due = self.ear.returns.as_ref().and_then(|returns| returns.wait(now));
        let wait = due.map_or(wait, |due| due.min(wait));
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
        connect: fn(usize, SocketAddr, &Entrance) -> io::Result<Client>,
    ) -> Result<(), Failure> {
        let number = self.clients.len();
        let address = self.front.pick().expect("newcomers are sent somewhere");
        let failed = |source| Failure::Connect { number, address, source };
        let client = connect(number, address, &self.ear.entrance).map_err(failed)?;
        self.take_in(client)
    }

    /// Takes in the next client, whose session is open by `stream`, and who has its place.
    pub(crate) fn adopt(&mut self, stream: std::net::TcpStream) -> Result<(), Failure> {
        stream.set_nonblocking(true).map_err(Failure::Wait)?;
        let number = self.clients.len();
        self.ear.seated(number, self.ear.epoch.elapsed());
        self.take_in(Client::seated(number, TcpStream::from_std(stream)))
    }

    fn take_in(&mut self, mut client: Client) -> Result<(), Failure> {
        let (token, interest) = (Token(self.clients.len()), Interest::READABLE);
        let registry = self.poll.registry();
        registry.register(client.wire.stream(), token, interest).map_err(Failure::Wait)?;
        self.clients.push(client);
        Ok(())
    }

    /// Connects those whose time has come. Who finds nobody there tries again later.
    fn bring_back(&mut self) -> Result<(), Failure> {
        let Ear { epoch, entrance, returns: Some(returns), listener, .. } = &mut self.ear else {
            return Ok(());
        };
        let now = epoch.elapsed();
        while let Some(number) = returns.take(now) {
            let Some(address) = self.front.pick() else {
                returns.left(number, now);
                continue;
            };
            listener.asked(number, address, now);
            let mut client = match Client::come_back(number, address, entrance) {
                Ok(client) => client,
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    returns.left(number, now);
                    continue;
                }
                Err(source) => return Err(Failure::Connect { number, address, source }),
            };
            let (token, interest) = (Token(number), Interest::READABLE | Interest::WRITABLE);
            let registry = self.poll.registry();
            registry.register(client.wire.stream(), token, interest).map_err(Failure::Wait)?;
            self.clients[number] = client;
        }
        Ok(())
    }

    fn nobody_left(&mut self) -> Result<(), Failure> {
        match self.ear.roll.departure.take() {
            Some(Departure { number, why }) => Err(Failure::Refused { number, said: why }),
            None => Ok(()),
        }
    }
}

impl<L: Listen> Ear<L> {
    fn seated(&mut self, number: usize, now: Duration) {
        self.roll.seated += 1;
        if let Some(returns) = &mut self.returns {
            returns.seated(number);
        }
        self.listener.seated(number, now);
    }

    fn event(&mut self, number: usize, event: &[u8], now: Duration) {
        if let Some(returns) = &mut self.returns {
            returns.heard(number, event);
        }
        self.listener.event(number, event, now);
    }

    /// It comes back, or it has departed.
    fn left(&mut self, number: usize, was_seated: bool, why: String) {
        let now = self.epoch.elapsed();
        self.roll.seated -= usize::from(was_seated);
        let Some(returns) = &mut self.returns else {
            self.roll.departed += 1;
            self.roll.departure.get_or_insert(Departure { number, why });
            return;
        };
        returns.left(number, now);
        if was_seated {
            self.listener.cut(number, now);
        }
    }
}

/// For sockets that are there to be there.
impl Listen for () {
    fn event(&mut self, _number: usize, _event: &[u8], _now: Duration) {}
}
