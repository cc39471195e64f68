//! Handshakes that are accepted, and handshakes that find the node full: what each costs it. Accepted are such as
//! begin with their WebSocket, and such as come by polling and change over, as stock clients do by default.

mod arrival;

pub(super) use self::arrival::arrive;

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use indicatif::ProgressBar;
use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

use crate::{
    failure::Failure,
    report::Sheet,
    scenario::{
        meter::{Meter, micros},
        phase, placing,
    },
    settings::Storm,
    stats::ratio,
    swarm::Swarm,
    target::{Server, Target},
};

/// How many accepted sockets are there at once.
pub(crate) const WAVE: usize = 4_000;
/// How many ask at once of those who are refused.
const FRONT: usize = 256;
/// How many hold the node full while others are refused.
const HOLDERS: usize = 8;
const WAIT: Duration = Duration::from_secs(10);

/// Plays it to one server, started twice: once with room for a wave, once with room for a few.
pub(crate) fn play(target: &Target, storm: &Storm, bar: &ProgressBar) -> Result<Sheet, Failure> {
    let accepted = accepted(target, storm, bar)?;
    let changed_over = changed_over(target, storm, bar)?;
    let (refused, told) = refused(target, storm, bar)?;
    let mut sheet = Sheet::default();
    sheet.cost("CPU of an accepted handshake", "µs", accepted);
    sheet.cost("CPU of one by polling, then WebSocket", "µs", changed_over);
    sheet.cost("CPU of a refused handshake", "µs", refused);
    sheet.note("refused to accepted", "", ratio(refused, accepted).unwrap_or_default());
    let to_changed_over = ratio(refused, changed_over).unwrap_or_default();
    sheet.note("refused to one by polling, then WebSocket", "", to_changed_over);
    sheet.count("accepted", storm.accepted);
    sheet.count("refused", storm.refused);
    sheet.count("of them told 503", told);
    Ok(sheet)
}

/// Microseconds of the server for each that gets a seat, their leaving not counted.
fn accepted(target: &Target, storm: &Storm, bar: &ProgressBar) -> Result<f64, Failure> {
    let server = Server::start(&target.set(&[])?, None, placing(&storm.common))?;
    let meter = Meter::on(&server);
    let mut spent = Duration::ZERO;
    phase(bar, "accepted", storm.accepted as u64);
    let mut left = storm.accepted;
    while left > 0 {
        let wave = left.min(WAVE);
        let mut swarm = Swarm::new(target.entrance(), server.at.public, Instant::now(), ())?;
        let before = meter.read()?;
        swarm.seat(wave, |_| {})?;
        spent += meter.read()?.since(&before).servers.iter().sum::<Duration>();
        left -= wave;
        bar.inc(wave as u64);
        drop(swarm);
        gone(&server)?;
    }
    server.stop()?;
    Ok(micros(spent, storm.accepted))
}

/// The same for those who come as stock clients do by default.
fn changed_over(target: &Target, storm: &Storm, bar: &ProgressBar) -> Result<f64, Failure> {
    let server = Server::start(&target.set(&[])?, None, placing(&storm.common))?;
    let meter = Meter::on(&server);
    let mut spent = Duration::ZERO;
    phase(bar, "by polling", storm.accepted as u64);
    let mut seated = 0;
    while seated < storm.accepted {
        let wave = seated..storm.accepted.min(seated + WAVE);
        seated = wave.end;
        let before = meter.read()?;
        let address = server.at.public;
        let arrive = |number| {
            let arrived = arrive(target.kind, number, address);
            arrived.map_err(|source| Failure::Connect { number, address, source })
        };
        let sockets = wave.map(arrive).collect::<Result<Vec<_>, _>>()?;
        spent += meter.read()?.since(&before).servers.iter().sum::<Duration>();
        bar.set_position(seated as u64);
        drop(sockets);
        gone(&server)?;
    }
    server.stop()?;
    Ok(micros(spent, storm.accepted))
}

/// Returns when the server has let all sockets go, so that no leaving is counted as a coming.
fn gone(server: &Server) -> Result<(), Failure> {
    let sockets = || server.metric("carillon_sockets").ok().flatten().unwrap_or_default();
    server.until(|| sockets() < 1.0)
}

/// Microseconds of the server for each that finds it full, and how many of them were told so.
fn refused(target: &Target, storm: &Storm, bar: &ProgressBar) -> Result<(f64, usize), Failure> {
    let full = [("CARILLON_LIMITS__SOCKETS", HOLDERS.to_string())];
    let server = Server::start(&target.set(&full)?, None, placing(&storm.common))?;
    let meter = Meter::on(&server);
    let mut swarm = Swarm::new(target.entrance(), server.at.public, Instant::now(), ())?;
    swarm.seat(HOLDERS, |_| {})?;
    let before = meter.read()?;
    phase(bar, "refused", storm.refused as u64);
    let (mut told, mut number) = (0, 0);
    while number < storm.refused {
        let front = number..storm.refused.min(number + FRONT);
        let asked = front.clone().map(|number| (number, ask(number, server.at.public)));
        // All of them ask before the first is heard, as in a storm.
        for (number, asked) in asked.collect::<Vec<_>>() {
            let address = server.at.public;
            let failed = |source| Failure::Connect { number, address, source };
            let said = asked.and_then(hear).map_err(failed)?;
            if said.starts_with("HTTP/1.1 503") {
                told += 1;
            } else if !said.is_empty() {
                return Err(Failure::NotRefused { number, said });
            }
        }
        number = front.end;
        bar.set_position(number as u64);
    }
    let spent = meter.read()?.since(&before).server_micros(storm.refused);
    drop(swarm);
    server.stop()?;
    Ok((spent, told))
}

fn connect(number: usize, server: SocketAddr) -> io::Result<TcpStream> {
    let turn = u8::try_from(number % 8).expect("less than eight");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2 + turn), 0)).into())?;
    socket.connect_timeout(&server.into(), WAIT)?;
    socket.set_tcp_nodelay(true)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(WAIT))?;
    Ok(stream)
}

/// Connects, and asks as every client does.
fn ask(number: usize, server: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = connect(number, server)?;
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n\r\n";
    match stream.write_all(request.as_bytes()) {
        Err(error) if !was_cut(&error) => Err(error),
        _ => Ok(stream),
    }
}

/// What the server says before it closes. A server that has closed without reading the request may reset the
/// connection, which drops its words: that is nothing said.
fn hear(mut stream: TcpStream) -> io::Result<String> {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Err(error) if !was_cut(&error) => Err(error),
        _ => Ok(String::from_utf8_lossy(&said).into_owned()),
    }
}

fn was_cut(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}
