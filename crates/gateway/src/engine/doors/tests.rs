//! Whom the doors let in, one limit at a time.

use std::time::Duration;

use super::*;

fn limits() -> Limits {
    Limits {
        sockets: 100,
        sockets_per_address: 100,
        sockets_per_user: 100,
        accepts_per_second: 1_000,
        accepts_burst: 1_000,
        handshakes: 100,
        events_per_second: 100,
        packets_per_second: 100,
        bytes_per_second: 1_000_000,
        rooms_per_socket: 256,
        header_bytes: 16 * 1024,
        payload_bytes: 1_000_000,
        queue_bytes: 1_000_000,
        memory: None,
        stall: Duration::from_secs(15),
        handshake: Duration::from_secs(10),
    }
}

fn doors(limits: Limits) -> Arc<Doors> {
    Arc::new(Doors::new(limits))
}

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

/// What becomes of so many who come from one address after the other and stay.
fn outcomes(doors: &Arc<Doors>, comers: u8) -> (Vec<Newcomer>, Vec<Handshake>) {
    let (mut inside, mut refused) = (Vec::new(), Vec::new());
    for last in 0..comers {
        match doors.enter(address(last), false, 0) {
            Ok(newcomer) if newcomer.doubt.is_none() => inside.push(newcomer),
            Ok(newcomer) => refused.extend(newcomer.doubt),
            Err(why) => refused.push(why),
        }
    }
    (inside, refused)
}

#[test]
fn a_burst_is_let_in_and_then_as_many_as_time_allows() {
    let start = Instant::now();
    let mut rate = Rate { tokens: 5.0, filled_at: start };
    let mut taken = |seconds| {
        let now = start + Duration::from_secs(seconds);
        (0..9).filter(|_| rate.take(now, 2, 5)).count()
    };
    assert_eq!([taken(0), taken(1), taken(2), taken(3_600)], [5, 2, 2, 5]);
}

#[test]
fn who_comes_after_the_burst_is_told_why() {
    let doors = doors(Limits { accepts_per_second: 1, accepts_burst: 3, ..limits() });
    let (inside, refused) = outcomes(&doors, 5);
    assert_eq!((inside.len(), refused.as_slice()), (3, &[Handshake::Accepts; 2][..]));
}

#[test]
fn an_address_that_is_over_takes_nothing_from_the_others() {
    let doors = doors(Limits { sockets_per_address: 2, accepts_burst: 3, ..limits() });
    let one: Vec<_> = (0..10).map(|_| doors.enter(address(1), false, 0)).collect();
    let refused = one.iter().filter(|entered| matches!(entered, Err(Handshake::AddressFull)));
    assert_eq!(refused.count(), 8);
    assert!(doors.enter(address(2), false, 0).unwrap().doubt.is_none(), "one of the burst is left");
}

#[test]
fn so_many_handshakes_are_in_flight_and_each_that_ends_makes_room() {
    let doors = doors(Limits { handshakes: 4, ..limits() });
    let (mut inside, refused) = outcomes(&doors, 6);
    assert_eq!((inside.len(), refused.as_slice()), (4, &[Handshake::Handshakes; 2][..]));
    let Newcomer { inside: _connection, handshaking, .. } = inside.remove(0);
    drop(handshaking);
    assert!(doors.enter(address(9), false, 0).is_ok());
}

#[test]
fn one_address_has_a_quarter_of_the_handshakes() {
    let doors = doors(Limits { handshakes: 8, ..limits() });
    let one: Vec<_> = (0..5).filter_map(|_| doors.enter(address(1), false, 0).ok()).collect();
    assert_eq!(one.len(), 2);
    assert!(doors.enter(address(2), false, 0).is_ok());
}

#[test]
fn a_full_node_takes_only_who_is_known_and_spends_nothing_on_the_others() {
    let doors = doors(Limits { sockets: 3, accepts_burst: 1, ..limits() });
    for _ in 0..5 {
        assert_eq!(doors.enter(address(1), false, 3).unwrap().doubt, Some(Handshake::Overloaded));
    }
    assert_eq!(doors.enter(address(1), false, 2).unwrap().doubt, None);
}

#[test]
fn there_are_only_so_many_connections_whoever_they_belong_to() {
    let doors = doors(Limits { sockets: 2, handshakes: 1, ..limits() });
    let entered = |last| {
        let Newcomer { inside, handshaking, .. } = doors.enter(address(last), false, 2)?;
        drop(handshaking);
        Ok::<_, Handshake>(inside)
    };
    let known: Vec<_> = (0..5).filter_map(|last| entered(last).ok()).collect();
    assert_eq!(known.len(), 5);
    assert_eq!(entered(9).err(), Some(Handshake::Overloaded));
    drop(known);
    assert!(entered(9).is_ok());
}

#[test]
fn above_the_watermark_nobody_new_comes_in_until_memory_is_back() {
    let doors = doors(Limits { memory: Some(1_000), ..limits() });
    for (bytes, doubt) in [(1_000, None), (1_001, Some(Handshake::Memory)), (999, None)] {
        doors.weigh(bytes);
        assert_eq!(doors.enter(address(1), false, 0).unwrap().doubt, doubt, "{bytes}");
    }
}
