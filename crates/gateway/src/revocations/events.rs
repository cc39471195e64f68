//! What happens with revocations, each occurrence one function.

use adapter::RevocationError;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

#[derive(Debug)]
pub(super) struct Events {
    in_force: IntGauge,
    learned: IntCounter,
    handed_back: IntCounter,
    unread: IntCounterVec,
}

impl Events {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name, help| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        let in_force = IntGauge::new(
            "carillon_revocations",
            "Revocations that this node goes by, counted once a minute.",
        )?;
        registry.register(Box::new(in_force.clone()))?;
        let unread = IntCounterVec::new(
            Opts::new(
                "carillon_revocations_unread_total",
                "Readings of the list of revocations that failed.",
            ),
            &["reason"],
        )?;
        for reason in ["unreachable", "full", "broken"] {
            unread.with_label_values(&[reason]).reset();
        }
        registry.register(Box::new(unread.clone()))?;
        Ok(Self {
            in_force,
            learned: counter(
                "carillon_revocations_learned_total",
                "Revocations that were news to this node.",
            )?,
            handed_back: counter(
                "carillon_revocations_handed_back_total",
                "Revocations that the store had lost and this node knew.",
            )?,
            unread,
        })
    }

    pub(super) fn in_force(&self, len: usize) {
        self.in_force.set(i64::try_from(len).unwrap_or(i64::MAX));
    }

    pub(super) fn learned(&self, len: usize) {
        self.learned.inc_by(u64::try_from(len).unwrap_or(u64::MAX));
        tracing::debug!(len, "learned what is revoked");
    }

    pub(super) fn handed_back(&self) {
        self.handed_back.inc();
        tracing::warn!("handed back a revocation that the store had lost");
    }

    /// The bus itself says when it goes and when it is back.
    pub(super) fn unread(&self, error: &RevocationError) {
        let reason = match error {
            RevocationError::Unreachable => "unreachable",
            RevocationError::Full { .. } => "full",
            RevocationError::Broken { .. } => "broken",
        };
        self.unread.with_label_values(&[reason]).inc();
        if matches!(error, RevocationError::Unreachable) {
            tracing::debug!(%error, "could not read what is revoked");
        } else {
            tracing::warn!(%error, "could not read what is revoked; what is known holds");
        }
    }
}
