//! What a queue held and nobody could use, kept in this process's memory for a person to look at.
//! It does not outlive the process.

use std::{collections::VecDeque, fmt, sync::Arc, time::SystemTime};

use bytes::Bytes;
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
    letters: VecDeque<DeadLetter>,
    len_bytes: usize,
}

impl DeadLetters {
    pub(crate) fn new(len_max: usize, bytes_max: usize) -> Self {
        Self { kept: Arc::default(), len_max, bytes_max }
    }

    /// What is kept, oldest first.
    pub fn list(&self) -> Vec<DeadLetter> {
        self.kept.lock().letters.iter().cloned().collect()
    }

    pub(crate) fn keep(&self, letter: DeadLetter) {
        let mut kept = self.kept.lock();
        kept.len_bytes += letter.json.len();
        kept.letters.push_back(letter);
        while kept.letters.len() > self.len_max || kept.len_bytes > self.bytes_max {
            let Some(oldest) = kept.letters.pop_front() else { return };
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
        let (error, handed_in) = ("bad".to_owned(), SystemTime::UNIX_EPOCH);
        DeadLetter { json: json.into(), reason: "json", error, tries: 1, handed_in }
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
    fn a_log_line_gets_the_size_only() {
        assert_eq!(format!("{:?}", letter("secret")), "DeadLetter(6 bytes, json, 1 tries)");
    }
}
