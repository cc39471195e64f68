//! A poll that comes twice. Browsers and proxies send a GET once more when its connection breaks before an answer
//! has come, and the client never learns of it: what the first answer held is lost unless the second holds it too.
//!
//! Official clients of all generations give each request a `t` of its own; one that is sent again has the same. An
//! answer is kept until the next poll shows that it has arrived.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::payload::Body;

/// The polls of one session.
#[derive(Debug)]
pub(super) struct Polls {
    /// That of the handshake. Whoever says the same with a poll says it with all, and repeats nothing.
    first: Stamp,
    last: Option<(Stamp, Body)>,
}

/// The `t` of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp(u64);

impl Polls {
    /// Of a client that was let in with this `t`.
    pub(super) fn begin(first: Stamp) -> Self {
        Self { first, last: None }
    }

    /// The answer that a poll was given before, if it is the same poll. Otherwise that has arrived, and is let go.
    pub(super) fn again(&mut self, stamp: Option<Stamp>) -> Option<Body> {
        self.last.take_if(|(last, _)| stamp != Some(*last));
        self.last.as_ref().map(|(_, body)| body.clone())
    }

    pub(super) fn answered(&mut self, stamp: Option<Stamp>, body: &Body) {
        let stamp = stamp.filter(|stamp| *stamp != self.first);
        self.last = stamp.map(|stamp| (stamp, body.clone()));
    }
}

impl Stamp {
    pub(super) fn of(t: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        t.hash(&mut hasher);
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    //! Which answer is given twice.

    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    fn body(text: &'static str) -> Body {
        (HeaderValue::from_static("text/plain"), Bytes::from_static(text.as_bytes()))
    }

    /// After the handshake `h`, and the poll `1`.
    fn polls() -> Polls {
        let mut polls = Polls::begin(Stamp::of("h"));
        assert_eq!(polls.again(Some(Stamp::of("1"))), None);
        polls.answered(Some(Stamp::of("1")), &body("one"));
        polls
    }

    #[test]
    fn the_same_poll_gets_the_same_answer_however_often_it_comes() {
        let mut polls = polls();
        assert_eq!(polls.again(Some(Stamp::of("1"))), Some(body("one")));
        assert_eq!(polls.again(Some(Stamp::of("1"))), Some(body("one")));
    }

    #[test]
    fn the_next_poll_shows_that_an_answer_has_arrived() {
        let mut polls = polls();
        assert_eq!(polls.again(Some(Stamp::of("2"))), None);
        assert_eq!(polls.again(Some(Stamp::of("1"))), None);
    }

    #[test]
    fn who_says_nothing_or_always_the_same_repeats_nothing() {
        for t in [None, Some(Stamp::of("h"))] {
            let mut polls = polls();
            assert_eq!(polls.again(t), None);
            polls.answered(t, &body("two"));
            assert_eq!(polls.again(t), None);
        }
    }
}
