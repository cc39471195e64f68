//! How a chore goes through its steps, and what it says at the end.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{Arc, Mutex},
};

use super::{Step, walk};
use crate::{failure::Failure, order::Choice, tally::Tally, workshop::Workshop};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const ALL: Choice = Choice { only: None, list: false, rounds: 1, seconds: None, seed: None };

const STEPS: &[Step] = &[
    Step { name: "good", claim: "this one passes", run: good },
    Step { name: "bad", claim: "this one does not", run: bad },
    Step { name: "never", claim: "this one is not reached", run: good },
];

#[expect(clippy::unnecessary_wraps, reason = "a step is a function that may fail")]
fn good(shop: &mut Workshop) -> Result<(), Failure> {
    shop.tally.add(Tally { passed: 3, ..Tally::default() });
    Ok(())
}

fn bad(_shop: &mut Workshop) -> Result<(), Failure> {
    Err(Failure::Tree("the tree leans".into()))
}

/// What was written, and the code or the words of the failure.
fn walked(steps: &[Step], choice: &Choice) -> (String, Result<String, String>) {
    let paper = Paper::default();
    let mut shop = Workshop::open(Box::new(paper.clone()));
    let outcome = walk("test", steps, choice, &mut shop);
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    (text, outcome.map(|code| format!("{code:?}")).map_err(|failure| failure.to_string()))
}

#[test]
fn the_last_line_is_the_count() {
    let (text, outcome) = walked(&STEPS[..1], &ALL);
    assert_eq!(outcome, Ok(format!("{:?}", ExitCode::SUCCESS)));
    assert_eq!(text.lines().last(), Some("3 passed, 0 failed"));
}

#[test]
fn a_step_that_fails_ends_the_chore_and_says_how_to_run_it_again() {
    let (text, outcome) = walked(STEPS, &ALL);
    assert_eq!(outcome, Ok(format!("{:?}", ExitCode::FAILURE)));
    assert!(text.contains("bad failed: the tree leans"), "{text}");
    assert!(text.contains("cargo xtask test --only bad"), "{text}");
    assert!(!text.contains("never"), "{text}");
    assert_eq!(text.lines().last(), Some("3 passed, 1 failed"));
}

#[test]
fn one_step_can_be_run_by_itself() {
    let (text, _) = walked(STEPS, &Choice { only: Some("never".into()), ..ALL });
    assert!(!text.contains("bad"), "{text}");
    assert_eq!(text.lines().last(), Some("3 passed, 0 failed"));
}

#[test]
fn a_list_runs_nothing() {
    let (text, _) = walked(STEPS, &Choice { list: true, ..ALL });
    assert_eq!(text.lines().count(), STEPS.len());
    assert!(!text.contains("passed,"), "{text}");
}

#[test]
fn a_step_that_is_not_there_is_answered_with_those_that_are() {
    let (_, outcome) = walked(STEPS, &Choice { only: Some("worse".into()), ..ALL });
    assert!(outcome.is_err_and(|text| text.contains("good, bad, never")));
}
