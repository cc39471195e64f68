//! What became of one message.

use adapter::{PublishError, Published};

use crate::metrics::Outcome;

/// Where a message ended. All but the last are for good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Published,
    /// Newer progress of its task took its place, here or on the bus.
    Superseded,
    /// Its task had already ended.
    AfterFinal,
    /// It will never be usable. `reason` is one of a closed list, `error` is for whoever sent it.
    Rejected {
        reason: &'static str,
        error: String,
    },
    /// The bus could not take it now, or could not take what replaces it.
    NotTaken,
}

impl Fate {
    /// The fate of the draft that was published itself.
    pub(crate) fn of(answer: Result<Published, PublishError>) -> Self {
        match answer {
            Ok(Published::Accepted { .. }) => Self::Published,
            Ok(Published::Superseded) => Self::Superseded,
            Ok(Published::AfterFinal) => Self::AfterFinal,
            Ok(Published::Early { .. }) => Self::NotTaken,
            Err(error) if error.is_transient() => Self::NotTaken,
            Err(PublishError::Full { .. }) => Self::Rejected {
                reason: "full",
                error:
                    "publish message: the bus remembers as many tasks as it may, expected fewer \
                        at a time"
                        .to_owned(),
            },
            Err(error @ PublishError::Broken { .. }) => {
                Self::Rejected { reason: "broken", error: error.to_string() }
            }
            Err(error @ PublishError::Narrowed { .. }) => {
                Self::Rejected { reason: "refused", error: error.to_string() }
            }
            Err(_) => Self::Rejected {
                reason: "refused",
                error: "publish message: the bus does not take it, expected a smaller one"
                    .to_owned(),
            },
        }
    }

    /// As the metrics name it, too.
    pub(crate) fn name(&self) -> &'static str {
        Outcome::of(self).label()
    }

    /// The fate of a progress that was left out for the one that had this fate.
    pub(crate) fn of_predecessor(&self) -> Self {
        match self {
            Self::Published => Self::Superseded,
            other => other.clone(),
        }
    }
}
