//! A draft to be published, and the tickets that it stands for.

use std::time::SystemTime;

use adapter::{PublishError, Published, publish_outcome};
use notice::{Draft, Kind, Order, Stamp};
use trace::{Ingest, Times};

/// Of the progress of one task the newest is enough: the tickets of the others hang on to it.
#[derive(Debug)]
pub(super) struct Bundle<T> {
    pub(super) draft: Draft,
    /// The draft's own ticket, behind its place among all that were taken.
    pub(super) own: (u64, T),
    /// The tickets of what was left out for it, in no order.
    pub(super) left_out: Vec<(u64, T)>,
    /// Where its trace is recorded.
    pub(super) span: Option<Box<Ingest>>,
}

impl<T> Bundle<T> {
    pub(super) fn new(draft: Draft, taken: u64, ticket: T, span: Option<Box<Ingest>>) -> Self {
        Self { draft, own: (taken, ticket), left_out: Vec::new(), span }
    }

    /// What the bus gets of it. Early progress is needed again, so that this is a copy: of references, not
    /// of the payload.
    pub(super) fn sent(&mut self) -> Draft {
        let trace = self.span.as_mut().and_then(|span| span.publish(&self.draft.audience));
        Draft { trace: trace.map(Box::new), ..self.draft.clone() }
    }

    /// The bus, which had it since `sent_at`, has answered.
    pub(super) fn answered(
        &mut self,
        answer: &Result<Published, PublishError>,
        sent_at: SystemTime,
    ) {
        let span = self.span.as_mut().and_then(|span| span.answered());
        let accepted = answer.as_ref().map(Published::accepted);
        let times = Times { handed_in: self.draft.handed_in, sent_at };
        trace::published(span, publish_outcome(answer), accepted, times);
    }

    pub(super) fn len(&self) -> usize {
        1 + self.left_out.len()
    }

    /// Stands for `other` and all that was left out for it, too.
    pub(super) fn in_place_of(mut self, mut other: Self) -> Self {
        // The longer list is kept, so that no order of messages makes this quadratic.
        if self.left_out.len() < other.left_out.len() {
            std::mem::swap(&mut self.left_out, &mut other.left_out);
        }
        self.left_out.append(&mut other.left_out);
        self.left_out.push(other.own);
        match (&mut self.span, other.span) {
            (Some(own), Some(other)) => own.replace(*other),
            (None, Some(other)) => other.ended("left_out"),
            (_, None) => {}
        }
        self
    }

    /// The newer of two progresses of one task, standing for both.
    pub(super) fn newer(later: Self, earlier: Self) -> Self {
        if is_newer(later.order(), earlier.order()) {
            later.in_place_of(earlier)
        } else {
            earlier.in_place_of(later)
        }
    }

    /// Whether it says itself where it stands among what its task shows.
    pub(super) fn is_placed(&self) -> bool {
        let Order { version, stamp } = self.order();
        version.is_some() || stamp.is_some()
    }

    /// Gives it the stamp under which the store has seen it, unless it has one.
    pub(super) fn place_at(&mut self, stamp: Stamp) {
        if let Kind::Progress { order, .. } | Kind::Final { order, .. } = &mut self.draft.kind {
            order.stamp.get_or_insert(stamp);
        }
    }

    fn order(&self) -> Order {
        match &self.draft.kind {
            Kind::Progress { order, .. } | Kind::Final { order, .. } => *order,
            Kind::Plain | Kind::Kept | Kind::Volatile => Order::default(),
        }
    }
}

/// Whether the later of two is also the newer, as the bus sees it: by version where both carry one and
/// they differ, else by stamp where both carry one, else because it came later.
fn is_newer(later: Order, earlier: Order) -> bool {
    match (later.version.zip(earlier.version), later.stamp.zip(earlier.stamp)) {
        (Some((later, earlier)), _) if later.total_cmp(&earlier).is_ne() => later > earlier,
        (_, Some((later, earlier))) => later >= earlier,
        (_, None) => true,
    }
}
