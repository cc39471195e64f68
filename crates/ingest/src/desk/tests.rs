//! What waits, what does not, and who learns of it when. The bus is the real one, on a paused clock.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use adapter::{Arrival, Config, Embedded, Inbox, Link};
use bytes::Bytes;
use notice::{Audience, NodeId, Stamp, StatusTable, UserId};
use prometheus::Registry;
use proptest::{collection::vec, prelude::*};
use tokio::time::{Instant, advance};

use crate::{
    desk::{Desk, Entry},
    fate::Fate,
    intake::Intake,
    metrics::{Metrics, Road},
};

const PACE: Duration = Duration::from_millis(100);

/// A bus with one listener, and the desks of some replicas before it.
struct Rig {
    desks: Vec<Desk<usize>>,
    inbox: Inbox,
    metrics: Metrics,
    /// Of the next message.
    ticket: usize,
}

impl Rig {
    async fn of(desks: usize) -> Self {
        Self::with(desks, 1000).await
    }

    async fn with(desks: usize, inbox_len_max: usize) -> Self {
        let registry = Registry::new();
        let config = config(inbox_len_max);
        let bus = Embedded::new(config, &registry).unwrap();
        let Link { publisher, interest, inbox, .. } = bus.link(NodeId::new("n").unwrap());
        interest.enter(&Audience::tasks_of(UserId::new("5").unwrap())).await.unwrap();
        let metrics = Metrics::new(&registry).unwrap();
        let intake = Intake::new(publisher, StatusTable::default(), metrics.clone());
        let desk = |_| Desk::new(intake.clone(), Road::Embedded, 100);
        Self { desks: (0..desks).map(desk).collect(), inbox, metrics, ticket: 0 }
    }

    /// Hands the first desk messages as [`entry`] reads them.
    async fn take(&mut self, texts: &[&str]) -> Vec<(usize, Fate)> {
        self.take_at(0, texts).await
    }

    async fn take_at(&mut self, desk: usize, texts: &[&str]) -> Vec<(usize, Fate)> {
        let mut entries = Vec::new();
        for text in texts {
            entries.push(entry(text, self.ticket));
            self.ticket += 1;
        }
        sorted(self.desks[desk].take(entries).await)
    }

    /// Lets a desk sleep until it is due, and flushes it.
    async fn flush(&mut self, desk: usize) -> Vec<(usize, Fate)> {
        let due = self.desks[desk].due().expect("something is held");
        tokio::time::sleep_until(due).await;
        sorted(self.desks[desk].flush().await)
    }

    /// What the listener has heard since it was last asked.
    fn heard(&mut self) -> Vec<String> {
        let arrivals = std::iter::from_fn(|| self.inbox.try_next());
        let text = |arrival| match arrival {
            Arrival::Notice(notice) => notice.draft.payload.args().to_owned(),
            other => panic!("{other:?}"),
        };
        arrivals.map(text).map(|json| read_back(&json)).collect()
    }
}

pub(super) fn config(inbox_len_max: usize) -> Config {
    let day = Duration::from_hours(24);
    Config {
        finals_keep: 1000,
        finals_age: day,
        live_age: day,
        ended_age: day,
        inbox_len_max,
        interest_linger: Duration::from_secs(1),
        tasks_per_user_max: 1000,
        audiences_max: 1000,
        progress_pace: PACE,
        publish_wait: Duration::ZERO,
        node_lease: Duration::from_secs(15),
        seats_held: None,
        login_lease: Duration::from_secs(15),
        room_members_max: 1_000,
        login_rooms_max: 1_000,
        revocations_max: 100_000,
        kept_rooms: notice::RoomPatterns::default(),
        uplink: None,
    }
}

/// A message written as task, kind, and what orders it: `a progress v3`, `a progress s7` or neither.
fn entry(text: &str, ticket: usize) -> Entry<usize> {
    let mut words = text.split(' ');
    let (task, kind) = (words.next().unwrap(), words.next().unwrap());
    let (mut version, mut stamp) = (String::new(), None);
    for word in words {
        match word.split_at(1) {
            ("v", number) => version = format!(r#","version":{number}"#),
            ("s", millis) => stamp = Some(Stamp { millis: millis.parse().unwrap(), count: 0 }),
            _ => panic!("{text}"),
        }
    }
    let json = format!(
        r#"{{"text":"{text}","identity":"{task}","userIdentity":5,"event":"x.{kind}"{version}}}"#
    );
    Entry {
        ticket,
        json: Bytes::from(json),
        stamp,
        handed_in: SystemTime::UNIX_EPOCH,
        parent: None,
    }
}

fn read_back(json: &str) -> String {
    json.split('"').nth(3).unwrap().to_owned()
}

fn sorted(mut fates: Vec<(usize, Fate)>) -> Vec<(usize, Fate)> {
    if fates.iter().all(|(_, fate)| *fate != Fate::NotTaken) {
        fates.sort_unstable_by_key(|(ticket, _)| *ticket);
    }
    fates
}

fn published(ticket: usize) -> (usize, Fate) {
    (ticket, Fate::Published)
}

fn superseded(ticket: usize) -> (usize, Fate) {
    (ticket, Fate::Superseded)
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_progress_becomes_one_now_and_the_newest_a_pace_later() {
    let mut rig = Rig::of(1).await;
    let begin = Instant::now();
    assert_eq!(rig.take(&["a progress s1"]).await, [published(0)]);
    assert_eq!(rig.take(&["a progress s2", "a progress s3"]).await, []);
    advance(PACE / 2).await;
    assert_eq!(rig.take(&["a progress s4"]).await, []);
    assert_eq!(rig.heard(), ["a progress s1"]);
    let settled = rig.flush(0).await;
    assert_eq!(settled, [superseded(1), superseded(2), published(3)]);
    assert_eq!(rig.heard(), ["a progress s4"]);
    assert!(begin.elapsed() < PACE + PACE / 10, "{:?}", begin.elapsed());
    assert_eq!(rig.metrics.conflated.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_end_is_not_held_back_and_takes_the_held_progress_with_it() {
    let mut rig = Rig::of(1).await;
    rig.take(&["a progress s1", "b progress s1"]).await;
    assert_eq!(rig.take(&["a progress s2", "b progress s2"]).await, []);
    assert_eq!(rig.take(&["a complete s3"]).await, [superseded(2), published(4)]);
    assert_eq!(rig.heard().last().unwrap(), "a complete s3");
    assert_eq!(rig.flush(0).await, [published(3)]);
    assert_eq!((rig.heard(), rig.desks[0].due()), (vec!["b progress s2".to_owned()], None));
}

#[tokio::test(start_paused = true)]
async fn two_desks_on_one_bus_keep_the_pace_together() {
    let mut rig = Rig::of(2).await;
    let mut heard = 0;
    for round in 0..40 {
        for desk in [0, 1] {
            let text = format!("a progress s{}", 2 * round + desk);
            rig.take_at(desk, &[&text]).await;
            advance(PACE / 10).await;
        }
        heard += rig.heard().len();
    }
    assert!((7..=8).contains(&heard), "{heard} in 8 paces");
    for desk in [0, 1] {
        rig.desks[desk].flush_all().await;
    }
    assert_eq!(rig.heard().last().unwrap(), "a progress s79");
}

#[tokio::test(start_paused = true)]
async fn a_held_ticket_is_settled_only_when_its_successor_is_published() {
    let mut rig = Rig::with(1, 1).await;
    rig.take(&["a progress s1"]).await;
    assert_eq!(rig.take(&["a progress s2"]).await, []);
    assert_eq!(rig.take(&["a progress s3"]).await, []);
    assert_eq!(rig.desks[0].len(), 2);
    // The listener's one place is taken, so the bus refuses for now.
    let given_back = rig.flush(0).await;
    assert_eq!(given_back, [(1, Fate::NotTaken), (2, Fate::NotTaken)]);
    assert_eq!((rig.desks[0].len(), rig.metrics.conflated.get()), (0, 0));
    rig.heard();
    let again = vec![entry("a progress s2", 1), entry("a progress s3", 2)];
    assert_eq!(sorted(rig.desks[0].take(again).await), [superseded(1), published(2)]);
}

#[tokio::test(start_paused = true)]
async fn what_the_bus_does_not_take_is_given_back_in_order() {
    let mut rig = Rig::with(1, 1).await;
    let texts =
        ["b progress s1", "a complete s2", "b progress s3", "c queued", "a progress s4", "d error"];
    let settled = rig.take(&texts).await;
    let not_taken = [0, 2, 3, 4, 5].map(|ticket| (ticket, Fate::NotTaken));
    assert_eq!(settled, [[published(1)].as_slice(), &not_taken].concat());
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_is_held_whatever_the_order_of_arrival() {
    for (texts, newest) in [
        (["a progress v9", "a progress v3", "a progress v5"], 1),
        (["a progress s7 v1", "a progress s9 v1", "a progress s8 v1"], 2),
        (["a progress s9", "a progress s7", "a progress s8"], 1),
        (["a progress v9", "a progress s1", "a progress v1"], 3),
    ] {
        let mut rig = Rig::of(1).await;
        rig.take(&["a progress v0 s0"]).await;
        for text in texts {
            assert_eq!(rig.take(&[text]).await, []);
        }
        let settled = rig.flush(0).await;
        let published = settled.iter().filter(|(_, fate)| *fate == Fate::Published);
        assert_eq!(published.map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [newest], "{texts:?}");
        assert_eq!(settled.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waited_without_an_order_of_its_own_is_not_newer_than_what_came_meanwhile() {
    let mut rig = Rig::of(2).await;
    rig.take_at(0, &["a progress"]).await;
    assert_eq!(rig.take_at(0, &["a progress"]).await, []);
    // Store time is real time.
    let before = SystemTime::now();
    while before.elapsed().is_ok_and(|since| since < Duration::from_millis(2)) {}
    assert_eq!(rig.take_at(1, &["a progress"]).await, []);
    assert_eq!(rig.flush(1).await, [published(2)]);
    advance(PACE).await;
    assert_eq!(rig.flush(0).await, [superseded(1)]);
}

#[tokio::test(start_paused = true)]
async fn other_tasks_and_what_is_no_progress_do_not_wait() {
    let mut rig = Rig::of(1).await;
    rig.take(&["a progress s1"]).await;
    let texts = ["b progress s2", "a queued", "a queued", "c complete", "c progress s3"];
    let settled = rig.take(&texts).await;
    let after_final = (5, Fate::AfterFinal);
    assert_eq!(settled, [published(1), published(2), published(3), published(4), after_final]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_message_is_refused_at_once() {
    let mut rig = Rig::of(1).await;
    let bad = Entry { json: Bytes::from_static(b"7"), ..entry("a progress", 7) };
    let settled = rig.desks[0].take(vec![bad]).await;
    assert!(matches!(settled[..], [(7, Fate::Rejected { reason: "not_object", .. })]));
}

#[tokio::test(start_paused = true)]
async fn a_stop_publishes_what_is_held_when_its_turn_comes() {
    let mut rig = Rig::of(1).await;
    rig.take(&["a progress s1", "b progress s1"]).await;
    rig.take(&["a progress s2"]).await;
    advance(PACE / 2).await;
    rig.take(&["b progress s2"]).await;
    let begin = Instant::now();
    assert_eq!(sorted(rig.desks[0].flush_all().await), [published(2), published(3)]);
    assert!(begin.elapsed() <= PACE, "{:?}", begin.elapsed());
    assert_eq!(rig.desks[0].len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_remembered_no_longer_than_the_pace() {
    let mut rig = Rig::of(1).await;
    for task in 0..100 {
        rig.take(&[&format!("{task} progress s1")]).await;
    }
    assert_eq!(rig.desks[0].tasks.len(), 100);
    advance(PACE).await;
    rig.take(&["last complete"]).await;
    assert_eq!(rig.desks[0].tasks.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_desk_that_holds_as_much_as_it_may_is_full() {
    let mut rig = Rig::of(1).await;
    rig.take(&["a progress s0"]).await;
    for stamp in 1..=100 {
        assert!(!rig.desks[0].is_full());
        rig.take(&[&format!("a progress s{stamp}")]).await;
    }
    assert!(rig.desks[0].is_full());
    rig.flush(0).await;
    assert_eq!(rig.desks[0].len(), 0);
}

/// Plays steps on two desks, and holds what comes of it to all that is promised. A step is a desk, a
/// task, whether it ends, the place in the order of all, and the milliseconds after it.
async fn play(steps: Vec<(usize, char, bool, usize, u64)>) {
    let mut rig = Rig::of(2).await;
    let mut fates: HashMap<usize, Fate> = HashMap::new();
    let mut told: HashMap<char, Vec<(Instant, bool, usize)>> = HashMap::new();
    let mut newest: HashMap<char, usize> = HashMap::new();
    let rest = std::iter::repeat_n(None, 60);
    for step in steps.iter().map(Some).chain(rest) {
        let mut settled = Vec::new();
        if let Some((desk, task, is_end, order, _)) = step {
            let kind = if *is_end { "complete" } else { "progress" };
            settled = rig.take_at(*desk, &[&format!("{task} {kind} v{order}")]).await;
            newest
                .entry(*task)
                .and_modify(|newest| *newest = (*newest).max(*order))
                .or_insert(*order);
        }
        for desk in &mut rig.desks {
            settled.extend(desk.flush().await);
        }
        for (ticket, fate) in settled {
            assert!(fates.insert(ticket, fate).is_none(), "{ticket} has two fates");
        }
        for text in rig.heard() {
            let task = text.chars().next().unwrap();
            let order = text.split('v').next_back().unwrap().parse().unwrap();
            told.entry(task).or_default().push((Instant::now(), text.contains("complete"), order));
        }
        advance(Duration::from_millis(step.map_or(5, |step| step.4))).await;
    }
    assert_eq!(fates.len(), rig.ticket, "every ticket has a fate");
    assert!(!fates.values().any(|fate| *fate == Fate::NotTaken));
    for (task, told) in told {
        for pair in told.windows(2) {
            let [(earlier, was_end, older), (later, is_end, newer)] = pair else { continue };
            assert!(!was_end, "{task} went on after its end: {told:?}");
            assert!(*is_end || older < newer, "{task} went back: {told:?}");
            assert!(*is_end || *later - *earlier >= PACE, "{task} went too fast: {told:?}");
        }
        let (_, is_end, last) = told.last().unwrap();
        assert!(*is_end || *last == newest[&task], "{task} does not show its newest: {told:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_is_taken_the_newest_is_shown_at_the_pace_and_every_ticket_has_one_fate(
        steps in vec(
            (0_usize..2, prop_oneof![Just('a'), Just('b')], prop::bool::weighted(0.05), 0_u64..60),
            1..60,
        ),
        swaps in vec((0_usize..60, 0_usize..60), 0..20),
    ) {
        let mut orders: Vec<usize> = (0..steps.len()).collect();
        for (one, other) in swaps {
            orders.swap(one % steps.len(), other % steps.len());
        }
        let steps = steps.into_iter().zip(orders);
        let steps = steps.map(|((desk, task, is_end, ms), order)| (desk, task, is_end, order, ms));
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(steps.collect()));
    }
}
