//! What workers hand in on one node reaches pages on others.

use serde_json::json;

use crate::{
    harness::{Bus, Cluster, message},
    on_both_buses,
};

on_both_buses!(
    a_notice_handed_in_on_one_node_reaches_a_page_on_every_other,
    a_page_that_connects_later_elsewhere_learns_what_its_tasks_show,
    what_one_node_accepted_as_an_end_no_other_takes_progress_after,
);

async fn a_notice_handed_in_on_one_node_reaches_a_page_on_every_other(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let mut pages = [cluster.page(0).await, cluster.page(1).await, cluster.page(2).await];
    for from in 0..3 {
        let identity = format!("task{from}");
        assert!(cluster.end(from, &identity).await);
        for page in &mut pages {
            assert_eq!(page.event("file.complete").await["identity"], json!(identity));
        }
    }
    cluster.stop_all().await;
}

async fn a_page_that_connects_later_elsewhere_learns_what_its_tasks_show(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    cluster.post(0, "/v1/tasks", &message("live", 100)).await;
    cluster.post(0, "/v1/tasks", &message("ended", 1000)).await;
    let mut page = cluster.page(1).await;
    assert_eq!(page.event("file.progress").await["identity"], "live");
    assert_eq!(page.event("file.complete").await["identity"], "ended");
    cluster.stop_all().await;
}

async fn what_one_node_accepted_as_an_end_no_other_takes_progress_after(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    assert!(cluster.end(0, "a").await);
    let (_, answer) = cluster.post(1, "/v1/tasks", &message("a", 100)).await;
    assert_eq!(answer["after_final"], 1);
    cluster.stop_all().await;
}
