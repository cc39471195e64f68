//! What the backend said a moment ago, so that a page with five sockets asks once.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{denial::Denial, grant::Grant};

/// How many answers are kept. When all are fresh, no further one is.
const ANSWERS_MAX: usize = 4096;
/// A larger question is asked each time.
const QUESTION_BYTES_MAX: usize = 4096;

/// Answers by the whole question, so that no two clients can be taken for one.
#[derive(Debug)]
pub(crate) struct Cache {
    keep: Duration,
    answers: Mutex<HashMap<Bytes, (Instant, Answer)>>,
}

pub(crate) type Answer = Arc<Result<Grant, Denial>>;

impl Cache {
    pub(crate) fn new(keep: Duration) -> Self {
        Self { keep, answers: Mutex::default() }
    }

    pub(crate) fn get(&self, question: &Bytes) -> Option<Answer> {
        let answers = self.answers.lock();
        let (until, answer) = answers.get(question)?;
        (*until > Instant::now()).then(|| Arc::clone(answer))
    }

    pub(crate) fn put(&self, question: Bytes, answer: &Answer) {
        if self.keep.is_zero() || question.len() > QUESTION_BYTES_MAX {
            return;
        }
        let now = Instant::now();
        let mut answers = self.answers.lock();
        if answers.len() >= ANSWERS_MAX {
            answers.retain(|_, (until, _)| *until > now);
        }
        if answers.len() < ANSWERS_MAX {
            answers.insert(question, (now + self.keep, Arc::clone(answer)));
        }
    }
}

#[cfg(test)]
mod tests {
    //! What is kept, and for how long.

    use super::*;

    fn no() -> Answer {
        Arc::new(Err(Denial::NoToken))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_its_time_and_no_longer() {
        let cache = Cache::new(Duration::from_secs(5));
        cache.put("question".into(), &no());
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(cache.get(&"question".into()).is_some());
        assert!(cache.get(&"another".into()).is_none());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(cache.get(&"question".into()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn when_full_of_what_is_fresh_it_takes_no_more_and_old_ones_make_room() {
        let cache = Cache::new(Duration::from_secs(5));
        for number in 0..ANSWERS_MAX {
            cache.put(number.to_string().into(), &no());
        }
        cache.put("further".into(), &no());
        assert!(cache.get(&"further".into()).is_none());
        tokio::time::advance(Duration::from_secs(6)).await;
        cache.put("further".into(), &no());
        assert!(cache.get(&"further".into()).is_some());
        assert_eq!(cache.answers.lock().len(), 1);
    }

    #[test]
    fn a_large_question_and_a_time_of_nothing_are_not_kept() {
        let cache = Cache::new(Duration::ZERO);
        cache.put("question".into(), &no());
        assert!(cache.get(&"question".into()).is_none());
        let cache = Cache::new(Duration::from_secs(5));
        let large = Bytes::from(vec![b'x'; QUESTION_BYTES_MAX + 1]);
        cache.put(large.clone(), &no());
        assert!(cache.get(&large).is_none());
    }
}
