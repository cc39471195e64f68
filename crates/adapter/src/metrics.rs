//! What the bus counts: every draft handed to it, by kind and by what became of it.

use notice::Kind;
use prometheus::{IntCounterVec, Opts, Registry};

use crate::{
    error::{LoginError, PublishError, UplinkError},
    logins::{LoginMode, LoginOutcome},
    publisher::{self, Published},
};

/// The bus's counters, registered once per bus.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    publish_total: IntCounterVec,
    notices_total: IntCounterVec,
    logins: IntCounterVec,
    put_out: IntCounterVec,
    uplink: IntCounterVec,
}

/// Why a member is in its room no more: the closed set of `cause` labels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PutOutCause {
    /// Somebody took the room, or its place.
    Replaced,
    /// The same, and only the renewal of its lease showed it.
    FoundLate,
    /// Its lease could not be renewed in time.
    NotRenewed,
}

/// The closed set of `kind` labels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KindLabel {
    Progress,
    Final,
    Plain,
}

impl Metrics {
    /// Fails when `registry` already holds metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let publish_total = IntCounterVec::new(
            Opts::new("carillon_bus_publish_total", "Drafts handed to the bus, by outcome."),
            &["outcome"],
        )?;
        let notices_total = IntCounterVec::new(
            Opts::new("carillon_notices_total", "Notices by kind and by what became of them."),
            &["kind", "outcome"],
        )?;
        let logins_total = IntCounterVec::new(
            Opts::new(
                "carillon_logins_total",
                "Logins to rooms, by mode and by what became of them.",
            ),
            &["mode", "outcome"],
        )?;
        let put_out_total = IntCounterVec::new(
            Opts::new("carillon_put_out_total", "Members of this node put out of rooms, by cause."),
            &["cause"],
        )?;
        let uplink = IntCounterVec::new(
            Opts::new(
                "carillon_uplink_total",
                "What clients said for the backend, by kind and by what became of it.",
            ),
            &["kind", "outcome"],
        )?;
        registry.register(Box::new(uplink.clone()))?;
        registry.register(Box::new(logins_total.clone()))?;
        registry.register(Box::new(put_out_total.clone()))?;
        registry.register(Box::new(publish_total.clone()))?;
        registry.register(Box::new(notices_total.clone()))?;
        Ok(Self {
            publish_total,
            notices_total,
            logins: logins_total,
            put_out: put_out_total,
            uplink,
        })
    }

    /// Counts one draft that the bus has dealt with.
    pub(crate) fn published(&self, kind: KindLabel, result: &Result<Published, PublishError>) {
        let outcome = publisher::outcome(result);
        let of_notice = if result.is_ok() { outcome } else { "refused" };
        self.publish_total.with_label_values(&[outcome]).inc();
        self.notices_total.with_label_values(&[kind.as_str(), of_notice]).inc();
    }

    /// Counts one login that the bus has dealt with.
    pub(crate) fn logged_in(&self, mode: LoginMode, result: &Result<LoginOutcome, LoginError>) {
        let outcome = match result {
            Ok(LoginOutcome::In) => "in",
            Ok(LoginOutcome::Occupied) => "occupied",
            Err(LoginError::Unreachable { .. }) => "unreachable",
            Err(LoginError::Unsettled { .. }) => "unsettled",
            Err(LoginError::Full { .. }) => "full",
            Err(LoginError::Broken { .. }) => "broken",
        };
        self.logins.with_label_values(&[mode.as_str(), outcome]).inc();
    }

    /// Counts one thing that a client said, or that happened to it, and that the bus has dealt with.
    pub(crate) fn uplinked(&self, kind: &str, outcome: Result<(), &UplinkError>) {
        let outcome = match outcome {
            Ok(()) => "kept",
            Err(UplinkError::TooLarge { .. }) => "too_large",
            Err(UplinkError::ShareFull { .. }) => "share_full",
            Err(UplinkError::Full { .. }) => "full",
            Err(UplinkError::Unreachable) => "unreachable",
            Err(UplinkError::Unreplicated { .. }) => "unreplicated",
            Err(UplinkError::Broken { .. }) => "broken",
            Err(UplinkError::Gone) => "gone",
        };
        self.uplink.with_label_values(&[kind, outcome]).inc();
    }

    pub(crate) fn put_out(&self, cause: PutOutCause, members: usize) {
        let cause = match cause {
            PutOutCause::Replaced => "replaced",
            PutOutCause::FoundLate => "found_late",
            PutOutCause::NotRenewed => "not_renewed",
        };
        let members = u64::try_from(members).unwrap_or(u64::MAX);
        self.put_out.with_label_values(&[cause]).inc_by(members);
    }
}

impl KindLabel {
    pub(crate) fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Progress { .. } => Self::Progress,
            Kind::Final { .. } => Self::Final,
            Kind::Plain | Kind::Kept | Kind::Volatile => Self::Plain,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Final => "final",
            Self::Plain => "plain",
        }
    }
}
