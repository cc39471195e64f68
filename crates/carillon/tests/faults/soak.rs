//! The same troubles at their full length, for `cargo xtask soak`.

use std::time::Duration;

use crate::{
    queue::{frozen_with_messages_in_hand, killed_with_messages_in_hand},
    redis::outage_of,
};

/// As settings have it.
const CLAIM_AFTER: &str = "30s";
/// What was in a dead hand is looked for now and then, and has to be delivered.
const PATIENCE: Duration = Duration::from_secs(75);

#[tokio::test]
#[ignore = "it takes its time: cargo xtask soak"]
async fn a_redis_that_is_away_for_ten_seconds_costs_no_end_and_no_socket() {
    outage_of(Duration::from_secs(10)).await;
}

#[tokio::test]
#[ignore = "it takes its time: cargo xtask soak"]
async fn what_a_killed_node_had_in_hand_arrives_after_half_a_minute() {
    killed_with_messages_in_hand(CLAIM_AFTER, PATIENCE).await;
}

#[tokio::test]
#[ignore = "it takes its time: cargo xtask soak"]
async fn a_node_frozen_for_forty_seconds_costs_no_end_and_undoes_none() {
    frozen_with_messages_in_hand(CLAIM_AFTER, Duration::from_secs(40), PATIENCE).await;
}
