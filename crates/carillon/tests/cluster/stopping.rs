//! A node that stops under load costs nobody what was accepted.

use std::collections::BTreeSet;

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
};

on_both_buses!(every_end_that_a_stopping_node_accepted_is_heard_on_the_other);

async fn every_end_that_a_stopping_node_accepted_is_heard_on_the_other(bus: Bus) {
    let mut cluster = Cluster::of(2, bus).await;
    let mut page = cluster.page(1).await;
    let mut accepted = BTreeSet::new();
    loop {
        let identity = format!("task{}", accepted.len());
        if !cluster.end(0, &identity).await {
            break;
        }
        accepted.insert(identity);
        if accepted.len() == 100 {
            cluster.tell_to_stop(0);
        }
    }
    assert!(accepted.len() >= 100);
    cluster.stop(0).await;
    page.ends_of(accepted).await;
    cluster.stop_all().await;
}
