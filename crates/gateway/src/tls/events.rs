//! What happens with TLS, each occurrence one function.

use std::{
    io,
    time::{Duration, SystemTime},
};

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

use super::{clients::RootsError, identity::IdentityError};

#[derive(Debug)]
pub(super) struct Events {
    agreements: IntCounterVec,
    readings: IntCounterVec,
    expires: IntGauge,
}

/// What became of a TLS handshake: the label of `carillon_tls_handshakes_total`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Agreement {
    Done,
    /// It speaks TLS 1.1 or older, or nothing else that is common.
    Incompatible,
    /// It does not trust the certificate, or gave up by an alert.
    Distrusted,
    /// What it sent is no TLS.
    Malformed,
    /// It went in the midst of it.
    Gone,
    /// It was not done within `limits.handshake`.
    Late,
}

impl Agreement {
    const ALL: [Self; 6] =
        [Self::Done, Self::Incompatible, Self::Distrusted, Self::Malformed, Self::Gone, Self::Late];

    /// What a failure means.
    pub fn of(error: &io::Error) -> Self {
        use rustls::Error;
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            None => Self::Gone,
            Some(Error::AlertReceived(_)) => Self::Distrusted,
            Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol) => Self::Incompatible,
            Some(_) => Self::Malformed,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Incompatible => "incompatible",
            Self::Distrusted => "distrusted",
            Self::Malformed => "malformed",
            Self::Gone => "gone",
            Self::Late => "late",
        }
    }
}

impl Events {
    pub(super) fn new(port: &str, registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = |name, help| Opts::new(name, help).const_label("port", port);
        let outcomes = |name, help| IntCounterVec::new(opts(name, help), &["outcome"]);
        let agreements = outcomes("carillon_tls_handshakes_total", "TLS handshakes.")?;
        let readings = outcomes(
            "carillon_tls_certificate_readings_total",
            "Changes of the certificate's files that were looked at.",
        )?;
        let expires = IntGauge::with_opts(opts(
            "carillon_tls_certificate_expires_seconds",
            "How long the certificate that is shown still holds.",
        ))?;
        for outcome in Agreement::ALL {
            agreements.with_label_values(&[outcome.label()]).reset();
        }
        for outcome in ["taken", "refused"] {
            readings.with_label_values(&[outcome]).reset();
        }
        registry.register(Box::new(agreements.clone()))?;
        registry.register(Box::new(readings.clone()))?;
        registry.register(Box::new(expires.clone()))?;
        Ok(Self { agreements, readings, expires })
    }

    pub(super) fn agreed(&self, outcome: Agreement) {
        self.agreements.with_label_values(&[outcome.label()]).inc();
    }

    pub(super) fn renewed(&self, until: SystemTime) {
        self.readings.with_label_values(&["taken"]).inc();
        tracing::info!(left = ?left(until), "took a new certificate");
    }

    pub(super) fn not_renewed(&self, error: &IdentityError) {
        self.readings.with_label_values(&["refused"]).inc();
        let (file, hint) = (if error.is_of_key() { "key" } else { "cert" }, error.hint());
        tracing::warn!(file, %error, hint, "read the certificate anew; the one shown before stays");
    }

    pub(super) fn new_roots(&self) {
        self.readings.with_label_values(&["taken"]).inc();
        tracing::info!("took new roots of clients");
    }

    pub(super) fn no_new_roots(&self, error: &RootsError) {
        self.readings.with_label_values(&["refused"]).inc();
        let hint = error.hint();
        tracing::warn!(%error, hint, "read the roots of clients anew; those known before stay");
    }

    pub(super) fn expires(&self, until: SystemTime) {
        let seconds = match until.duration_since(SystemTime::now()) {
            Ok(left) => signed(left),
            Err(past) => -signed(past.duration()),
        };
        self.expires.set(seconds);
    }
}

pub(super) fn ends_soon(until: SystemTime) {
    tracing::warn!(left = ?left(until), "the certificate ends soon and was not renewed");
}

fn left(until: SystemTime) -> Duration {
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    Duration::from_secs(left.as_secs())
}

fn signed(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
