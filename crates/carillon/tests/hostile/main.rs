//! What clients must not do, done to a running node with auth on: each misdeed is a row of a table, with the
//! exact answer, after which a good client is served as before. `row.rs` says how a table is written.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod guest;
mod mint;
mod node;
mod play;
mod roads;
mod row;
mod wire;

#[path = "../record/said.rs"]
mod record;
#[path = "../../../adapter/tests/contract/server.rs"]
#[expect(dead_code, reason = "the bus's own tests ask more of it")]
mod server;

use self::node::{Keys, Node};

/// A test for each table.
macro_rules! tables {
    ($($test:ident: $file:literal with $keys:ident,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                play::table($file, include_str!($file), Node::start(Keys::$keys).await).await;
            }
        )*
    };
}

tables! {
    tokens_that_do_not_hold_open_nothing: "tokens.txt" with One,
    a_token_s_header_does_not_choose_its_key: "kids.txt" with Set,
    namespaces_that_there_are_not_are_refused_by_name: "namespaces.txt" with One,
    handshakes_and_upgrades_out_of_order_change_nothing: "upgrades.txt" with One,
    packets_out_of_place_end_their_sender: "packets.txt" with One,
    attachments_that_do_not_fit_reach_nobody: "binary.txt" with One,
    polling_bodies_that_lie_end_their_session: "polling.txt" with One,
    frames_that_break_the_protocol_end_their_sender: "frames.txt" with One,
    http_that_no_library_sends_is_not_guessed_at: "requests.txt" with One,
}
