//! What holds no more, as far as this node knows: looked at whenever somebody is let in, without a wait.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use notice::{Revocation, Revoked};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::grant::{Grant, Proof};

/// It holds what the cluster's list holds, which is bounded.
#[derive(Debug, Default)]
pub(crate) struct RevokedList(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Counts what was learned.
    turn: u64,
    entries: HashMap<Revoked, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    before: SystemTime,
    until: Instant,
    /// When it was learned, or last changed.
    turn: u64,
}

impl RevokedList {
    /// Learns of a revocation that holds for so long still. Whether that changes anything.
    pub(crate) fn learn(&self, revocation: &Revocation, left: Duration) -> bool {
        let until = Instant::now() + left;
        let mut known = self.0.lock();
        let turn = known.turn + 1;
        let fresh = Entry { before: revocation.before, until, turn };
        let entry = known.entries.entry(revocation.whom.clone()).or_insert(fresh);
        entry.until = entry.until.max(until);
        if revocation.before > entry.before {
            *entry = Entry { until: entry.until, ..fresh };
        }
        let is_news = entry.turn == turn;
        if is_news {
            known.turn = turn;
        }
        is_news
    }

    /// Gives back the memory of what does not hold any more.
    pub(crate) fn forget_ended(&self) {
        let now = Instant::now();
        self.0.lock().entries.retain(|_, entry| entry.until > now);
    }

    pub(crate) fn turn(&self) -> u64 {
        self.0.lock().turn
    }

    /// Whether `grant` holds no more.
    pub(crate) fn has(&self, grant: &Grant) -> bool {
        let known = self.0.lock();
        if known.entries.is_empty() {
            return false;
        }
        let of = |whom| known.entries.get(&whom);
        let general = [of(Revoked::Everyone), of(Revoked::User(grant.user.clone()))];
        let mut general = general.into_iter().flatten();
        match &grant.proof {
            Proof::Answer { turn } => general.any(|entry| entry.turn > *turn),
            Proof::Token { id, issued } => {
                general.any(|entry| issued.is_none_or(|issued| issued < entry.before))
                    || id.clone().is_some_and(|id| of(Revoked::Token(id)).is_some())
            }
        }
    }

    /// All that is known, in the order of whom it is about, and for how long each holds still.
    pub(crate) fn all(&self) -> Vec<(Revocation, Duration)> {
        let now = Instant::now();
        let known = self.0.lock();
        let known = known.entries.iter().filter(|(_, entry)| entry.until > now);
        let one = |(whom, entry): (&Revoked, &Entry)| {
            let revocation = Revocation { whom: whom.clone(), before: entry.before };
            (revocation, entry.until - now)
        };
        let mut all: Vec<_> = known.map(one).collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.whom.cmp(&other.whom));
        all
    }
}

#[cfg(test)]
mod tests {
    //! Whose grants are taken back.

    use notice::{TokenId, UserId};

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn user(name: &str) -> Revoked {
        Revoked::User(UserId::new(name).unwrap())
    }

    fn token(id: &str) -> Revoked {
        Revoked::Token(TokenId::new(id).unwrap())
    }

    fn grant(proof: Proof) -> Grant {
        let user = UserId::new("5").unwrap();
        Grant { user, rooms: notice::RoomPatterns::default(), expires: None, proof }
    }

    fn issued(id: &str, issued: Option<SystemTime>) -> Grant {
        grant(Proof::Token { id: Some(TokenId::new(id).unwrap()), issued })
    }

    fn knowing(whom: Revoked, before: u64) -> RevokedList {
        let list = RevokedList::default();
        assert!(list.learn(&Revocation { whom, before: at(before) }, DAY));
        list
    }

    #[tokio::test]
    async fn a_users_tokens_of_before_are_and_later_ones_and_those_of_others_are_not() {
        let list = knowing(user("5"), 100);
        assert!(list.has(&issued("a", Some(at(99)))));
        assert!(!list.has(&issued("a", Some(at(100)))));
        assert!(!knowing(user("6"), 100).has(&issued("a", Some(at(99)))));
    }

    #[tokio::test]
    async fn a_token_that_does_not_say_when_it_was_issued_counts_as_old() {
        assert!(knowing(user("5"), 100).has(&issued("a", None)));
        assert!(knowing(Revoked::Everyone, 100).has(&issued("a", None)));
    }

    #[tokio::test]
    async fn everyones_tokens_of_before_are() {
        let list = knowing(Revoked::Everyone, 100);
        assert!(list.has(&issued("a", Some(at(99)))) && !list.has(&issued("a", Some(at(100)))));
    }

    #[tokio::test]
    async fn one_token_is_whenever_it_was_issued() {
        let list = knowing(token("a"), 100);
        assert!(list.has(&issued("a", Some(at(9_999)))) && !list.has(&issued("b", Some(at(9)))));
    }

    #[tokio::test]
    async fn what_the_backend_said_before_is_and_what_it_says_after_is_not() {
        let list = RevokedList::default();
        let before = grant(Proof::Answer { turn: list.turn() });
        list.learn(&Revocation { whom: user("5"), before: at(1) }, DAY);
        assert!(list.has(&before));
        assert!(!list.has(&grant(Proof::Answer { turn: list.turn() })));
    }

    #[tokio::test]
    async fn what_is_known_already_is_no_news_and_a_later_instant_is() {
        let list = knowing(user("5"), 100);
        assert!(!list.learn(&Revocation { whom: user("5"), before: at(99) }, DAY));
        assert!(!list.learn(&Revocation { whom: user("5"), before: at(100) }, DAY));
        assert!(list.learn(&Revocation { whom: user("5"), before: at(101) }, DAY));
        assert!(list.has(&issued("a", Some(at(100)))));
    }

    #[tokio::test(start_paused = true)]
    async fn what_ended_is_forgotten() {
        let list = knowing(token("a"), 100);
        tokio::time::advance(DAY).await;
        assert!(list.all().is_empty());
        list.forget_ended();
        assert!(!list.has(&issued("a", None)));
    }
}
