//! What the command line is taken to mean.

use std::time::Duration;

use super::{Choice, Order};

/// What is taken where nothing is said.
const UNSAID: Choice = Choice { only: None, list: false, rounds: 5, seconds: None, seed: None };

fn parsed(line: &str) -> Result<Order, String> {
    Order::parse(line.split_whitespace().map(String::from)).map_err(|failure| failure.to_string())
}

#[test]
fn no_argument_asks_for_help() {
    assert_eq!(parsed(""), Ok(Order::Help));
}

#[test]
fn a_step_can_be_chosen_by_name() {
    let choice = Choice { only: Some("fmt".into()), ..UNSAID };
    assert_eq!(parsed("test --only fmt"), Ok(Order::Test(choice)));
}

#[test]
fn the_rounds_of_a_soak_are_counted_from_one() {
    let choice = Choice { rounds: 3, ..UNSAID };
    assert_eq!(parsed("soak --rounds 3"), Ok(Order::Soak(choice)));
    assert!(parsed("soak --rounds 0").is_err());
}

#[test]
fn a_run_of_chaos_can_be_repeated_by_its_seed() {
    let choice = Choice { seconds: Some(30), seed: Some(7), ..UNSAID };
    assert_eq!(parsed("chaos --seed 7 --seconds 30"), Ok(Order::Chaos(choice)));
}

#[test]
fn the_arguments_of_a_bounded_program_are_left_alone() {
    let order = Order::Bounded {
        limit: Duration::from_secs(9),
        program: "node".into(),
        args: vec!["--list".into(), "--only".into()],
    };
    assert_eq!(parsed("bounded 9 node --list --only"), Ok(order));
}

#[test]
fn what_is_not_understood_is_named() {
    assert!(parsed("tset").is_err_and(|text| text.contains("\"tset\"")));
    assert!(parsed("test --olny fmt").is_err_and(|text| text.contains("\"--olny\"")));
    assert!(parsed("test --only").is_err_and(|text| text.contains("--only takes a step")));
}
