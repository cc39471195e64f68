//! Notices handed in as fast as they are taken, several connections at once.

use crate::{
    failure::Failure,
    mark::Mark,
    publisher::Publisher,
    report::Sheet,
    scenario::{
        cluster::{STEP, Stage, road::Road},
        delays, phase,
    },
};

pub(super) fn play(
    stage: &mut Stage<'_>,
    road: Road,
    name: &'static str,
    sheet: &mut Sheet,
) -> Result<(), Failure> {
    let notices = stage.cluster.notices;
    let mut publishers = road.open(stage)?;
    let mut queues = queues(notices, stage.cluster.users, publishers.len());
    let seq_first = stage.begin(notices);
    phase(stage.bar, name, notices.into());

    let before = stage.meter.read()?;
    let start = stage.epoch.elapsed();
    let (mut taken, mut last_sent) = (None, start);
    loop {
        for (publisher, queue) in publishers.iter_mut().zip(&mut queues) {
            if fill(stage, road, publisher, queue, seq_first)? {
                last_sent = stage.epoch.elapsed();
            }
        }
        let all_taken = queues.iter().all(Vec::is_empty)
            && publishers.iter().all(|publisher| publisher.unanswered == 0);
        if all_taken {
            taken.get_or_insert_with(|| stage.epoch.elapsed());
        }
        if stage.is_over(notices, last_sent) {
            break;
        }
        stage.turn(STEP, &mut publishers)?;
    }
    let spent = stage.meter.read()?.since(&before);
    stage.swarm.unwatch(&mut publishers)?;

    stage.outcome(sheet, name, &spent, notices);
    delays(sheet, &format!("{name}: delay"), &stage.swarm.listener().delays_us);
    let taken_in = taken.unwrap_or_else(|| stage.epoch.elapsed()).saturating_sub(start);
    let a_second = f64::from(notices) / taken_in.as_secs_f64();
    sheet.note(format!("{name}: taken in"), "notices/s", a_second);
    Ok(())
}

/// What each connection hands in, last first. All notices of a user go by the same one, so that
/// their order is known.
fn queues(notices: u32, users: usize, connections: usize) -> Vec<Vec<u32>> {
    let mut queues = vec![Vec::new(); connections];
    for index in (0..notices).rev() {
        queues[index as usize % users % connections].push(index);
    }
    queues
}

/// Hands in what the connection may have under way, and says whether that was anything.
fn fill(
    stage: &Stage<'_>,
    road: Road,
    publisher: &mut Publisher,
    queue: &mut Vec<u32>,
    seq_first: u32,
) -> Result<bool, Failure> {
    let mut any = false;
    while publisher.unanswered < road.unanswered_max() {
        let Some(index) = queue.pop() else { break };
        let mark = Mark { seq: seq_first + index, due: stage.epoch.elapsed() };
        let user = stage.user(index).to_string();
        road.hand_in(stage.kind(), publisher, &user, mark, stage.cluster.bytes)?;
        any = true;
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_notices_go_in_order_by_one_connection() {
        let queues = queues(12, 5, 2);
        let in_order = |queue: &[u32]| queue.iter().rev().copied().collect::<Vec<_>>();
        assert_eq!(in_order(&queues[0]), [0, 2, 4, 5, 7, 9, 10]);
        assert_eq!(in_order(&queues[1]), [1, 3, 6, 8, 11]);
    }
}
