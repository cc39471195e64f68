//! Rooms over three processes: whoever rushes in, and however the holder goes, there is one holder, and all
//! others are told so. A short form, and the long one for `cargo xtask soak`.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::{
    guest::Guest,
    hall::{Hall, Setting, Story},
    page::DEADLINE,
};

/// Where holders go: short leases, and clients that are missed soon.
const BRIEF: [Setting; 3] =
    [("leases.login", "2s"), ("public.ping_interval", "2s"), ("public.ping_timeout", "2s")];
const LEASE: Duration = Duration::from_secs(2);

/// How long Redis stands still.
const STALL: Duration = Duration::from_secs(3);

const FIRST: &[&str] = &["loginWhenFirst"];
const LAST: &[&str] = &["loginWhenLast"];
const MIXED: &[&str] = &["loginWhenFirst", "loginWhenLast", "loginWhenLast"];

#[derive(Clone, Copy, Debug)]
enum End {
    /// Its node is killed.
    Killed,
    /// Its client vanishes without a word.
    Vanished,
    /// Its node, and no other, is cut off from Redis.
    CutOff,
    /// Redis stands still for longer than a lease.
    Stalled,
}

/// The short form has a node cut off under the first, where it has to be out before the next is in.
const KINDS: [&[&str]; 3] = [MIXED, LAST, FIRST];
const ENDS: [End; 4] = [End::Killed, End::Vanished, End::CutOff, End::Stalled];

#[tokio::test]
async fn a_room_has_one_holder_however_the_last_one_went() {
    one_holder_however_the_last_one_went(60, 4).await;
}

#[tokio::test]
async fn a_redis_that_stands_still_in_the_midst_of_a_rush_changes_nothing_of_who_gets_in() {
    one_holder_though_redis_stands_still(60, 3).await;
}

#[tokio::test]
#[ignore = "many minutes: cargo xtask soak"]
async fn soak_a_room_has_one_holder_however_the_last_one_went() {
    one_holder_however_the_last_one_went(200, 100).await;
}

#[tokio::test]
#[ignore = "many minutes: cargo xtask soak"]
async fn soak_a_redis_that_stands_still_in_the_midst_of_a_rush_changes_nothing_of_who_gets_in() {
    one_holder_though_redis_stands_still(200, 100).await;
}

async fn one_holder_however_the_last_one_went(guests: usize, rounds: usize) {
    let mut hall = Hall::open(guests, &BRIEF).await;
    for round in 0..rounds {
        let (end, kinds) = (ENDS[round % 4], KINDS[round % 3]);
        let room = format!("round {round}: {end:?}, {kinds:?}");
        let told = hall.rush(&room, kinds).await;
        let holder = only_holder(&told, &room, kinds);
        let next = succeed(&mut hall, holder, end, &room, kinds).await;
        // Or it would be put out of this room in the midst of another.
        hall.guests[next].leave(&room).await;
        hall.recover(guests).await;
    }
}

async fn one_holder_though_redis_stands_still(guests: usize, rounds: usize) {
    let mut hall = Hall::open(guests, &[]).await;
    for round in 0..rounds {
        let kinds = KINDS[round % 3];
        let room = format!("round {round}: {kinds:?}");
        let midst = guests / 2;
        hall.all_say(&room, kinds, 0..midst).await;
        hall.signal_redis(Signal::STOP);
        hall.all_say(&room, kinds, midst..guests).await;
        sleep(STALL).await;
        hall.signal_redis(Signal::CONT);
        let told = hall.all_hear().await;
        let holder = only_holder(&told, &room, kinds);
        hall.guests[holder].leave(&room).await;
    }
}

/// The one who is in, where all others were told that they are not, or not any more.
fn only_holder(told: &[Story], room: &str, kinds: &[&str]) -> usize {
    let [holder] = believers(told)[..] else { panic!("{room}: {told:?}") };
    for (at, story) in told.iter().enumerate() {
        let codes = story.codes();
        let is_right = match (kinds, &codes[..]) {
            (_, ["2002"]) => at == holder,
            (FIRST, codes) => codes == ["2004"],
            (LAST, codes) => codes == ["2002", "2005"],
            (_, codes) => codes == ["2004"] || codes == ["2002", "2005"],
        };
        assert!(is_right, "{room}: {codes:?}");
    }
    holder
}

/// Ends the holder's stay, and lets all others rush in until one is in. That one.
async fn succeed(
    hall: &mut Hall,
    holder: usize,
    end: End,
    room: &str,
    kinds: &[&'static str],
) -> usize {
    let since = Instant::now();
    let node = hall.guests[holder].node;
    match end {
        End::Killed => {
            hall.kill(node).await;
            next_holder(hall, room, kinds).await.0
        }
        End::Vanished => {
            let _silent = hall.guests.swap_remove(holder).fall_silent().await;
            next_holder(hall, room, kinds).await.0
        }
        End::CutOff => {
            let mut former = hall.guests.swap_remove(holder);
            let others = hall.dismiss(node);
            hall.detours[node].close();
            let (next, is_in_at) = next_holder(hall, room, kinds).await;
            let out = is_out(&mut former, since, room).await;
            assert!(kinds != FIRST || out < is_in_at, "{room}: out too late");
            hall.detours[node].open();
            hall.guests.push(former);
            hall.guests.extend(others);
            next
        }
        End::Stalled => {
            hall.signal_redis(Signal::STOP);
            is_out(&mut hall.guests[holder], since, room).await;
            sleep(STALL.saturating_sub(since.elapsed())).await;
            hall.signal_redis(Signal::CONT);
            next_holder(hall, room, kinds).await.0
        }
    }
}

/// Waits until it is told to be out, within a lease. When it was told.
async fn is_out(former: &mut Guest, since: Instant, room: &str) -> Instant {
    let out = former.told().await;
    assert!(out.code == "2005" && out.at - since < LEASE, "{room}: {out:?}");
    out.at
}

/// Everybody tries until one is in: who, and since when.
async fn next_holder(hall: &mut Hall, room: &str, kinds: &[&'static str]) -> (usize, Instant) {
    let until = Instant::now() + DEADLINE;
    while Instant::now() < until {
        let told = hall.rush(room, kinds).await;
        match believers(&told)[..] {
            [] => {}
            [holder] => return (holder, told[holder].last().at),
            _ => panic!("{room}: {told:?}"),
        }
    }
    panic!("{room}: nobody got in");
}

/// Who was told last that it is in.
fn believers(told: &[Story]) -> Vec<usize> {
    (0..told.len()).filter(|at| told[*at].last().code == "2002").collect()
}
