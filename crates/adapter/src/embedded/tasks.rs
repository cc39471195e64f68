//! What each task of one audience shows, and which notice may replace it.

use std::{cmp::Ordering, collections::HashMap, sync::Arc, time::Duration};

use notice::{Kind, Notice, Order, Stamp, TaskKey};
use tokio::time::Instant;

use crate::{config::Config, embedded::clock::StoreClock};

/// Of a full table, the ends that make room for more: one in so many of all tasks.
const ENDS_SHARE: usize = 100;

/// The newest state of each task, until it is forgotten.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    tasks: HashMap<TaskKey, Task>,
}

/// One task: the notice it shows.
#[derive(Debug)]
struct Task {
    notice: Arc<Notice>,
    /// The notice's order, with store time where it had no stamp of its own.
    order: Order,
    at: Instant,
}

/// Whether a notice may be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Fits,
    Superseded,
    AfterFinal,
    /// Its task's last progress is younger than the pace.
    Early {
        wait: Duration,
        stamp: Stamp,
    },
    /// It would begin one task too many.
    Full,
}

// === impl Tasks ===

impl Tasks {
    /// Judges a notice against what its task shows.
    pub(super) fn judge(
        &mut self,
        kind: &Kind,
        clock: &mut StoreClock,
        now: Instant,
        config: &Config,
    ) -> Verdict {
        let (task, order) = match kind {
            Kind::Progress { task, order } => (task, Some(order)),
            Kind::Final { task, .. } => (task, None),
            Kind::Plain | Kind::Kept | Kind::Volatile => return Verdict::Fits,
        };
        let Some(shown) = self.shown(task, now, config) else {
            let fits = self.has_room(now, config) || kind.is_final() && self.has_ended();
            return if fits { Verdict::Fits } else { Verdict::Full };
        };
        let wait = config.progress_pace.saturating_sub(now.duration_since(shown.at));
        match order {
            _ if shown.is_ended() => Verdict::AfterFinal,
            None => Verdict::Fits,
            Some(order) if !is_newer(order, &shown.order) => Verdict::Superseded,
            Some(_) if wait.is_zero() => Verdict::Fits,
            Some(order) => {
                let stamp = order.stamp.unwrap_or_else(|| clock.after(shown.order.stamp));
                Verdict::Early { wait, stamp }
            }
        }
    }

    /// Shows `notice`, which was judged to fit.
    pub(super) fn show(
        &mut self,
        notice: &Arc<Notice>,
        clock: &mut StoreClock,
        now: Instant,
        config: &Config,
    ) {
        let (Kind::Progress { task, order } | Kind::Final { task, order }) = &notice.draft.kind
        else {
            return;
        };
        let last = self.tasks.get(task).and_then(|shown| shown.order.stamp);
        let stamp = order.stamp.unwrap_or_else(|| clock.after(last));
        let order = Order { version: order.version, stamp: Some(stamp) };
        if !self.tasks.contains_key(task) && self.tasks.len() >= config.tasks_per_user_max {
            self.forget_first_ends(config.tasks_per_user_max.div_ceil(ENDS_SHARE));
        }
        self.tasks.insert(task.clone(), Task { notice: Arc::clone(notice), order, at: now });
    }

    /// The newest notice of every task, in the order of `seq`.
    pub(super) fn all(&self, now: Instant, config: &Config) -> Vec<Arc<Notice>> {
        self.notices(|task| !task.is_over(now, config))
    }

    /// The newest notice of every task that has not ended, in the order of `seq`.
    pub(super) fn live(&self, now: Instant, config: &Config) -> Vec<Arc<Notice>> {
        self.notices(|task| !task.is_ended() && !task.is_over(now, config))
    }

    /// Forgets every run of `identity`, and says whether one was remembered.
    pub(super) fn forget(&mut self, identity: &str, now: Instant, config: &Config) -> bool {
        self.prune(now, config);
        let len = self.tasks.len();
        self.tasks.retain(|key, _| &*key.identity != identity);
        self.tasks.len() < len
    }

    /// Gives back the memory of the tasks whose time is over.
    pub(super) fn prune(&mut self, now: Instant, config: &Config) {
        self.tasks.retain(|_, task| !task.is_over(now, config));
        if self.tasks.len() < self.tasks.capacity() / 4 {
            self.tasks.shrink_to_fit();
        }
    }

    fn shown(&self, task: &TaskKey, now: Instant, config: &Config) -> Option<&Task> {
        self.tasks.get(task).filter(|task| !task.is_over(now, config))
    }

    fn has_room(&mut self, now: Instant, config: &Config) -> bool {
        if self.tasks.len() >= config.tasks_per_user_max {
            self.prune(now, config);
        }
        self.tasks.len() < config.tasks_per_user_max
    }

    fn has_ended(&self) -> bool {
        self.tasks.values().any(Task::is_ended)
    }

    /// So many at once, so that a full table is seldom searched.
    fn forget_first_ends(&mut self, len: usize) {
        let ended = self.tasks.iter().filter(|(_, task)| task.is_ended());
        let mut ended: Vec<_> =
            ended.map(|(key, task)| (task.notice.position.seq, key.clone())).collect();
        ended.sort_unstable_by_key(|(seq, _)| *seq);
        for (_, key) in ended.into_iter().take(len) {
            self.tasks.remove(&key);
        }
    }

    fn notices(&self, wanted: impl Fn(&Task) -> bool) -> Vec<Arc<Notice>> {
        let wanted = self.tasks.values().filter(|task| wanted(task));
        let mut notices: Vec<_> = wanted.map(|task| Arc::clone(&task.notice)).collect();
        notices.sort_unstable_by_key(|notice| notice.position.seq);
        notices
    }
}

// === impl Task ===

impl Task {
    fn is_ended(&self) -> bool {
        self.notice.draft.kind.is_final()
    }

    fn is_over(&self, now: Instant, config: &Config) -> bool {
        let age = if self.is_ended() { config.ended_age } else { config.live_age };
        now.duration_since(self.at) >= age
    }
}

/// By version where both have one and they differ, else by stamp. What has no stamp is stored now,
/// after all that is shown; what has the shown stamp is the shown notice once more.
fn is_newer(order: &Order, shown: &Order) -> bool {
    match compare(order.version, shown.version) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => is_later(order.stamp, shown.stamp),
    }
}

fn compare(version: Option<f64>, shown: Option<f64>) -> Ordering {
    version.zip(shown).and_then(|(a, b)| a.partial_cmp(&b)).unwrap_or(Ordering::Equal)
}

fn is_later(stamp: Option<Stamp>, shown: Option<Stamp>) -> bool {
    stamp.is_none_or(|stamp| Some(stamp) > shown)
}
