//! What holds however the logins of three nodes fall together.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use adapter::{Arrival, LoginMode, LoginOutcome, Logins};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    drafts::room,
    logins::{login, socket},
    subject::{Node, Subject},
};
use LoginMode::{First, Last, Whenever};

const NODES: usize = 3;
const MEMBERS: usize = 12;
const ROUNDS: u64 = 8;
/// How long nothing may come before all has come.
const QUIET: Duration = Duration::from_millis(300);

/// One thing that one member did, and when by a count of all that was done.
#[derive(Debug)]
struct Deed {
    member: String,
    what: What,
    began: u64,
    ended: u64,
}

#[derive(Debug, Eq, PartialEq)]
enum What {
    In(LoginMode),
    Refused,
    Left,
}

async fn nodes<S: Subject>() -> (S, Vec<Node>) {
    let (bus, node) = S::one().await;
    let mut nodes = vec![node];
    while nodes.len() < NODES {
        nodes.push(bus.link().await);
    }
    for node in &nodes {
        node.enter(&room("1")).await;
    }
    (bus, nodes)
}

fn name(member: usize) -> String {
    format!("m{member}")
}

/// Every member does `times` things of its own node's, chosen among `modes` and leaving.
async fn rush(nodes: &[Node], seed: u64, times: usize, modes: &'static [LoginMode]) -> Vec<Deed> {
    let clock = Arc::new(AtomicU64::new(0));
    let mut members = JoinSet::new();
    for member in 0..MEMBERS {
        let logins = nodes[member % NODES].link.logins.clone();
        let rng = StdRng::seed_from_u64(seed * 1_000 + member as u64);
        members.spawn(live(logins, name(member), rng, times, modes, Arc::clone(&clock)));
    }
    members.join_all().await.into_iter().flatten().collect()
}

async fn live(
    logins: Logins,
    member: String,
    mut rng: StdRng,
    times: usize,
    modes: &'static [LoginMode],
    clock: Arc<AtomicU64>,
) -> Vec<Deed> {
    let tick = || clock.fetch_add(1, Ordering::SeqCst);
    let mut deeds = Vec::new();
    for time in 0..times {
        for _ in 0..rng.random_range(0..4) {
            tokio::task::yield_now().await;
        }
        let began = tick();
        let what = if time > 0 && rng.random_bool(0.4) {
            logins.leave(&room("1"), &socket(&member)).await;
            What::Left
        } else {
            let mode = modes[rng.random_range(0..modes.len())];
            match logins.login(&room("1"), login(&member, mode)).await.expect("the bus answers") {
                LoginOutcome::In => What::In(mode),
                LoginOutcome::Occupied => What::Refused,
            }
        };
        deeds.push(Deed { member: member.clone(), what, began, ended: tick() });
    }
    deeds
}

/// How often each member was told that it was put out.
async fn told(nodes: &mut [Node]) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for node in nodes {
        while let Ok(arrival) = timeout(QUIET, node.link.inbox.next()).await {
            let Some(Arrival::PutOut { members, .. }) = arrival else { panic!("{arrival:?}") };
            for member in members {
                *told.entry(member.to_string()).or_default() += 1;
            }
        }
    }
    told
}

pub(crate) async fn of_all_who_rush_in_first_one_is_in<S: Subject>() {
    let (_bus, mut nodes) = nodes::<S>().await;
    for seed in 0..ROUNDS {
        let deeds = rush(&nodes, seed, 1, &[First]).await;
        let holders: Vec<_> = deeds.iter().filter(|deed| deed.what == What::In(First)).collect();
        assert_eq!(holders.len(), 1, "seed {seed}: {deeds:?}");
        for (member, node) in (0..MEMBERS).map(|member| (member, &nodes[member % NODES])) {
            node.log_out(&name(member)).await;
        }
    }
    assert!(told(&mut nodes).await.is_empty());
}

pub(crate) async fn of_all_who_rush_in_last_one_is_left_and_the_others_are_told<S: Subject>() {
    for seed in 0..ROUNDS / 2 {
        let (_bus, mut nodes) = nodes::<S>().await;
        let deeds = rush(&nodes, seed, 1, &[Last]).await;
        assert!(deeds.iter().all(|deed| deed.what == What::In(Last)), "{deeds:?}");
        let told = told(&mut nodes).await;
        assert_eq!(told.len(), MEMBERS - 1, "seed {seed}: {told:?}");
        assert!(told.values().all(|times| *times == 1), "seed {seed}: {told:?}");
        assert!(!nodes[0].log_in("newcomer", First).await, "one is in");
        let holder = (0..MEMBERS).find(|member| !told.contains_key(&name(*member)));
        let holder = holder.expect("one was not told");
        nodes[holder % NODES].log_out(&name(holder)).await;
        assert!(nodes[0].log_in("newcomer", First).await, "it was that one and no other");
    }
}

pub(crate) async fn nobody_is_first_while_another_is_in_whatever_the_interleaving<S: Subject>() {
    let (_bus, mut nodes) = nodes::<S>().await;
    for seed in 0..ROUNDS {
        let deeds = rush(&nodes, seed, 10, &[First, First, Whenever]).await;
        for first in deeds.iter().filter(|deed| deed.what == What::In(First)) {
            let beside = beside(first, &deeds);
            assert_eq!(beside, None, "seed {seed}: {first:?}");
        }
        for member in 0..MEMBERS {
            nodes[member % NODES].log_out(&name(member)).await;
        }
    }
    assert!(told(&mut nodes).await.is_empty(), "nobody is put out by first and whenever");
}

/// Somebody who was in all the while that another was let in as the first.
fn beside<'a>(first: &Deed, deeds: &'a [Deed]) -> Option<&'a str> {
    let is_own = |member: &str| member == first.member;
    // One that may have been in already is let in beside others.
    let was_in = |&(member, from, to): &(&str, u64, u64)| {
        is_own(member) && from < first.began && first.began <= to
    };
    if stays(deeds).any(|stay| was_in(&stay)) {
        return None;
    }
    let is_beside = |&(member, from, to): &(&str, u64, u64)| {
        !is_own(member) && from < first.began && first.ended < to
    };
    stays(deeds).find(is_beside).map(|(member, ..)| member)
}

/// For each member, from when to when it was in for certain.
fn stays(deeds: &[Deed]) -> impl Iterator<Item = (&str, u64, u64)> {
    deeds.iter().enumerate().filter(|(_, deed)| matches!(deed.what, What::In(_))).map(
        |(at, deed)| {
            let own = |later: &&Deed| later.member == deed.member && later.what == What::Left;
            let left = deeds[at..].iter().find(own).map_or(u64::MAX, |left| left.began);
            (deed.member.as_str(), deed.ended, left)
        },
    )
}

pub(crate) async fn who_believes_to_be_in_is_in_whatever_the_interleaving<S: Subject>() {
    for seed in 0..ROUNDS / 2 {
        let (_bus, mut nodes) = nodes::<S>().await;
        let deeds = rush(&nodes, seed, 10, &[First, Last, Whenever]).await;
        let mut told_before = told(&mut nodes).await;
        // Who is in, as a last one finds it.
        assert!(nodes[0].log_in("newcomer", Last).await);
        let found: BTreeSet<_> = told(&mut nodes).await.into_keys().collect();
        let possible: BTreeSet<_> = last_deeds(&deeds)
            .filter(|deed| deed.what != What::Left)
            .map(|deed| deed.member.clone())
            .collect();
        assert!(found.is_subset(&possible), "seed {seed}: {found:?} of {possible:?}");
        // Word that got lost on a busy machine comes with the next renewal.
        let since = Instant::now();
        while possible.difference(&found).any(|member| !told_before.contains_key(member)) {
            let story = format!("seed {seed}: {possible:?} {found:?} {told_before:?}");
            assert!(since.elapsed() < S::config().login_lease * 2, "{story}");
            told_before.extend(told(&mut nodes).await);
        }
        nodes[0].log_out("newcomer").await;
        assert!(nodes[1].log_in("m1", First).await, "seed {seed}: nobody else was in");
    }
}

fn last_deeds(deeds: &[Deed]) -> impl Iterator<Item = &Deed> {
    (0..MEMBERS).filter_map(|member| deeds.iter().rev().find(|deed| deed.member == name(member)))
}
