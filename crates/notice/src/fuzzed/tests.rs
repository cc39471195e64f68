//! The seeds, and what is near them.

use super::{cursor, downlink_body, emit_body, worker_message};

#[path = "../../../../fuzz/near.rs"]
mod near;

#[test]
fn every_seed_and_what_is_near_it_is_read_without_harm() {
    near::each("worker_message", worker_message);
    near::each("emit_body", emit_body);
    near::each("downlink_body", downlink_body);
    near::each("cursor", cursor);
}
