//! The latest plain notices of one audience, for those who come back to their seats: bounded by number, by bytes
//! and by age.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use notice::Notice;
use tokio::time::Instant;

use crate::limits::{RECENT_BYTES_MAX, RECENT_LEN_MAX};

#[derive(Debug, Default)]
pub(super) struct Recent {
    notices: VecDeque<(Instant, Arc<Notice>)>,
    bytes: usize,
    /// The `seq` of the newest one that is no longer kept; 0 while all are.
    lost_seq: u64,
}

impl Recent {
    pub(super) fn push(&mut self, notice: &Arc<Notice>, now: Instant) {
        self.bytes += notice.draft.payload.len_bytes();
        self.notices.push_back((now, Arc::clone(notice)));
        while self.notices.len() > RECENT_LEN_MAX || self.bytes > RECENT_BYTES_MAX {
            self.drop_oldest();
        }
    }

    pub(super) fn trim(&mut self, now: Instant, age: Duration) {
        let is_old = |(at, _): &(Instant, Arc<Notice>)| now.duration_since(*at) >= age;
        while self.notices.front().is_some_and(is_old) {
            self.drop_oldest();
        }
        self.notices.shrink_to(0);
    }

    pub(super) fn after(&self, seq: u64) -> impl Iterator<Item = &Arc<Notice>> {
        let from = self.notices.partition_point(|(_, notice)| notice.position.seq <= seq);
        self.notices.range(from..).map(|(_, notice)| notice)
    }

    pub(super) fn lost_seq(&self) -> u64 {
        self.lost_seq
    }

    fn drop_oldest(&mut self) {
        if let Some((_, notice)) = self.notices.pop_front() {
            self.lost_seq = notice.position.seq;
            self.bytes -= notice.draft.payload.len_bytes();
        }
    }
}
