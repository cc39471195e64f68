//! What is kept of one audience, finals or all of a kept room, bounded by number and by age.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use notice::Notice;
use tokio::time::Instant;

use crate::config::Config;

/// Notices in the order of `seq`, and how far back they are complete.
#[derive(Debug, Default)]
pub(super) struct Log {
    notices: VecDeque<(Instant, Arc<Notice>)>,
    /// The `seq` of the newest one that is no longer kept; 0 while none was trimmed.
    trimmed_seq: u64,
}

impl Log {
    pub(super) fn push(&mut self, notice: Arc<Notice>, now: Instant, config: &Config) {
        self.notices.push_back((now, notice));
        self.trim(now, config);
    }

    /// Drops what is too old or too many. The rest is what may be shown.
    pub(super) fn trim(&mut self, now: Instant, config: &Config) {
        while let Some((at, notice)) = self.notices.front() {
            let aged = now.duration_since(*at) >= config.finals_age;
            if !aged && self.notices.len() <= config.finals_keep {
                return;
            }
            self.trimmed_seq = notice.position.seq;
            self.notices.pop_front();
        }
        // An audience that was busy once gives its room back.
        self.notices.shrink_to(0);
    }

    pub(super) fn all(&self) -> Vec<Arc<Notice>> {
        self.after(0)
    }

    pub(super) fn after(&self, seq: u64) -> Vec<Arc<Notice>> {
        let from = self.notices.partition_point(|(_, notice)| notice.position.seq <= seq);
        self.notices.range(from..).map(|(_, notice)| Arc::clone(notice)).collect()
    }

    pub(super) fn within(&self, window: Duration, now: Instant) -> Vec<Arc<Notice>> {
        let from = self.notices.partition_point(|(at, _)| now.duration_since(*at) > window);
        self.notices.range(from..).map(|(_, notice)| Arc::clone(notice)).collect()
    }

    pub(super) fn oldest(&self) -> Option<&Arc<Notice>> {
        self.notices.front().map(|(_, notice)| notice)
    }

    pub(super) fn trimmed_seq(&self) -> u64 {
        self.trimmed_seq
    }

    /// Whether all after `seq` that was kept is still kept.
    pub(super) fn reaches_back_to(&self, seq: u64) -> bool {
        self.trimmed_seq <= seq
    }
}
