//! Of the progress of one task, the newest is enough: within a batch the others are left out.
//!
//! Promise: a progress is never moved past its task's end, nor one task's into another's.

use std::collections::HashMap;

use notice::{Audience, Draft, Kind, Order, TaskKey};

/// A draft to be published, and what it stands for.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) draft: Draft,
    /// Which message of the batch it is.
    pub(crate) index: usize,
    /// The messages that were left out for it, in no order.
    pub(crate) left_out: Vec<usize>,
}

/// Leaves out all but the newest progress of each task between its ends. What stays keeps its order.
pub(crate) fn conflate(drafts: Vec<(usize, Draft)>) -> Vec<Bundle> {
    let mut conflation = Conflation::default();
    for (index, draft) in drafts {
        conflation.add(Bundle { draft, index, left_out: Vec::new() });
    }
    conflation.slots.into_iter().flatten().collect()
}

#[derive(Default)]
struct Conflation {
    /// In the order of the batch; empty where newer progress took over.
    slots: Vec<Option<Bundle>>,
    /// The slot of each task's progress that no end has followed.
    newest: HashMap<(Audience, TaskKey), usize>,
}

impl Conflation {
    fn add(&mut self, bundle: Bundle) {
        match &bundle.draft.kind {
            Kind::Plain => self.slots.push(Some(bundle)),
            Kind::Final { task, .. } => {
                self.newest.remove(&(bundle.draft.audience.clone(), task.clone()));
                self.slots.push(Some(bundle));
            }
            Kind::Progress { task, .. } => {
                let task = (bundle.draft.audience.clone(), task.clone());
                self.add_progress(task, bundle);
            }
        }
    }

    fn add_progress(&mut self, task: (Audience, TaskKey), mut bundle: Bundle) {
        if let Some(&slot) = self.newest.get(&task) {
            let shown = self.slots[slot].take().expect("a task's newest progress is in its slot");
            if !is_newer(&bundle.draft, &shown.draft) {
                self.slots[slot] = Some(shown.in_place_of(bundle));
                return;
            }
            bundle = bundle.in_place_of(shown);
        }
        self.newest.insert(task, self.slots.len());
        self.slots.push(Some(bundle));
    }
}

impl Bundle {
    fn in_place_of(mut self, mut other: Self) -> Self {
        // The longer list is kept, so that no order of messages makes this quadratic.
        if self.left_out.len() < other.left_out.len() {
            std::mem::swap(&mut self.left_out, &mut other.left_out);
        }
        self.left_out.append(&mut other.left_out);
        self.left_out.push(other.index);
        self
    }
}

/// Whether the later of two is also the newer: by version where both carry one, else by stamp where
/// both carry one, else because it came later.
fn is_newer(later: &Draft, earlier: &Draft) -> bool {
    let (later, earlier) = (order(later), order(earlier));
    match (later.version.zip(earlier.version), later.stamp.zip(earlier.stamp)) {
        (Some((later, earlier)), _) => later >= earlier,
        (None, Some((later, earlier))) => later >= earlier,
        (None, None) => true,
    }
}

fn order(draft: &Draft) -> Order {
    match &draft.kind {
        Kind::Progress { order, .. } | Kind::Final { order, .. } => *order,
        Kind::Plain => Order::default(),
    }
}

#[cfg(test)]
mod tests;
