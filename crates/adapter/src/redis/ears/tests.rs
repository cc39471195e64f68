//! What may be handed on while a connection or a primary is a new one.

use futures_util::FutureExt as _;
use notice::{Namespace, Scope};

use super::*;
use crate::redis::primaries::Run;

fn audience() -> Audience {
    Audience { namespace: Namespace::root(), scope: Scope::Everyone }
}

fn at(seq: u64) -> Position {
    Position { epoch: Epoch::new("a").unwrap(), seq }
}

/// What the store says, as the process of that name.
fn sighting(newest: u64, run: &str) -> (Sighting, Runs) {
    let run = Run::from(run);
    let newest = Some(at(newest));
    let heard = Some(at(4));
    let runs = Runs::alone(&run);
    (Sighting { audience: audience(), heard, newest, run: Some(run) }, runs)
}

/// With a member, and all heard up to 4.
fn ears() -> Arc<Ears> {
    let ears = Arc::new(Ears {
        node: NodeId::new("node").unwrap(),
        state: Mutex::default(),
        wished: Notify::new(),
        suspected: Notify::new(),
        compared: Notify::new(),
        audiences_max: 1,
        linger: Duration::ZERO,
        wait: Duration::ZERO,
    });
    ears.state.lock().enter(&audience(), 1).unwrap();
    let (sighting, runs) = sighting(4, "first");
    ears.confirm(vec![sighting], &runs, Look::Loss);
    assert_eq!(fit(&ears, 5), Some(Fit::Next));
    ears
}

fn fit(ears: &Ears, seq: u64) -> Option<Fit> {
    ears.fit(&audience(), &at(seq), false)
}

#[test]
fn behind_a_new_connection_nothing_is_next_until_the_store_was_asked() {
    let ears = ears();
    ears.wish_again(|_| true);
    assert_eq!(fit(&ears, 5), Some(Fit::Unsure));
    let (sighting, runs) = sighting(4, "first");
    ears.confirm(vec![sighting], &runs, Look::Loss);
    assert_eq!(fit(&ears, 5), Some(Fit::Next));
}

#[test]
fn what_another_process_may_have_numbered_again_comes_before_what_it_counted_after() {
    let ears = ears();
    ears.wish_again(|_| true);
    // It had the first alone, and counted on: 2 to 4 are others now, and 5 comes as if it were the next.
    let (sighting, runs) = sighting(5, "second");
    ears.confirm(vec![sighting], &runs, Look::Loss);
    assert_eq!(fit(&ears, 5), Some(Fit::Unsure));
    let suspects = ears.suspects(1);
    assert!(matches!(suspects[..], [Suspect { why: Why::TakenOver(_), .. }]), "{suspects:?}");
}

#[tokio::test]
async fn a_verdict_waits_for_the_store_and_takes_what_it_said() {
    let ears = ears();
    ears.wish_again(|_| true);
    let compare = async {
        tokio::task::yield_now().await;
        let (sighting, runs) = sighting(5, "second");
        ears.confirm(vec![sighting], &runs, Look::Loss);
    };
    let audience = audience();
    let verdict = async {
        let mut verdict = pin!(ears.verdict(&audience));
        assert!(verdict.as_mut().now_or_never().is_none());
        verdict.await
    };
    let (verdict, ()) = tokio::join!(verdict, compare);
    assert!(matches!(verdict, Some(Why::TakenOver(_))), "{verdict:?}");
    assert!(ears.suspects(1).is_empty());
    assert_eq!(fit(&ears, 5), Some(Fit::Next));
}
