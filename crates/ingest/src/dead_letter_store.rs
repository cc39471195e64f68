//! The dead letters as a person meets them, wherever they are kept: looked through, handed in again, let
//! go.

use adapter::{ConnectError, RedisConfig};
use notice::Stamp;
use thiserror::Error;

use crate::{
    dead_letters::{DeadLetter, DeadLetters},
    feed::Feed,
    redis::RedisLetters,
};

/// What could not be used, and what may become of it. Clones are the same.
#[derive(Clone, Debug)]
pub struct DeadLetterStore(Kept);

#[derive(Clone, Debug)]
enum Kept {
    InMemory { letters: DeadLetters, feed: Feed },
    InRedis(RedisLetters),
}

/// Names a letter for as long as it is kept. Written `<number>-<number>`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct DeadLetterId(Stamp);

/// One letter, or all that there are.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    One(DeadLetterId),
    All,
}

/// What was asked could not be done, or only a part of it.
#[derive(Clone, Debug, Error)]
pub enum DeadLetterError {
    #[error("ask for the dead letters: {reason}")]
    Unreachable { reason: String },
    #[error("hand in a dead letter: the queue has stopped")]
    Stopped,
}

impl DeadLetterStore {
    /// Those of an embedded queue, handed in again by its feed.
    pub fn in_memory(letters: DeadLetters, feed: Feed) -> Self {
        Self(Kept::InMemory { letters, feed })
    }

    /// Those in Redis, over a connection of its own.
    pub async fn connect(config: &RedisConfig) -> Result<Self, ConnectError> {
        let client = config.open().await?;
        Ok(Self(Kept::InRedis(RedisLetters::new(client, &config.prefix))))
    }

    /// Up to `len_max` of them, newest first; only those older than `before`.
    pub async fn list(
        &self,
        before: Option<DeadLetterId>,
        len_max: usize,
    ) -> Result<Vec<(DeadLetterId, DeadLetter)>, DeadLetterError> {
        match &self.0 {
            Kept::InMemory { letters, .. } => {
                let before = before.map_or(u64::MAX, |DeadLetterId(id)| id.millis);
                let page = letters.page(before, len_max).into_iter();
                Ok(page.map(|(number, letter)| (numbered(number), letter)).collect())
            }
            Kept::InRedis(letters) => {
                let page = letters.page(before.map(|DeadLetterId(id)| id), len_max).await?;
                Ok(page.into_iter().map(|(id, letter)| (DeadLetterId(id), letter)).collect())
            }
        }
    }

    pub async fn count(&self) -> Result<usize, DeadLetterError> {
        match &self.0 {
            Kept::InMemory { letters, .. } => Ok(letters.len()),
            Kept::InRedis(letters) => Ok(letters.count().await?),
        }
    }

    /// Hands letters in again, as new messages, and says how many. Of all, those that were there when it
    /// began. At least once: cut off in the middle, one may be handed in and still be a dead letter.
    pub async fn replay(&self, which: Which) -> Result<usize, DeadLetterError> {
        match (&self.0, which) {
            (Kept::InMemory { letters, feed }, which) => replay(letters, feed, which).await,
            (Kept::InRedis(letters), Which::One(id)) => Ok(letters.replay_one(id.0).await?),
            (Kept::InRedis(letters), Which::All) => Ok(letters.replay_all().await?),
        }
    }

    /// Lets letters go for good, and says how many.
    pub async fn discard(&self, which: Which) -> Result<usize, DeadLetterError> {
        match (&self.0, which) {
            (Kept::InMemory { letters, .. }, which) => {
                let numbers = numbers(letters, which);
                Ok(numbers.into_iter().filter(|number| letters.remove(*number)).count())
            }
            (Kept::InRedis(letters), Which::One(id)) => Ok(letters.drop_one(id.0).await?),
            (Kept::InRedis(letters), Which::All) => Ok(letters.drop_all().await?),
        }
    }

    /// Ends its connection, if it has one.
    pub async fn close(self) {
        if let Kept::InRedis(letters) = self.0 {
            letters.close().await;
        }
    }
}

async fn replay(
    letters: &DeadLetters,
    feed: &Feed,
    which: Which,
) -> Result<usize, DeadLetterError> {
    let mut replayed = 0;
    for number in numbers(letters, which) {
        let Some(letter) = letters.get(number) else { continue };
        feed.push(letter.json).await.map_err(|_closed| DeadLetterError::Stopped)?;
        letters.remove(number);
        replayed += 1;
    }
    Ok(replayed)
}

/// Oldest first.
fn numbers(letters: &DeadLetters, which: Which) -> Vec<u64> {
    match which {
        Which::One(DeadLetterId(id)) => vec![id.millis],
        Which::All => {
            let newest_first = letters.page(u64::MAX, usize::MAX);
            newest_first.into_iter().rev().map(|(number, _)| number).collect()
        }
    }
}

fn numbered(number: u64) -> DeadLetterId {
    DeadLetterId(Stamp { millis: number, count: 0 })
}

impl std::fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0.millis, self.0.count)
    }
}

impl std::str::FromStr for DeadLetterId {
    type Err = DeadLetterIdError;

    fn from_str(text: &str) -> Result<Self, DeadLetterIdError> {
        let read = || {
            let (millis, count) = text.split_once('-')?;
            Some(Stamp { millis: millis.parse().ok()?, count: count.parse().ok()? })
        };
        read().map(Self).ok_or_else(|| DeadLetterIdError { text: text.to_owned() })
    }
}

/// The text names no letter.
#[derive(Clone, Debug, Error)]
#[error("read dead letter id {text:?}: expected a form like \"1700000000000-0\"")]
pub struct DeadLetterIdError {
    text: String,
}

impl From<fred::error::Error> for DeadLetterError {
    fn from(error: fred::error::Error) -> Self {
        Self::Unreachable { reason: error.details().to_owned() }
    }
}
