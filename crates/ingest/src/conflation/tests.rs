//! What is left out of a batch, and what never is.

use std::time::SystemTime;

use notice::{Draft, Message, Stamp, StatusTable};
use proptest::{collection::vec, prelude::*};

use super::conflate;

/// A draft written as task, event and version, as in `a progress 3`.
fn draft(text: &str, stamp: Option<Stamp>) -> Draft {
    let mut words = text.split(' ');
    let (task, event) = (words.next().unwrap(), words.next().unwrap());
    let version = words.next().map(|v| format!(r#","version":{v}"#)).unwrap_or_default();
    let json = format!(r#"{{"identity":"{task}","userIdentity":5,"event":"x.{event}"{version}}}"#);
    let (table, at) = (StatusTable::default(), SystemTime::UNIX_EPOCH);
    Message::parse(json.as_bytes(), &table, stamp, at).unwrap().into_draft()
}

/// Which messages stay, each with those that were left out for it.
fn conflated(drafts: Vec<Draft>) -> Vec<(usize, Vec<usize>)> {
    let bundles = conflate(drafts.into_iter().enumerate().collect());
    let sorted = |mut left_out: Vec<usize>| {
        left_out.sort_unstable();
        left_out
    };
    bundles.into_iter().map(|bundle| (bundle.index, sorted(bundle.left_out))).collect()
}

fn of(texts: &[&str]) -> Vec<(usize, Vec<usize>)> {
    conflated(texts.iter().map(|text| draft(text, None)).collect())
}

#[test]
fn only_the_newest_progress_of_a_task_stays() {
    assert_eq!(of(&["a progress", "a progress", "a progress"]), [(2, vec![0, 1])]);
}

#[test]
fn the_highest_version_stays_wherever_it_stands() {
    assert_eq!(of(&["a progress 1", "a progress 9", "a progress 3"]), [(1, vec![0, 2])]);
    assert_eq!(of(&["a progress 2", "a progress 2"]), [(1, vec![0])]);
}

#[test]
fn without_a_version_on_both_sides_the_last_stays() {
    assert_eq!(of(&["a progress 9", "a progress"]), [(1, vec![0])]);
    assert_eq!(of(&["a progress", "a progress 1"]), [(1, vec![0])]);
}

#[test]
fn without_versions_the_later_stamp_stays() {
    let stamp = |millis| Some(Stamp { millis, count: 0 });
    let drafts = vec![draft("a progress", stamp(7)), draft("a progress", stamp(3))];
    assert_eq!(conflated(drafts), [(0, vec![1])]);
}

#[test]
fn a_progress_stays_before_its_final() {
    assert_eq!(
        of(&["a progress", "a progress", "a complete", "a progress", "a progress"]),
        [(1, vec![0]), (2, vec![]), (4, vec![3])]
    );
}

#[test]
fn tasks_runs_and_finals_do_not_touch_one_another() {
    let kept = |n| (0..n).map(|index| (index, vec![])).collect::<Vec<_>>();
    assert_eq!(
        of(&["a progress", "b progress", "b complete", "a complete", "a complete"]),
        kept(5)
    );
    assert_eq!(of(&["a queued", "a queued"]), kept(2));
    let run = |run: u8| {
        let mut draft = draft("a progress", None);
        let notice::Kind::Progress { task, .. } = &mut draft.kind else { panic!("not a progress") };
        task.run = Some(run.to_string().into());
        draft
    };
    assert_eq!(conflated(vec![run(1), run(2)]), kept(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_message_stays_or_is_left_out_once_and_what_stays_keeps_its_order(
        texts in vec("[ab] (progress|complete|queued)( [1-9])?", 0..30),
    ) {
        let drafts: Vec<_> = texts.iter().map(|text| draft(text, None)).collect();
        let bundles = conflated(drafts);
        prop_assert!(bundles.is_sorted_by_key(|(index, _)| *index));
        let mut seen: Vec<_> = bundles
            .into_iter()
            .flat_map(|(index, left_out)| left_out.into_iter().chain([index]))
            .collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..texts.len()).collect::<Vec<_>>());
    }
}
