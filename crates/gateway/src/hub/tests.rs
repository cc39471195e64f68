//! What goes together, and in turns.

use std::future::poll_fn;

use notice::{Kind, Order, TaskKey};
use tokio::{io::AsyncReadExt as _, time::timeout};

use super::*;
use crate::{
    encoded::Encoded,
    engine::{Dialect, Transport},
    rehearsal::{DEADLINE, gateway, notice, room, seat, session, websocket},
};

fn progress(audience: &Audience, task: &str, seq: u64) -> Arc<Notice> {
    let mut notice = Notice::clone(&notice(audience, seq, 1));
    let task = TaskKey { identity: task.into(), run: None };
    notice.draft.kind = Kind::Progress { task, order: Order::default() };
    notice.draft.event = notice::EventName::new(&format!("n{seq}")).ok();
    Arc::new(notice)
}

#[tokio::test]
async fn of_a_task_s_progress_that_goes_together_the_newest_alone_goes() {
    let gateway = gateway(|_| {});
    let (shared, here) = (gateway.shared(), room("here"));
    let (session, mut client) = websocket(shared).await;
    seat(&session, &here).go_live();
    let fan_out = shared.hub.fan_out(&progress(&here, "a", 1));
    for (task, seq) in [("b", 2), ("a", 3), ("a", 4)] {
        assert!(fan_out.join(&progress(&here, task, seq), &shared.hub));
    }
    fan_out.run(&shared.events).await;
    let mut heard = [0; 100];
    let len = timeout(DEADLINE, client.read(&mut heard)).await.expect("in time").unwrap();
    let heard = String::from_utf8_lossy(&heard[..len]);
    let names: Vec<_> = heard.split('"').filter(|part| part.starts_with('n')).collect();
    assert_eq!(names, ["n2", "n4"], "{heard}");
}

#[tokio::test]
async fn of_a_gap_a_large_room_is_told_in_turns_with_one_frame_for_all_who_speak_alike() {
    let gateway = gateway(|_| {});
    let (shared, here) = (gateway.shared(), room("here"));
    let session = |_| session(shared, Dialect::Engine4, Transport::Polling);
    let members: Vec<_> = (0..400).map(session).collect();
    for session in &members {
        seat(session, &here).go_live();
    }
    let gap = Gap { since: notice(&here, 1, 1).id(), oldest: None };
    let fan_out = shared.hub.tell_of(Arc::new(gap));
    assert!(!fan_out.go_on(&mut Turn::begin(), &shared.events), "others have their turn");
    fan_out.run(&shared.events).await;
    let mut told = Vec::new();
    for session in &members {
        let all = poll_fn(|cx| session.poll_take(cx, Encoded::len_bytes)).await;
        told.extend(all.expect("it is there"));
    }
    assert_eq!(told.len(), members.len());
    assert!(told.iter().all(|frame| Arc::ptr_eq(frame, &told[0])));
    assert!(told[0].text().starts_with(b"42/notice,[\"notice.gap\""));
}
