//! Which lines count, and for how much.

use super::Tally;

#[test]
fn a_result_line_of_libtest_is_counted() {
    let line = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; \
                finished in 0.31s";
    assert_eq!(Tally::from_line(line), Tally { passed: 12, failed: 2, skipped: 1 });
}

#[test]
fn the_summary_of_node_is_counted_in_colour_and_without() {
    let pass = Tally { passed: 30, ..Tally::default() };
    assert_eq!(Tally::from_line("\u{1b}[34mℹ pass 30\u{1b}[39m"), pass);
    assert_eq!(Tally::from_line("# pass 30"), pass);
}

#[test]
fn a_test_that_node_cancelled_has_failed() {
    let cancelled = Tally { failed: 2, ..Tally::default() };
    assert_eq!(Tally::from_line("ℹ cancelled 2"), cancelled);
}

#[test]
fn a_line_that_only_talks_of_passing_counts_for_nothing() {
    for line in ["test a_thing_passed ... ok", "ℹ tests 30", "3 passed", "ℹ duration_ms 12.5"] {
        assert_eq!(Tally::from_line(line), Tally::default(), "{line}");
    }
}
