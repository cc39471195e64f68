//! What a queue held and nobody could use: what such a letter says, and those of the embedded queue, kept
//! in this process's memory for a person to look at. They do not outlive the process.

use std::{collections::VecDeque, fmt, sync::Arc, time::SystemTime};

use bytes::Bytes;
use notice::MessageError;
use parking_lot::Mutex;

/// One message that will never be usable as it stands.
#[derive(Clone)]
pub struct DeadLetter {
    /// As it was handed in.
    pub json: Bytes,
    /// One word of a closed list.
    pub reason: &'static str,
    pub error: String,
    /// How often it was tried.
    pub tries: u32,
    /// By which road it came: `stream`, `channel`, `list`, `http` or `embedded`.
    pub source: &'static str,
    /// The id of the stream's entry, where it was one.
    pub origin: Option<String>,
    pub handed_in: SystemTime,
}

/// The latest dead letters. Past either limit the oldest is let go.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    kept: Arc<Mutex<Kept>>,
    len_max: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Kept {
    /// Each under its number, which rises.
    letters: VecDeque<(u64, DeadLetter)>,
    numbers: u64,
    len_bytes: usize,
}

/// Why a letter is dead that could be read: the bus, the queue's entry, the tries.
const MORE_REASONS: [&str; 5] = ["full", "broken", "refused", "no_json", "tries"];

/// The word of the closed list that this is; `unknown` for one of another release.
pub(crate) fn reason_of(text: &str) -> &'static str {
    let known = MessageError::REASONS.iter().chain(&MORE_REASONS).find(|known| **known == text);
    known.copied().unwrap_or("unknown")
}

impl DeadLetters {
    pub(crate) fn new(len_max: usize, bytes_max: usize) -> Self {
        Self { kept: Arc::default(), len_max, bytes_max }
    }

    /// What is kept, oldest first.
    pub fn list(&self) -> Vec<DeadLetter> {
        self.kept.lock().letters.iter().map(|(_, letter)| letter.clone()).collect()
    }

    /// Up to `len_max` of them, newest first, each with its number; only those below `before`.
    pub(crate) fn page(&self, before: u64, len_max: usize) -> Vec<(u64, DeadLetter)> {
        let kept = self.kept.lock();
        let newest_first = kept.letters.iter().rev();
        newest_first.filter(|(number, _)| *number < before).take(len_max).cloned().collect()
    }

    pub(crate) fn get(&self, number: u64) -> Option<DeadLetter> {
        let kept = self.kept.lock();
        kept.letters.iter().find(|(of, _)| *of == number).map(|(_, letter)| letter.clone())
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.lock().letters.len()
    }

    /// Whether there was one of this number.
    pub(crate) fn remove(&self, number: u64) -> bool {
        let mut kept = self.kept.lock();
        let Some(at) = kept.letters.iter().position(|(of, _)| *of == number) else { return false };
        let removed = kept.letters.remove(at);
        kept.len_bytes -= removed.map_or(0, |(_, letter)| letter.json.len());
        true
    }

    pub(crate) fn keep(&self, letter: DeadLetter) {
        let mut kept = self.kept.lock();
        kept.len_bytes += letter.json.len();
        kept.numbers += 1;
        let number = kept.numbers;
        kept.letters.push_back((number, letter));
        while kept.letters.len() > self.len_max || kept.len_bytes > self.bytes_max {
            let Some((_, oldest)) = kept.letters.pop_front() else { return };
            kept.len_bytes -= oldest.json.len();
        }
    }
}

impl fmt::Debug for DeadLetter {
    // Payloads belong to users; logs get their size only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeadLetter({} bytes, {}, {} tries)", self.json.len(), self.reason, self.tries)
    }
}

#[cfg(test)]
mod tests {
    //! That only the latest are kept.

    use super::*;

    fn letter(json: &'static str) -> DeadLetter {
        DeadLetter {
            json: json.into(),
            reason: "json",
            error: "bad".to_owned(),
            tries: 1,
            source: "embedded",
            origin: None,
            handed_in: SystemTime::UNIX_EPOCH,
        }
    }

    fn kept(dead: &DeadLetters) -> Vec<Bytes> {
        dead.list().into_iter().map(|letter| letter.json).collect()
    }

    #[test]
    fn past_the_limit_of_letters_the_oldest_is_let_go() {
        let dead = DeadLetters::new(2, 100);
        for json in ["a", "b", "c"] {
            dead.keep(letter(json));
        }
        assert_eq!(kept(&dead), ["b", "c"]);
    }

    #[test]
    fn past_the_limit_of_bytes_the_oldest_is_let_go() {
        let dead = DeadLetters::new(10, 5);
        for json in ["aaa", "bbb", "cc"] {
            dead.keep(letter(json));
        }
        assert_eq!(kept(&dead), ["bbb", "cc"]);
        dead.keep(letter("too long to keep"));
        assert_eq!(kept(&dead), [""; 0]);
    }

    #[test]
    fn what_is_removed_makes_room_for_its_bytes() {
        let dead = DeadLetters::new(10, 5);
        dead.keep(letter("aaa"));
        assert!(dead.remove(1) && !dead.remove(1));
        dead.keep(letter("bbbbb"));
        assert_eq!(kept(&dead), ["bbbbb"]);
    }

    #[test]
    fn a_log_line_gets_the_size_only() {
        assert_eq!(format!("{:?}", letter("secret")), "DeadLetter(6 bytes, json, 1 tries)");
    }
}
