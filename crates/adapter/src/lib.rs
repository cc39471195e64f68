//! The bus between nodes: a notice handed in on one node comes out on every node with a member for it.
//!
//! `ingest` and `gateway` each hold a [`Publisher`]; `gateway` alone holds the [`Inbox`], the
//! [`Interest`] that narrows it, the [`Store`] from which a client catches up, and the [`Logins`] by which
//! a room is held, the [`Revocations`] of what was granted. What nodes ask each other goes by [`Nodes`] and [`Requests`], what they merely let each
//! other know by [`Signals`]; what clients say to the backend by the [`Uplink`].
//!
//! May enter: audiences, nodes by id, drafts already checked.
//! May not enter: sockets, HTTP, Socket.IO packets, worker messages. Nothing here calls upward; a
//! notice leaves by the inbox or the store, or not at all.
//!
//! Promise: each audience's notices are numbered without a gap; nothing of a task follows its end; a
//! final is kept for those who missed it, and what is no longer kept is reported as a gap; a room that was
//! taken alone has one holder in the whole cluster, through crashes.

mod link;

mod echo;
mod held_seats;
mod inbox;
mod interest;
mod kept_rooms;
mod logins;
mod publisher;
mod revocations;
mod store;

mod nodes;
mod requests;
mod signals;

mod relay;
mod uplink;

mod asking;
mod watchers;

mod embedded;
mod redis;

mod config;
mod error;
mod limits;
mod metrics;
mod traffic;

pub use crate::{
    config::Config,
    echo::Echo,
    embedded::Embedded,
    error::{
        BusError, LoginError, PublishError, RevocationError, SeatError, SignalError, UplinkError,
    },
    held_seats::{HeldSeat, HeldSeats, Hold, Holder, Owed, SeatKey, Stand},
    inbox::{Arrival, Inbox},
    interest::Interest,
    link::Link,
    logins::{Login, LoginMode, LoginOutcome, Logins, Resume},
    nodes::{Answers, Living, Nodes},
    publisher::{Published, Publisher, outcome as publish_outcome},
    redis::{
        AddressError, Cluster as RedisCluster, Condition as RedisCondition, ConnectError, Pem,
        Primary as RedisPrimary, Redis, RedisConfig, RedisTls, Sentinel as RedisSentinel,
        check_redis_url,
    },
    relay::RelayDriver,
    requests::{Request, Requests},
    revocations::{InForce, Mark, News, Revocations},
    signals::{Signals, Watch},
    store::{CatchUp, Gap, Since, Standing, Store},
    uplink::{Entry, Receipt, Said, Share, Uplink},
};

#[cfg(feature = "fuzzing")]
pub use crate::redis::fuzzed_envelope as envelope;
