//! Who has had what, however the taking goes.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{Part, Parts};

/// What each seat of each list has had, in the order in which it came.
type Had = Vec<Vec<Vec<usize>>>;

const LENS: [usize; 4] = [200, 0, 1, 64];

fn nobody() -> Had {
    LENS.iter().map(|len| vec![Vec::new(); *len]).collect()
}

/// Hands the first `done` of a part's seats what they have not had of `notices`.
fn hand_out(had: &mut Had, part: &Part, done: usize, notices: usize) {
    for seat in part.seats.clone().take(done) {
        had[part.list][seat].extend(part.had..notices);
    }
}

#[test]
fn a_seat_gets_each_notice_once_and_in_order_though_several_hand_out_and_others_join() {
    for seed in 0..64 {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut parts, mut had) = (Parts::of(LENS.into_iter()), nobody());
        let (mut notices, mut in_hand) = (1, Vec::new());
        while !(in_hand.is_empty() && parts.have_had(notices)) {
            match random.random_range(0..4) {
                0 if notices < 20 => notices += 1,
                1 | 2 => in_hand.extend(parts.take(notices).map(|part| (part, notices))),
                _ if in_hand.is_empty() => {}
                _ => {
                    let at = random.random_range(0..in_hand.len());
                    let (part, notices): (Part, usize) = in_hand.swap_remove(at);
                    let done = random.random_range(1..=part.seats.len());
                    hand_out(&mut had, &part, done, notices);
                    parts.put_back(part, done, notices);
                }
            }
        }
        let all = (0..notices).collect::<Vec<_>>();
        assert!(had.iter().flatten().all(|seat| *seat == all), "seed {seed}: {had:?}");
    }
}

#[test]
fn whoever_has_had_least_comes_before_those_who_wait_for_a_second_round() {
    let mut parts = Parts::of([200].into_iter());
    let first = parts.take(1).unwrap();
    let done = first.seats.len();
    parts.put_back(first, done, 1);
    let next = parts.take(2).unwrap();
    assert_eq!((next.seats.start, next.had), (done, 0));
}

#[test]
fn nothing_is_taken_of_an_audience_without_members() {
    let mut parts = Parts::of([0, 0].into_iter());
    assert!(parts.take(1).is_none());
    assert!(parts.have_had(1));
}
