//! The trace of a notice: which are recorded, the spans of each, and what joins them across nodes.
//!
//! A worker's message is taken in (`ingest`), handed to the bus (`publish`), and on every node that hears it
//! handed to its sockets (`deliver`): one span for each node and notice, never one for a socket. What goes past the
//! bus (`emit`), and what a client catches up on (`catch_up`), has a span of its own. docs/tracing.md says what the
//! spans look like from outside.
//!
//! May enter: notices, what a worker or backend says of its own trace, how many are recorded.
//! May not enter: where spans go, payloads, tokens, session ids, users.
//!
//! Promise: what is not recorded costs a number drawn and a comparison, and nothing where no traces are kept.

mod sampling;

mod catching_up;
mod context;
mod emits;
mod spans;

mod latency;

pub use crate::{
    catching_up::CatchingUp,
    context::{SPANS, current},
    emits::{Emit, Reach},
    latency::{Hearing, Times, published},
    sampling::Sampling,
    spans::{Ingest, Publish, Reader},
};
