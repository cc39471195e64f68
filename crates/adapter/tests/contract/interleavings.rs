//! What holds whatever the order in which three publishers hand in: random drafts, many times.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use adapter::{Config, Published, Publisher};
use notice::{Audience, Draft, Kind, Notice, Order, Stamp, TaskKey, UserId};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio::task::JoinSet;

use crate::{
    drafts::{end, now, progress, to},
    subject::{Node, Subject},
};

const ROUNDS: u64 = 30;
const PUBLISHERS: usize = 3;
const DRAFTS: usize = 60;
const USERS: [&str; 2] = ["5", "6"];
const TASKS: [&str; 3] = ["copy", "export", "transcode"];

/// How the drafts of one round carry their order.
#[derive(Clone, Copy, Debug)]
enum Ordering {
    Versions,
    Stamps,
    Mixed,
}

/// What came of one round.
struct Round {
    /// Names the round in a failure.
    name: String,
    /// Everything that was accepted, as one node heard it.
    heard: Vec<Arc<Notice>>,
    /// Everything that was handed in.
    handed_in: Vec<Draft>,
    /// The live tasks of each user when all was done.
    live: Vec<Arc<Notice>>,
}

pub(crate) async fn whatever_the_interleaving_nothing_of_a_task_follows_its_final<S: Subject>() {
    for seed in 0..ROUNDS {
        let round = play::<S>(seed, Ordering::Mixed).await;
        let mut ended = HashSet::new();
        for notice in &round.heard {
            let key = key(&notice.draft);
            assert!(!ended.contains(&key), "{}: {key:?} goes on", round.name);
            if notice.draft.kind.is_final() {
                ended.insert(key);
            }
        }
        let finals = round.handed_in.iter().filter(|draft| draft.kind.is_final());
        assert_eq!(ended, finals.map(key).collect(), "{}: a final was refused", round.name);
    }
}

pub(crate) async fn whatever_the_interleaving_the_count_has_no_gap<S: Subject>() {
    for seed in 0..ROUNDS {
        let round = play::<S>(seed, Ordering::Mixed).await;
        let mut counts = HashMap::new();
        for notice in &round.heard {
            let count = counts.entry(&notice.draft.audience).or_insert(0);
            *count += 1;
            assert_eq!(notice.position.seq, *count, "{}", round.name);
        }
    }
}

pub(crate) async fn whatever_the_interleaving_the_newest_is_shown<S: Subject>() {
    for seed in 0..ROUNDS {
        for ordering in [Ordering::Versions, Ordering::Stamps] {
            let round = play::<S>(seed, ordering).await;
            let ended: HashSet<_> =
                round.handed_in.iter().filter(|d| d.kind.is_final()).map(key).collect();
            let mut newest = HashMap::new();
            for draft in round.handed_in.iter().filter(|draft| !ended.contains(&key(draft))) {
                let newest = newest.entry(key(draft)).or_insert(rank(draft));
                *newest = rank(draft).max(*newest);
            }
            let shown: HashMap<_, _> =
                round.live.iter().map(|notice| (key(&notice.draft), rank(&notice.draft))).collect();
            assert_eq!(shown, newest, "{}", round.name);
        }
    }
}

/// Three publishers hand in random drafts at once while a node listens slowly.
async fn play<S: Subject>(seed: u64, ordering: Ordering) -> Round {
    let rng = &mut StdRng::seed_from_u64(seed);
    let config = Config { inbox_len_max: rng.random_range(1..20), ..S::config() };
    let (bus, mut node) = S::one_with(config).await;
    for user in USERS {
        node.enter(&audience(user)).await;
    }
    let handed_in = drafts(rng, ordering);
    let mut publishers = JoinSet::new();
    for part in handed_in.chunks(DRAFTS / PUBLISHERS) {
        let publisher = bus.link().await.link.publisher;
        publishers.spawn(hand_in(publisher, part.to_vec(), StdRng::from_rng(rng)));
    }
    let mut heard = Vec::new();
    let mut accepted = 0;
    loop {
        tokio::select! {
            notice = node.hear() => heard.push(notice),
            Some(done) = publishers.join_next() => accepted += done.expect("no publisher fails"),
        }
        if publishers.is_empty() && heard.len() == accepted {
            break;
        }
    }
    let live = live(&node).await;
    Round { name: format!("seed {seed}, {ordering:?}"), heard, handed_in, live }
}

/// How many were accepted.
async fn hand_in(publisher: Publisher, drafts: Vec<Draft>, mut rng: StdRng) -> usize {
    let mut accepted = 0;
    for draft in drafts {
        if rng.random_bool(0.5) {
            tokio::task::yield_now().await;
        }
        let outcome = publisher.publish(draft).await.expect("the listener keeps up");
        accepted += usize::from(matches!(outcome, Published::Accepted { .. }));
    }
    accepted
}

/// Every version and every stamp once, in any order, over all tasks; each task may have finals.
fn drafts(rng: &mut StdRng, ordering: Ordering) -> Vec<Draft> {
    let mut ranks: Vec<u32> = (1..=u32::try_from(DRAFTS).expect("a few")).collect();
    ranks.shuffle(rng);
    let draft = |rank| {
        let order = order(rank, ordering, rng);
        let (user, task) = (USERS[rng.random_range(0..2)], TASKS[rng.random_range(0..3)]);
        let kind = if rng.random_bool(0.05) { end } else { progress };
        to(audience(user), kind(task, order, "text"))
    };
    ranks.into_iter().map(draft).collect()
}

fn order(rank: u32, ordering: Ordering, rng: &mut StdRng) -> Order {
    let version = Order { version: Some(f64::from(rank)), stamp: None };
    let stamp = Order { version: None, stamp: Some(Stamp { millis: rank.into(), count: 0 }) };
    match ordering {
        Ordering::Versions => version,
        Ordering::Stamps => stamp,
        Ordering::Mixed => {
            [version, stamp, Order { stamp: stamp.stamp, ..version }, now()][rng.random_range(0..4)]
        }
    }
}

/// Version or stamp, of which every draft has another.
fn rank(draft: &Draft) -> u64 {
    let (Kind::Progress { order, .. } | Kind::Final { order, .. }) = &draft.kind else { return 0 };
    match order {
        Order { stamp: Some(stamp), .. } => stamp.millis,
        Order { version, .. } => version.unwrap_or_default().to_bits(),
    }
}

fn key(draft: &Draft) -> (Audience, TaskKey) {
    let task = draft.kind.task().expect("all drafts here are of tasks");
    (draft.audience.clone(), task.clone())
}

fn audience(user: &str) -> Audience {
    Audience::tasks_of(UserId::new(user).expect("a user"))
}

async fn live(node: &Node) -> Vec<Arc<Notice>> {
    let mut live = Vec::new();
    for user in USERS {
        let since = adapter::Since::Window(std::time::Duration::ZERO);
        live.extend(node.catch_up_on(&audience(user), since).await.live);
    }
    live
}
