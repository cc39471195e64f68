//! What is worth telling: one function for the log line and the counter.

use std::{error::Error, iter, time::Duration};

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

use crate::client::AskError;

/// Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    key_reads: IntCounterVec,
    questions: IntCounterVec,
    seconds: Histogram,
}

/// How reading a key set went.
#[derive(Debug)]
pub(crate) enum Refresh {
    Read,
    /// It held no key that could be used: the old ones stay.
    Empty,
    Failed(AskError),
}

impl Events {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let key_reads = IntCounterVec::new(
            Opts::new("carillon_auth_key_reads_total", "Readings of the key set of auth.jwks."),
            &["outcome"],
        )?;
        let questions = IntCounterVec::new(
            Opts::new(
                "carillon_auth_questions_total",
                "Questions to the backend of auth.hook.url.",
            ),
            &["outcome"],
        )?;
        let seconds = Histogram::with_opts(HistogramOpts::new(
            "carillon_auth_question_seconds",
            "Time from a question to the backend's answer.",
        ))?;
        for outcome in ["read", "empty", "failed"] {
            key_reads.with_label_values(&[outcome]);
        }
        for outcome in ["answered", "failed", "busy"] {
            questions.with_label_values(&[outcome]);
        }
        registry.register(Box::new(key_reads.clone()))?;
        registry.register(Box::new(questions.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { key_reads, questions, seconds })
    }

    pub(crate) fn keys(&self, refresh: Refresh) {
        let outcome = match refresh {
            Refresh::Read => "read",
            Refresh::Empty => {
                tracing::warn!("the key set holds no key of use; the keys known before stay");
                "empty"
            }
            Refresh::Failed(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "read the key set; the keys known before stay"
                );
                "failed"
            }
        };
        self.key_reads.with_label_values(&[outcome]).inc();
    }

    pub(crate) fn answered(&self, after: Duration) {
        self.questions.with_label_values(&["answered"]).inc();
        self.seconds.observe(after.as_secs_f64());
    }

    pub(crate) fn no_answer(&self, error: &AskError) {
        tracing::warn!(
            error = chain(error),
            "ask the backend who a client is; the client is told to come again"
        );
        self.questions.with_label_values(&["failed"]).inc();
    }

    pub(crate) fn busy(&self) {
        tracing::debug!("no turn to ask the backend within the time limit");
        self.questions.with_label_values(&["busy"]).inc();
    }
}

/// An error and what it comes from, in one text: a line of JSON would keep the first alone.
fn chain(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
