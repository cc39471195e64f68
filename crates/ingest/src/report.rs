//! What a caller is told about its batch.

use crate::fate::Fate;

/// The outcome of one batch. Where it was interrupted, it covers what comes before.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// All well-formed messages, the next two included.
    pub accepted: usize,
    /// Progress that newer progress made needless.
    pub superseded: usize,
    /// What came after its task's end.
    pub after_final: usize,
    pub rejected: Vec<Rejection>,
    pub interrupted: Option<Interrupted>,
}

/// A message that will never be taken as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// Its place in the batch, from 0.
    pub index: usize,
    pub error: String,
}

/// The bus took no more. What comes from `index` on is to be handed in again, a part of which may
/// arrive twice; that harms nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Interrupted {
    /// The first message that was not taken.
    pub index: usize,
}

impl Report {
    /// Whether there was something, and none of it was any good.
    pub fn is_all_bad(&self) -> bool {
        self.accepted == 0 && self.interrupted.is_none() && !self.rejected.is_empty()
    }

    pub(crate) fn of(fates: Vec<Fate>) -> Self {
        let mut report = Self::default();
        for (index, fate) in fates.into_iter().enumerate() {
            match fate {
                Fate::Published => report.accepted += 1,
                Fate::Superseded => {
                    report.accepted += 1;
                    report.superseded += 1;
                }
                Fate::AfterFinal => {
                    report.accepted += 1;
                    report.after_final += 1;
                }
                Fate::Rejected { error, reason: _ } => {
                    report.rejected.push(Rejection { index, error });
                }
                Fate::NotTaken => {
                    report.interrupted = Some(Interrupted { index });
                    break;
                }
            }
        }
        report
    }
}

#[cfg(test)]
mod tests {
    //! What is counted, and what is left for the next call.

    use super::*;

    fn rejected() -> Fate {
        Fate::Rejected { reason: "json", error: "bad".to_owned() }
    }

    #[test]
    fn every_well_formed_message_is_accepted() {
        let fates = vec![Fate::Published, Fate::Superseded, Fate::AfterFinal, rejected()];
        let report = Report::of(fates);
        assert_eq!((report.accepted, report.superseded, report.after_final), (3, 1, 1));
        assert_eq!(report.rejected, [Rejection { index: 3, error: "bad".to_owned() }]);
        assert_eq!(report.interrupted, None);
    }

    #[test]
    fn an_interrupted_report_ends_at_the_first_message_not_taken() {
        let fates = vec![Fate::Published, Fate::NotTaken, Fate::Published, rejected()];
        let report = Report::of(fates);
        assert_eq!(report.interrupted, Some(Interrupted { index: 1 }));
        assert_eq!((report.accepted, report.rejected.len()), (1, 0));
    }

    #[test]
    fn a_batch_is_all_bad_when_it_holds_nothing_else() {
        assert!(Report::of(vec![rejected(), rejected()]).is_all_bad());
        assert!(!Report::of(vec![rejected(), Fate::AfterFinal]).is_all_bad());
        assert!(!Report::of(vec![rejected(), Fate::NotTaken]).is_all_bad());
        assert!(!Report::of(vec![]).is_all_bad());
    }
}
