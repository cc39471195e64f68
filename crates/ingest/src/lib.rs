//! The way in: worker messages from HTTP bodies and from queues, checked, conflated, published.
//!
//! A caller reads a body into a [`Batch`] and hands it to the [`Intake`]; a [`Source`] does the same
//! with what was pushed into its [`Feed`]. Both end in one step that gives each message its fate.
//!
//! May enter: untrusted bytes, a publisher, the status table.
//! May not enter: sockets, HTTP, what becomes of a notice behind the bus.
//!
//! Promise: a message is acknowledged only after it, or the newer progress that replaces it, was
//! published; a bad one costs nobody but itself. Logs carry no payloads.

mod batch;
mod intake;
mod report;

mod desk;
mod fate;

mod feed;
mod source;

mod redis;

mod backoff;
mod dead_letter_store;
mod dead_letters;

mod explanation;

mod events;
mod metrics;

pub use crate::{
    batch::{BODY_BYTES_MAX, Batch, BatchError, MESSAGES_MAX},
    dead_letter_store::{DeadLetterError, DeadLetterId, DeadLetterIdError, DeadLetterStore, Which},
    dead_letters::{DeadLetter, DeadLetters},
    explanation::{Explanation, explain},
    feed::{Feed, FeedClosed},
    intake::Intake,
    metrics::Metrics,
    redis::{PushError, RedisFeed, RedisSource, RedisSourceConfig, SourceError},
    report::{Interrupted, Rejection, Report},
    source::{Config, Source},
};
