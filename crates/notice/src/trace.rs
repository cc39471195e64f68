//! Which trace a message or a notice belongs to, as W3C Trace Context writes it.
//!
//! May not enter: whether a trace is recorded, and where it is kept.

use std::{fmt, sync::Arc};

/// What whoever handed something in says of its own trace: a `traceparent`, and what came beside it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceParent {
    pub trace: u128,
    pub span: u64,
    /// Whether that trace is recorded.
    pub is_sampled: bool,
    pub state: Option<TraceState>,
}

/// A `tracestate`: what those who keep traces tell each other, in words that are theirs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceState(Arc<str>);

/// The trace of a notice; one that is not recorded has none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trace {
    pub id: u128,
    /// The span in which the message came into being: the worker's, or else the one that took it in.
    pub creation: u64,
    /// The span that handed it to the bus.
    pub publish: u64,
    pub state: Option<TraceState>,
}

const SAMPLED: u8 = 1;

/// As much of a `tracestate` as everybody has to pass on; longer ones are left out.
const STATE_BYTES_MAX: usize = 512;

impl TraceParent {
    /// Reads `00-<32 hex>-<16 hex>-<2 hex>`, and of later versions what they begin with. What is malformed
    /// is none, as the specification asks.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_ascii().split('-');
        let version = hex(parts.next()?, 2)?;
        let (trace, span) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        let is_whole = version != 0 || parts.next().is_none();
        if version == 0xff || !is_whole || trace == 0 || span == 0 {
            return None;
        }
        let (span, flags) = (u64::try_from(span).ok()?, u8::try_from(flags).ok()?);
        Some(Self { trace, span, is_sampled: flags & SAMPLED != 0, state: None })
    }

    /// With the `tracestate` that stood beside it, if that can be read.
    #[must_use]
    pub fn beside(self, state: Option<&str>) -> Self {
        Self { state: state.and_then(TraceState::parse), ..self }
    }
}

impl TraceState {
    /// Its form is for those whose words it holds. What could not stand in a header is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let is_one = !text.is_empty()
            && text.len() <= STATE_BYTES_MAX
            && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        is_one.then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, is_sampled, .. } = self;
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(*is_sampled))
    }
}

impl Trace {
    /// Reads what it is written as, between nodes; its state stands beside it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let id = hex(parts.next()?, 32)?;
        let mut span = || u64::try_from(hex(parts.next()?, 16)?).ok();
        let (creation, publish) = (span()?, span()?);
        let is_one = parts.next().is_none() && id != 0 && creation != 0 && publish != 0;
        is_one.then_some(Self { id, creation, publish, state: None })
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, creation, publish, .. } = self;
        write!(f, "{id:032x}-{creation:016x}-{publish:016x}")
    }
}

/// A number of exactly `len` lower-case hexadecimal digits.
fn hex(text: &str, len: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == len && is_hex).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    //! What is read as a trace, and that it is written the same.

    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_reads_back_as_it_was_written() {
        let parent = TraceParent::parse(EXAMPLE).unwrap();
        assert!(parent.is_sampled);
        assert_eq!(parent.to_string(), EXAMPLE);
    }

    #[test]
    fn a_later_version_may_say_more_and_the_first_may_not() {
        assert!(TraceParent::parse(&format!("01{}-more", &EXAMPLE[2..])).is_some());
        assert!(TraceParent::parse(&format!("{EXAMPLE}-more")).is_none());
    }

    #[test]
    fn what_is_malformed_is_no_trace() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let upper = EXAMPLE.to_uppercase();
        let bad = ["", "00", "nonsense", zero_trace, zero_span, &upper, "ff-", &EXAMPLE[1..]];
        for text in bad {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
        assert_eq!(TraceParent::parse(&EXAMPLE.replacen("00", "ff", 1)), None);
    }

    #[test]
    fn a_tracestate_is_passed_on_as_it_is_or_left_out() {
        let parent = |state| TraceParent::parse(EXAMPLE).unwrap().beside(state);
        let state = |state| parent(state).state.map(|state| state.as_str().to_owned());
        assert_eq!(state(Some(" a=1,b@c=x y ")).as_deref(), Some("a=1,b@c=x y"));
        let long = format!("a={}", "x".repeat(511));
        for bad in [None, Some(""), Some(" "), Some("a=\nb=1"), Some("a=é"), Some(&*long)] {
            assert_eq!(state(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_notices_trace_reads_back_as_it_was_written() {
        let trace = Trace { id: 5, creation: 6, publish: u64::MAX, state: None };
        assert_eq!(Trace::parse(&trace.to_string()), Some(trace));
        assert_eq!(Trace::parse("5-6-7"), None);
    }
}
