//! What a caller may count on when it hands in a batch.

use std::time::Duration;

use adapter::Config;
use bytes::Bytes;
use ingest::{Batch, Interrupted};
use tokio::time::Instant;

use crate::harness::{PACE, Rig, message, paced, roomy, tight};

const SAMPLES: [&str; 4] = [
    include_str!("../../../notice/samples/progress.json"),
    include_str!("../../../notice/samples/complete.json"),
    include_str!("../../../notice/samples/error.json"),
    include_str!("../../../notice/samples/cancel.json"),
];

fn numbered(version: usize) -> String {
    format!(r#"{{"identity":"t","userIdentity":5,"status":100,"version":{version}}}"#)
}

#[tokio::test]
async fn ten_thousand_progress_messages_of_one_task_reach_the_bus_as_one() {
    let mut rig = Rig::over(roomy()).await;
    let report = rig.take(&(0..10_000).map(numbered).collect::<Vec<_>>()).await;
    assert_eq!((report.accepted, report.superseded), (10_000, 9_999));
    assert_eq!(rig.arrived_data(), [numbered(9_999)]);
    assert_eq!(rig.metric("carillon_conflated_total"), 9_999);
    let superseded = r#"carillon_ingest_messages_total{outcome="superseded",source="http"}"#;
    assert_eq!(rig.metric(superseded), 9_999);
}

#[tokio::test]
async fn ten_thousand_in_reverse_still_show_the_highest_version() {
    let mut rig = Rig::over(roomy()).await;
    let report = rig.take(&(0..10_000).rev().map(numbered).collect::<Vec<_>>()).await;
    assert_eq!((report.accepted, report.superseded), (10_000, 9_999));
    assert_eq!(rig.arrived_data(), [numbered(9_999)]);
}

#[tokio::test]
async fn the_samples_reach_the_bus_byte_for_byte() {
    let mut rig = Rig::over(roomy()).await;
    let renamed = SAMPLES.map(|sample| sample.replace("july.mp4", "七月 🎬.mp4"));
    for (index, sample) in renamed.iter().enumerate() {
        let batch = Batch::read(&Bytes::copy_from_slice(sample.as_bytes()), None).unwrap();
        assert_eq!(rig.intake.take(batch).await.accepted, 1, "sample {index}");
    }
    assert_eq!(rig.arrived_data(), renamed);
}

#[tokio::test]
async fn the_samples_in_one_array_reach_the_bus_byte_for_byte() {
    let mut rig = Rig::over(roomy()).await;
    let body = Bytes::from(format!("[\n{}\n]", SAMPLES.join(" ,\n")));
    let report = rig.intake.take(Batch::read(&body, Some("application/json")).unwrap()).await;
    assert_eq!(report.accepted, 4);
    assert_eq!(rig.arrived_data(), SAMPLES);
}

#[tokio::test]
async fn a_progress_and_its_final_arrive_in_that_order() {
    let mut rig = Rig::over(roomy()).await;
    rig.take(&[message("t", "x.progress"), message("t", "x.complete")]).await;
    assert_eq!(rig.arrived(), ["t x.progress", "t x.complete"]);
}

#[tokio::test]
async fn progress_after_a_final_never_arrives_and_is_counted() {
    let mut rig = Rig::over(roomy()).await;
    let progress = message("t", "x.progress");
    let lines = [message("t", "x.complete"), progress.clone(), progress.clone(), progress.clone()];
    let report = rig.take(&lines).await;
    assert_eq!((report.accepted, report.after_final, report.superseded), (4, 3, 0));
    assert_eq!(rig.take(&[progress]).await.after_final, 1);
    assert_eq!(rig.arrived(), ["t x.complete"]);
    let after_final = r#"carillon_ingest_messages_total{outcome="after_final",source="http"}"#;
    assert_eq!(rig.metric(after_final), 4);
}

#[tokio::test]
async fn a_second_final_is_after_the_final_too() {
    let mut rig = Rig::over(roomy()).await;
    let report = rig.take(&[message("t", "x.complete"), message("t", "x.error")]).await;
    assert_eq!((report.accepted, report.after_final), (2, 1));
    assert_eq!(rig.arrived(), ["t x.complete"]);
}

#[tokio::test]
async fn one_bad_line_among_good_ones_is_refused_alone() {
    let mut rig = Rig::over(roomy()).await;
    let body = Bytes::from(format!(
        "{}\n{{\"identity\":\n\n{}\n",
        message("a", "x.complete"),
        message("b", "x.complete")
    ));
    let report = rig.intake.take(Batch::read(&body, None).unwrap()).await;
    assert_eq!((report.accepted, report.rejected.len(), report.rejected[0].index), (2, 1, 1));
    assert!(report.rejected[0].error.starts_with("read message: got broken JSON"));
    assert_eq!(rig.arrived(), ["a x.complete", "b x.complete"]);
    assert_eq!(
        rig.metric(r#"carillon_ingest_messages_total{outcome="rejected",source="http"}"#),
        1
    );
}

#[tokio::test]
async fn one_bad_element_among_good_ones_is_refused_alone() {
    let mut rig = Rig::over(roomy()).await;
    let body = Bytes::from(format!("[{},7]", message("a", "x.complete")));
    let report = rig.intake.take(Batch::read(&body, None).unwrap()).await;
    assert_eq!((report.accepted, report.rejected[0].index), (1, 1));
    assert_eq!(rig.arrived(), ["a x.complete"]);
    assert!(!report.is_all_bad());
}

#[tokio::test]
async fn a_batch_that_the_bus_cuts_short_can_go_on_where_it_was_cut() {
    let mut rig = Rig::over(tight()).await;
    let lines = ["a", "b", "c"].map(|task| message(task, "x.complete"));
    let mut rest = &lines[..];
    let mut arrived = Vec::new();
    while let Some(Interrupted { index }) = rig.take(rest).await.interrupted {
        assert_eq!(index, 1, "the bus takes one at a time");
        rest = &rest[index..];
        arrived.extend(rig.arrived());
    }
    arrived.extend(rig.arrived());
    assert_eq!(arrived, ["a x.complete", "b x.complete", "c x.complete"]);
}

#[tokio::test]
async fn what_was_left_out_is_not_taken_while_its_successor_is_not() {
    let rig = Rig::over(tight()).await;
    let lines = [
        message("a", "x.complete"),
        message("t", "x.progress"),
        message("b", "x.complete"),
        message("t", "x.progress"),
    ];
    let report = rig.take(&lines).await;
    assert_eq!(report.interrupted, Some(Interrupted { index: 1 }));
    assert_eq!((report.accepted, report.superseded), (1, 0));
    assert_eq!(rig.metric("carillon_conflated_total"), 0);
}

#[tokio::test]
async fn what_the_bus_will_never_take_is_refused_alone() {
    let mut rig = Rig::over(Config { tasks_per_user_max: 1, ..roomy() }).await;
    let progress = |task| message(task, "x.progress");
    let end = message("a", "x.complete");
    let report = rig.take(&[progress("a"), progress("b"), progress("b"), end]).await;
    let rejected: Vec<_> = report.rejected.iter().map(|rejection| rejection.index).collect();
    assert_eq!((rejected, report.accepted, report.interrupted), (vec![1, 2], 2, None));
    assert_eq!(rig.arrived(), ["a x.progress", "a x.complete"]);
}

#[tokio::test(start_paused = true)]
async fn progress_that_is_early_is_accepted_when_its_turn_has_come() {
    let mut rig = Rig::over(paced()).await;
    let begin = Instant::now();
    for version in [1, 2, 3] {
        let report = rig.take(&[numbered(version)]).await;
        assert_eq!((report.accepted, report.superseded, report.interrupted), (1, 0, None));
    }
    assert!(begin.elapsed() >= 2 * PACE && begin.elapsed() < 3 * PACE, "{:?}", begin.elapsed());
    assert_eq!(rig.arrived_data(), [numbered(1), numbered(2), numbered(3)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_early_holds_up_nothing_else_of_its_batch() {
    let mut rig = Rig::over(paced()).await;
    rig.take(&[numbered(1)]).await;
    rig.next().await;
    let begin = Instant::now();
    let lines = [numbered(2), message("u", "x.progress"), message("v", "x.complete")].join("\n");
    let batch = Batch::read(&Bytes::from(lines), None).unwrap();
    let intake = rig.intake.clone();
    let (report, ()) = tokio::join!(intake.take(batch), async {
        assert_eq!(rig.next().await, "v x.complete");
        assert_eq!(rig.next().await, "u x.progress");
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert_eq!(rig.next().await, "t file.progress");
        assert_eq!(begin.elapsed(), PACE);
    });
    assert_eq!((report.accepted, report.superseded), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_early_and_is_overtaken_is_superseded() {
    let mut rig = Rig::over(paced()).await;
    rig.take(&[numbered(1)]).await;
    let (older, newer) = ([numbered(2)], [numbered(3), message("t", "x.complete")]);
    let (older, newer) = tokio::join!(rig.take(&older), rig.take(&newer));
    assert_eq!((older.accepted, older.after_final), (1, 1));
    assert_eq!((newer.accepted, newer.superseded), (2, 1));
    assert_eq!(rig.arrived().last().unwrap(), "t x.complete");
    assert_eq!(rig.metric("carillon_conflated_total"), 1);
}
