//! The vocabulary of the house: what a worker message is, and how it becomes a notice.
//!
//! A *message* is untrusted bytes from a worker; a *notice* is checked and ready to go: an audience,
//! an event, its arguments as they were written, and a kind that says what may happen to it on the
//! way. Everyone else imports these words from here.
//!
//! May enter: bytes, settings of the status table.
//! May not enter: Redis, sockets, clocks, a runtime. Nothing here waits or fails for reasons outside
//! its arguments.

mod names;
mod revocation;
mod room_pattern;
mod text;

mod audience;
mod id;
mod narrowing;

mod draft;
mod payload;

mod depth;
mod json;
mod span;
mod trace;

mod emit;
mod message;
mod status;

mod cursor;
mod event;

#[cfg(any(test, feature = "fuzzing"))]
mod fuzzed;

pub use crate::{
    audience::{Audience, Scope},
    cursor::{Cursor, CursorError},
    depth::is_too_deep,
    draft::{Draft, Kind, Notice, Order, Origin, Stamp, TaskKey},
    emit::{Emit, EmitError, id_text},
    event::{EventError, EventName},
    id::{Epoch, NoticeId, Position},
    message::{Message, MessageError, PAYLOAD_BYTES_MAX},
    names::{NameError, Namespace, NodeId, ResumeKey, Room, SocketId, TokenId, UserId},
    narrowing::Narrowing,
    payload::{ATTACHMENTS_MAX, Payload},
    revocation::{Revocation, Revoked},
    room_pattern::{RoomPattern, RoomPatternError, RoomPatterns},
    span::duration,
    status::{StatusTable, StatusTableError},
    trace::{Trace, TraceParent, TraceState},
};

#[cfg(feature = "fuzzing")]
pub use crate::fuzzed::{cursor, downlink_body, emit_body, worker_message};
