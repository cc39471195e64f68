//! One client: an upgrade, a place, and then an ear that notes what arrives and answers pings.

use std::{
    io::{self, Read, Write},
    mem,
    net::{Ipv4Addr, Shutdown, SocketAddr},
    time::Duration,
};

use mio::net::TcpStream;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use crate::{
    answer::Answer,
    swarm::{
        Ear, Listen,
        frame::{self, Frame},
        packet::{Dialect, Packet},
        wire::Wire,
    },
    target::{Entrance, Kind, still_packet},
};

/// Addresses that clients come from, in turn: 127.0.0.2 and following. Each has its own ports.
const SOURCES: u8 = 8;
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// What may wait unread for a client that stands still; the system has a least of its own.
const STILL_BUFFER_BYTES: usize = 4 * 1024;
/// As on a real network: the server's system holds a number of segments for it, and those of loopback are huge.
const STILL_SEGMENT_BYTES: u32 = 1_400;

/// A raw client over WebSocket.
pub(crate) struct Client {
    pub(super) wire: Wire,
    /// Its place in the swarm, which is also its user.
    number: usize,
    /// What it says once its session is open.
    plea: Plea,
    /// Whether it reads once it has its place.
    stands_still: bool,
    stage: Stage,
    /// The front of a frame whose end has not come. Empty, and unallocated, almost always.
    partial: Vec<u8>,
}

/// Of a user, with the cursor of what it heard last.
type Plea = fn(Kind, usize, Option<&str>) -> String;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Upgrading,
    Opening,
    Seated,
    /// It has its place, and reads no more.
    Still,
    Gone,
}

impl Client {
    /// Connects and asks for the upgrade.
    pub(crate) fn connect(
        number: usize,
        server: SocketAddr,
        entrance: &Entrance,
    ) -> io::Result<Self> {
        Self::with((number, server, entrance), Kind::connect_packet, false)
    }

    /// One that has its place already.
    pub(crate) fn seated(number: usize, stream: TcpStream) -> Self {
        let (plea, wire) = (Kind::connect_packet as Plea, Wire::Plain(stream));
        let (stage, partial) = (Stage::Seated, Vec::new());
        Self { wire, number, plea, stands_still: false, stage, partial }
    }

    /// One that will read nothing once it has its place, with as little room as the system gives for what waits.
    pub(crate) fn connect_still(
        number: usize,
        server: SocketAddr,
        entrance: &Entrance,
    ) -> io::Result<Self> {
        Self::with((number, server, entrance), still_packet, true)
    }

    /// Begins to connect, as one that was cut. The swarm hears when the connection is there.
    pub(crate) fn come_back(
        number: usize,
        server: SocketAddr,
        entrance: &Entrance,
    ) -> io::Result<Self> {
        let socket = socket(number)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&server.into()) {
            Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => {
                return Err(error);
            }
            _ => {}
        }
        let wire = Wire::over(TcpStream::from_std(socket.into()), entrance)?;
        let (plea, stage) = (Kind::connect_packet as Plea, Stage::Connecting);
        Ok(Self { wire, number, plea, stands_still: false, stage, partial: Vec::new() })
    }

    fn with(
        (number, server, entrance): (usize, SocketAddr, &Entrance),
        plea: Plea,
        stands_still: bool,
    ) -> io::Result<Self> {
        let socket = socket(number)?;
        if stands_still {
            socket.set_recv_buffer_size(STILL_BUFFER_BYTES)?;
            socket.set_tcp_mss(STILL_SEGMENT_BYTES)?;
        }
        socket.connect_timeout(&server.into(), CONNECT_WAIT)?;
        socket.set_nonblocking(true)?;
        let mut wire = Wire::over(TcpStream::from_std(socket.into()), entrance)?;
        wire.write_all(upgrade(entrance.kind, server).as_bytes())?;
        let (stage, partial) = (Stage::Upgrading, Vec::new());
        Ok(Self { wire, number, plea, stands_still, stage, partial })
    }

    /// Reads all that has come. With `ending` the server has closed its side, and what it said
    /// before is read first.
    pub(crate) fn hear<L: Listen>(&mut self, buffer: &mut [u8], ending: bool, ear: &mut Ear<L>) {
        if self.stage == Stage::Connecting
            && let Err(error) = self.reach(ear.entrance.kind)
        {
            self.leave(error.to_string(), ear);
        }
        while !matches!(self.stage, Stage::Connecting | Stage::Gone | Stage::Still) {
            let heard = match self.wire.read(buffer) {
                Ok(0) => Err("closed the connection".to_owned()),
                Ok(read) => self.take(&buffer[..read], ear).map(|()| read),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => Err(error.to_string()),
            };
            match heard {
                // A short read has emptied the socket: the next byte brings the next event.
                Ok(read) if self.has_read_all(read < buffer.len()) && !ending => return,
                Ok(_) => {}
                Err(why) => self.leave(why, ear),
            }
        }
    }

    /// Asks for the upgrade if the connection is there.
    fn reach(&mut self, kind: Kind) -> io::Result<()> {
        if let Some(error) = self.wire.stream().take_error()? {
            return Err(error);
        }
        match self.wire.stream().peer_addr() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            Err(error) => Err(error),
            Ok(server) => {
                self.stage = Stage::Upgrading;
                self.wire.write_all(upgrade(kind, server).as_bytes())
            }
        }
    }

    fn has_read_all(&self, short: bool) -> bool {
        short && self.wire.is_emptied_by_a_short_read()
    }

    fn leave<L: Listen>(&mut self, why: String, ear: &mut Ear<L>) {
        let was_seated = self.stage == Stage::Seated;
        self.stage = Stage::Gone;
        self.partial = Vec::new();
        // Its side is closed too, as clients do. An error means that nothing was left to close.
        drop(self.wire.stream().shutdown(Shutdown::Both));
        ear.left(self.number, was_seated, why);
    }

    fn take<L: Listen>(&mut self, bytes: &[u8], ear: &mut Ear<L>) -> Result<(), String> {
        let mut joined = mem::take(&mut self.partial);
        let bytes = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            &joined
        };
        let used = self.digest(bytes, ear)?;
        self.partial = bytes[used..].to_vec();
        Ok(())
    }

    /// Acts on everything whole at the front of `bytes`, and answers how much that was.
    fn digest<L: Listen>(&mut self, bytes: &[u8], ear: &mut Ear<L>) -> Result<usize, String> {
        let now = ear.epoch.elapsed();
        let mut used = 0;
        if self.stage == Stage::Upgrading {
            match Answer::read(bytes) {
                Ok(Some(head)) if head.status == 101 => used = head.head_len,
                Ok(None) => return Ok(0),
                _ => return Err(String::from_utf8_lossy(bytes).into_owned()),
            }
            self.stage = Stage::Opening;
            self.begin(now, ear)?;
        }
        while let Some(frame) = Frame::read(&bytes[used..]).map_err(|_| "sent no valid frame")? {
            used += frame.whole_len;
            match frame.opcode {
                frame::TEXT => {
                    let mut packets = ear.entrance.kind.dialect().packets(frame.payload);
                    packets.try_for_each(|packet| self.packet(&packet, now, ear))?;
                }
                frame::PING => self.say(frame::PONG, frame.payload)?,
                frame::CLOSE => {
                    self.say(frame::CLOSE, frame.payload)?;
                    return Err("sent a close frame".to_owned());
                }
                _ => {}
            }
        }
        Ok(used)
    }

    /// Speaks first where the server does not.
    fn begin<L: Listen>(&mut self, now: Duration, ear: &mut Ear<L>) -> Result<(), String> {
        match ear.entrance.kind.dialect() {
            Dialect::SocketIo => Ok(()),
            Dialect::Centrifugo => self.packet(&Packet::Open, now, ear),
            Dialect::Plain => self.packet(&Packet::Seated, now, ear),
        }
    }

    fn packet<L: Listen>(
        &mut self,
        packet: &Packet<'_>,
        now: Duration,
        ear: &mut Ear<L>,
    ) -> Result<(), String> {
        match packet {
            Packet::Event(event) => ear.event(self.number, event, now),
            Packet::Ping => self.say(frame::TEXT, ear.entrance.kind.dialect().pong())?,
            Packet::Open => {
                let cursor = ear.returns.as_ref().and_then(|returns| returns.cursor(self.number));
                self.say(
                    frame::TEXT,
                    (self.plea)(ear.entrance.kind, self.number, cursor).as_bytes(),
                )?;
            }
            Packet::Seated if self.stage == Stage::Opening => {
                self.stage = if self.stands_still { Stage::Still } else { Stage::Seated };
                ear.seated(self.number, now);
            }
            Packet::Refused(reason) => return Err(String::from_utf8_lossy(reason).into_owned()),
            Packet::Ended => return Err("put it out".to_owned()),
            Packet::Seated | Packet::Other => {}
        }
        Ok(())
    }

    /// Short frames on a socket whose other side reads: they fit its buffer or something is amiss.
    fn say(&mut self, opcode: u8, payload: &[u8]) -> Result<(), String> {
        self.wire.write_all(&frame::masked(opcode, payload)).map_err(|error| error.to_string())
    }
}

/// A socket from the address whose turn it is.
fn socket(number: usize) -> io::Result<Socket> {
    let turn = u8::try_from(number % usize::from(SOURCES)).expect("less than eight");
    let source = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2 + turn), 0));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&source.into())?;
    Ok(socket)
}

fn upgrade(kind: Kind, server: SocketAddr) -> String {
    format!(
        "GET {} HTTP/1.1\r\nHost: {server}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        kind.path()
    )
}
