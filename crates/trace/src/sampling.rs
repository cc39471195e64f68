//! Which traces are recorded. Decided once for each, where its message comes in; all nodes go by that.

use notice::{Audience, TraceParent};

use crate::{
    catching_up::CatchingUp,
    emits::{Emit, Reach},
    spans::{Ingest, Publish, Reader},
};

/// How many traces are recorded.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// Of all there could be, how many are recorded: those whose last 63 bits are below.
    below: u64,
    /// Whoever began a trace has decided already.
    heeds_parent: bool,
}

/// One more than there are.
const ALL: u64 = 1 << 63;

impl Sampling {
    /// Nothing is recorded, whatever anybody says.
    pub const OFF: Self = Self { below: 0, heeds_parent: false };

    /// `ratio` of the traces that begin here, or of all where the word of those who began one is not heeded.
    pub fn new(ratio: f64, heeds_parent: bool) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a share need not be more exact than a float"
        )]
        let below = (ratio.clamp(0.0, 1.0) * ALL as f64) as u64;
        Self { below, heeds_parent }
    }

    /// The span of a message that is taken in, if it is recorded.
    pub fn ingest(&self, reader: &Reader, parent: Option<TraceParent>) -> Option<Box<Ingest>> {
        self.takes(parent.as_ref()).then(|| Ingest::begin(reader, parent)).flatten().map(Box::new)
    }

    /// The span of something that a backend has published, if it is recorded.
    pub fn publish(&self, audience: &Audience, parent: Option<TraceParent>) -> Option<Publish> {
        self.takes(parent.as_ref()).then(|| Publish::begin(audience, parent)).flatten()
    }

    /// The span of an emit that does not go over the bus, if it is recorded.
    pub fn emit(
        &self,
        reach: Reach,
        audience: &Audience,
        parent: Option<TraceParent>,
    ) -> Option<Emit> {
        self.takes(parent.as_ref()).then(|| Emit::begin(reach, audience, parent)).flatten()
    }

    /// The span of a client's catching up, if it is recorded: as large a share of them as of all else.
    pub fn catch_up(&self, audience: &Audience) -> Option<CatchingUp> {
        self.takes(None).then(|| CatchingUp::begin(audience)).flatten()
    }

    fn takes(&self, parent: Option<&TraceParent>) -> bool {
        let drawn = match parent {
            Some(parent) if self.heeds_parent => return parent.is_sampled,
            // As all others decide of a trace, so that they keep the same ones.
            Some(parent) => low_bits(parent.trace),
            None if self.below == 0 => return false,
            None => rand::random(),
        };
        (drawn >> 1) < self.below
    }
}

fn low_bits(trace: u128) -> u64 {
    let [_, _, _, _, _, _, _, _, low @ ..] = trace.to_be_bytes();
    u64::from_be_bytes(low)
}

#[cfg(test)]
mod tests {
    //! What is recorded.

    use super::*;

    fn under(trace: u128, is_sampled: bool) -> TraceParent {
        TraceParent { trace, span: 1, is_sampled, state: None }
    }

    #[test]
    fn nothing_is_recorded_when_it_is_off() {
        assert!(!Sampling::OFF.takes(None));
        assert!(!Sampling::OFF.takes(Some(&under(1, true))));
    }

    #[test]
    fn whoever_began_a_trace_has_decided_for_all() {
        let (none, all) = (Sampling::new(0.0, true), Sampling::new(1.0, true));
        assert!(none.takes(Some(&under(u128::MAX, true))) && !all.takes(Some(&under(1, false))));
        assert!(!none.takes(None) && all.takes(None));
    }

    #[test]
    fn where_nobody_is_heeded_the_share_is_taken_of_the_traces_that_others_take_too() {
        let half = Sampling::new(0.5, false);
        assert!(half.takes(Some(&under(1, false))));
        assert!(!half.takes(Some(&under(u128::MAX, true))));
    }

    #[test]
    fn about_the_share_that_was_asked_for_is_recorded() {
        let tenth = Sampling::new(0.1, true);
        let taken = (0..10_000).filter(|_| tenth.takes(None)).count();
        assert!((700..1_300).contains(&taken), "{taken}");
    }
}
