//! What becomes of what clients say.

use std::time::Duration;

use adapter::{Config, Entry, Receipt, Said, Share, UplinkError};
use notice::{Namespace, Room, SocketId, UserId};
use tokio::time::timeout;

use crate::subject::{DEADLINE, Node, Subject};

/// One entry as it is kept: its fields, in their order.
pub(crate) type Fields = Vec<(String, String)>;

impl Node {
    pub(crate) fn try_hand(&self, entry: &Entry, share: &Share) -> Result<Receipt, UplinkError> {
        self.link.uplink.as_ref().expect("there is a stream").hand(entry, share)
    }

    fn hand(&self, entry: &Entry, share: &Share) -> Receipt {
        self.try_hand(entry, share).expect("there is room")
    }
}

pub(crate) fn said(said: Said) -> Entry {
    Entry {
        user: Some(UserId::new("5").expect("a user")),
        socket: SocketId::new("/notice#abc").expect("a socket"),
        namespace: Namespace::new("/notice").expect("a namespace"),
        said,
    }
}

pub(crate) fn event(args: &str) -> Entry {
    said(Said::Event { event: "message".to_owned(), args: args.to_owned() })
}

pub(crate) async fn kept(receipt: Receipt) -> Result<String, UplinkError> {
    timeout(DEADLINE, receipt.kept()).await.expect("it is settled in time")
}

fn args(entries: &[Fields]) -> Vec<&str> {
    let args = |fields: &'_ Fields| fields.iter().position(|(name, _)| name == "args");
    entries.iter().filter_map(|fields| args(fields).map(|at| fields[at].1.as_str())).collect()
}

pub(crate) async fn an_event_that_is_called_kept_is_in_the_stream_as_it_was_said<S: Subject>() {
    let (bus, node) = S::one().await;
    let args = "[{ \"a\" : 1.0 },\"é\\u0000\"]";
    kept(node.hand(&event(args), &Share::default())).await.expect("it is kept");
    let fields = [
        ("kind", "event"),
        ("user", "5"),
        ("socket", "/notice#abc"),
        ("namespace", "/notice"),
        ("node", "node"),
        ("event", "message"),
        ("args", args),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(bus.uplinked().await, [Vec::from(fields)]);
}

pub(crate) async fn what_happens_to_a_socket_is_kept_with_what_belongs_to_it<S: Subject>() {
    let (bus, node) = S::one().await;
    let (share, room) = (Share::default(), || Room::new("r:1").expect("a room"));
    let happened = [
        Said::Connect,
        Said::Join { room: room() },
        Said::Leave { room: room() },
        Said::Disconnect { reason: "client" },
    ];
    for said_of_it in happened {
        let entry = Entry { user: None, ..said(said_of_it) };
        kept(node.hand(&entry, &share)).await.expect("it is kept");
    }
    let entries = bus.uplinked().await;
    let ends = entries.iter().map(|fields| (fields[0].1.as_str(), &fields[5..]));
    let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let wanted = [
        ("connect", vec![]),
        ("join", pair("room", "r:1")),
        ("leave", pair("room", "r:1")),
        ("disconnect", pair("reason", "client")),
    ];
    assert!(ends.eq(wanted.iter().map(|(kind, rest)| (*kind, &rest[..]))), "{entries:?}");
    assert!(entries.iter().all(|fields| fields[1].1.is_empty()), "nobody is no user");
}

pub(crate) async fn what_one_node_hands_in_is_kept_in_its_order<S: Subject>() {
    let (bus, node) = S::one().await;
    let share = Share::default();
    let receipts: Vec<_> =
        (0..2_000).map(|n| node.hand(&event(&format!("[{n}]")), &share)).collect();
    for receipt in receipts {
        kept(receipt).await.expect("it is kept");
    }
    let wanted: Vec<_> = (0..2_000).map(|n| format!("[{n}]")).collect();
    assert_eq!(args(&bus.uplinked().await), wanted);
}

pub(crate) async fn all_nodes_have_one_stream<S: Subject>() {
    let (bus, one) = S::one().await;
    let other = bus.link_as("other").await;
    for (node, args) in [(&one, "[1]"), (&other, "[2]"), (&one, "[3]")] {
        kept(node.hand(&event(args), &Share::default())).await.expect("it is kept");
    }
    assert_eq!(args(&bus.uplinked().await), ["[1]", "[2]", "[3]"]);
}

pub(crate) async fn what_nobody_waits_for_is_kept_all_the_same<S: Subject>() {
    let (bus, node) = S::one().await;
    drop(node.hand(&event("[1]"), &Share::default()));
    let coming = async {
        while bus.uplinked().await.is_empty() {
            bus.pass(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, coming).await.expect("it is kept");
}

pub(crate) async fn an_entry_past_the_limit_is_refused_for_good<S: Subject>() {
    let (bus, node) = S::one().await;
    let large = format!("[\"{}\"]", "x".repeat(4 * 1024 * 1024));
    let error = node.try_hand(&event(&large), &Share::default()).expect_err("it is too large");
    assert!(matches!(error, UplinkError::TooLarge { .. }), "{error}");
    assert!(bus.uplinked().await.is_empty());
}

pub(crate) async fn without_a_stream_there_is_no_way_to_it<S: Subject>() {
    let (_bus, node) = S::one_with(Config { uplink: None, ..S::config() }).await;
    assert!(node.link.uplink.is_none());
}
