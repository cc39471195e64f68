//! Sockets that are seated and then hear nothing: what a handshake and a quiet socket cost.

use std::{net::SocketAddr, time::Duration};

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    report::Sheet,
    scenario::{
        meter::{Meter, Reading},
        phase, placing, seating,
        storm::arrive,
    },
    settings::Idle,
    swarm::Swarm,
    target::{Kind, Server, Target},
};

/// Plays it to one server.
pub(crate) fn play(target: &Target, idle: &Idle, bar: &ProgressBar) -> Result<Sheet, Failure> {
    let sockets = idle.sockets;
    let target = &if idle.tls { target.secure()? } else { target.clone() };
    let server = Server::start(target, None, placing(&idle.common))?;
    let meter = Meter::on(&server);
    let mut swarm = Swarm::new(target.entrance(), server.at.public, Instant::now(), ())?;

    let before = meter.read()?;
    phase(bar, "seating", sockets as u64);
    if idle.upgrade {
        change_over(&mut swarm, target.kind, sockets, server.at.public, bar)?;
    } else {
        swarm.seat(sockets, |seated| bar.set_position(seated as u64))?;
    }
    let seated = meter.read()?;

    let quiet = Instant::now();
    phase(bar, "settling", idle.settle_seconds);
    let until = quiet + Duration::from_secs(idle.settle_seconds);
    swarm.rest(until, || bar.set_position(quiet.elapsed().as_secs()))?;
    let settled = meter.read()?;

    let mut sheet = Sheet::default();
    seating(&mut sheet, sockets, &seated.since(&before));
    memory(&mut sheet, sockets, [&before, &seated, &settled]);
    let quiet_micros = settled.since(&seated).server_micros(sockets);
    sheet.cost("quiet CPU", "µs/socket/s", quiet_micros / quiet.elapsed().as_secs_f64());
    sheet.count("departed", swarm.roll().departed);
    // A server without sockets has nothing to drain, and stops at once.
    drop(swarm);
    server.stop()?;
    Ok(sheet)
}

/// Seats clients one after the other, as stock clients come.
fn change_over(
    swarm: &mut Swarm<()>,
    kind: Kind,
    sockets: usize,
    address: SocketAddr,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    for number in 0..sockets {
        let arrived = arrive(kind, number, address);
        swarm.adopt(arrived.map_err(|source| Failure::Connect { number, address, source })?)?;
        bar.inc(1);
    }
    Ok(())
}

/// RSS as the kernel counts it, and the part of it that is no file's.
fn memory(sheet: &mut Sheet, sockets: usize, [before, seated, settled]: [&Reading; 3]) {
    sheet.note("RSS before the first", "KiB", before.total(|memory| memory.rss_kib));
    sheet.cost("RSS, all seated", "KiB/socket", seated.rss_grown(before, sockets));
    sheet.cost("RSS, settled", "KiB/socket", settled.rss_grown(before, sockets));
    sheet.cost("of it anonymous", "KiB/socket", settled.anonymous_grown(before, sockets));
}
