//! Seats that are held for their clients.

use std::time::Duration;

use adapter::{HeldSeat, Hold, Holder, Owed, SeatKey, Stand};
use notice::{Audience, Epoch, Namespace, NodeId, Position, Scope, SocketId};

use crate::{
    drafts::{audience, room, user},
    subject::{Node, Subject},
};

const LONG: Duration = Duration::from_mins(1);

fn key(name: &str) -> SeatKey {
    SeatKey::new(&format!("key-of-16-or-more-{name}")).expect("it is a key")
}

fn holder(node: &str, number: u64) -> Holder {
    Holder { node: NodeId::new(node).expect("a node"), number }
}

fn stand(owed: Owed) -> Stand {
    Stand { owed, alone: false, granted: false }
}

fn seat() -> HeldSeat {
    let epoch = Epoch::new("abc").expect("an epoch");
    let after = Owed::After(Position { epoch, seq: 7 });
    let everyone = Audience { namespace: Namespace::root(), scope: Scope::Everyone };
    let mut stands = vec![
        (audience(), stand(Owed::Unknown)),
        (everyone, stand(after.clone())),
        (room("a:b@c d"), Stand { alone: true, granted: true, ..stand(Owed::All) }),
        (room("alone"), Stand { alone: true, ..stand(after) }),
    ];
    stands.sort_by(|one, other| one.0.cmp(&other.0));
    HeldSeat {
        socket: SocketId::new("abc").expect("an id"),
        namespace: Namespace::root(),
        user: Some(user()),
        stands,
    }
}

async fn keep(node: &Node, key: &SeatKey, holder: &Holder, held: Duration) -> Hold {
    let kept = node.link.held_seats.keep(key, holder, &seat(), held).await;
    kept.expect("the bus answers")
}

/// Who holds the seat, which is as it was.
async fn found(node: &Node, key: &SeatKey) -> Option<Holder> {
    let found = node.link.held_seats.find(key).await.expect("the bus answers");
    let (holder, mut found) = found?;
    found.stands.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(found, seat());
    Some(holder)
}

async fn renew(node: &Node, key: &SeatKey, holder: &Holder) -> Hold {
    let renewed = node.link.held_seats.renew(&[(key.clone(), holder.clone())], LONG).await;
    renewed.into_iter().next().expect("one answer").expect("the bus answers")
}

/// All that is ever done with one.
pub(crate) async fn are_held_and_found(node: &Node) {
    let (key, mine, other) = (key("held"), holder("node", 1), holder("other", 1));
    assert_eq!(keep(node, &key, &mine, LONG).await, Hold::Held);
    assert_eq!(renew(node, &key, &mine).await, Hold::Held);
    let seats = &node.link.held_seats;
    assert_eq!(seats.take(&key, &mine, &other, LONG).await.expect("it may"), Hold::Held);
    assert_eq!(found(node, &key).await, Some(other.clone()));
    assert_eq!(seats.give_up(&key, &other).await.expect("it may"), Hold::Held);
}

pub(crate) async fn a_seat_is_found_on_every_node_as_it_was_kept<S: Subject>() {
    let (bus, node) = S::one().await;
    let other = bus.link_as("other").await;
    let mine = holder("node", 1);
    assert_eq!(keep(&node, &key("a"), &mine, LONG).await, Hold::Held);
    assert_eq!(found(&other, &key("a")).await, Some(mine));
    assert_eq!(found(&other, &key("b")).await, None);
}

pub(crate) async fn a_seat_is_held_for_as_long_as_was_asked_last<S: Subject>() {
    let (bus, node) = S::one().await;
    let short = Duration::from_secs(1);
    let mine = holder("node", 1);
    keep(&node, &key("renewed"), &mine, short).await;
    keep(&node, &key("left"), &mine, short).await;
    assert_eq!(renew(&node, &key("renewed"), &mine).await, Hold::Held);
    bus.pass(short + Duration::from_millis(100)).await;
    assert_eq!(found(&node, &key("left")).await, None);
    assert_eq!(renew(&node, &key("left"), &mine).await, Hold::Unknown);
    assert_eq!(found(&node, &key("renewed")).await, Some(mine));
}

pub(crate) async fn of_two_that_take_a_seat_one_gets_it<S: Subject>() {
    let (bus, node) = S::one().await;
    let other = bus.link_as("other").await;
    let (mine, first, second) = (holder("node", 1), holder("node", 2), holder("other", 2));
    keep(&node, &key("a"), &mine, LONG).await;
    let (key, seats) = (key("a"), [&node.link.held_seats, &other.link.held_seats]);
    let (one, two) = tokio::join!(
        seats[0].take(&key, &mine, &first, LONG),
        seats[1].take(&key, &mine, &second, LONG)
    );
    let outcomes = [one.expect("the bus answers"), two.expect("the bus answers")];
    assert!(outcomes.contains(&Hold::Held) && outcomes.contains(&Hold::Taken), "{outcomes:?}");
    let got = if outcomes[0] == Hold::Held { first } else { second };
    assert_eq!(found(&node, &key).await, Some(got));
}

pub(crate) async fn who_does_not_hold_a_seat_any_more_changes_nothing<S: Subject>() {
    let (_bus, node) = S::one().await;
    let (old, new) = (holder("node", 1), holder("other", 1));
    let seats = &node.link.held_seats;
    keep(&node, &key("a"), &old, LONG).await;
    seats.take(&key("a"), &old, &new, LONG).await.expect("the bus answers");
    assert_eq!(keep(&node, &key("a"), &old, LONG).await, Hold::Taken);
    assert_eq!(renew(&node, &key("a"), &old).await, Hold::Taken);
    let given_up = seats.give_up(&key("a"), &old).await.expect("the bus answers");
    assert_eq!(given_up, Hold::Taken);
    assert_eq!(found(&node, &key("a")).await, Some(new));
}

pub(crate) async fn a_seat_that_was_given_up_is_held_no_more<S: Subject>() {
    let (_bus, node) = S::one().await;
    let (mine, seats) = (holder("node", 1), &node.link.held_seats);
    keep(&node, &key("a"), &mine, LONG).await;
    let given_up = seats.give_up(&key("a"), &mine).await.expect("the bus answers");
    assert_eq!(given_up, Hold::Held);
    assert_eq!(found(&node, &key("a")).await, None);
    let taken = seats.take(&key("a"), &mine, &holder("other", 1), LONG).await;
    assert_eq!(taken.expect("the bus answers"), Hold::Unknown);
}
