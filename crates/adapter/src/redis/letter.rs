//! A question or an answer as it crosses between nodes: a header of JSON, a line end, and the bytes that
//! were handed in. Nobody but this project's own nodes reads it.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use notice::NodeId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::asking::Said;

/// Nodes of one cluster may be of two releases while one replaces the other.
const VERSION: u8 = 1;

#[derive(Debug)]
pub(super) enum Letter {
    Question { from: NodeId, id: u64, wait: Duration, question: Bytes },
    Answer { from: NodeId, id: u64, said: Said },
}

#[derive(Clone, Debug, Error)]
pub(super) enum LetterError {
    #[error("read letter: it has no header")]
    NoHeader,
    #[error("read letter: version {found}, and {VERSION} is known")]
    Version { found: u8 },
    #[error("read letter: {0}")]
    Header(String),
}

#[derive(Deserialize, Serialize)]
struct Header {
    v: u8,
    from: String,
    id: u64,
    is: Is,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Is {
    Question { wait_ms: u64 },
    Answer,
    Busy,
    TooLarge,
    Deaf,
}

impl Letter {
    pub(super) fn seal(self) -> Bytes {
        let none = Bytes::new();
        let (from, id, is, bytes) = match self {
            Self::Question { from, id, wait, question } => {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                (from, id, Is::Question { wait_ms }, question)
            }
            Self::Answer { from, id, said: Said::Answer(answer) } => (from, id, Is::Answer, answer),
            Self::Answer { from, id, said: Said::Busy } => (from, id, Is::Busy, none),
            Self::Answer { from, id, said: Said::TooLarge } => (from, id, Is::TooLarge, none),
            Self::Answer { from, id, said: Said::Deaf } => (from, id, Is::Deaf, none),
        };
        let header = Header { v: VERSION, from: from.as_str().to_owned(), id, is };
        let header = serde_json::to_vec(&header).expect("texts and numbers are JSON");
        let mut sealed = BytesMut::with_capacity(header.len() + 1 + bytes.len());
        sealed.put_slice(&header);
        sealed.put_u8(b'\n');
        sealed.put_slice(&bytes);
        sealed.freeze()
    }

    pub(super) fn open(mut bytes: Bytes) -> Result<Self, LetterError> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(LetterError::NoHeader)?;
        let header = bytes.split_to(end);
        let bytes = bytes.slice(1..);
        let odd = |error: serde_json::Error| LetterError::Header(error.to_string());
        let version: Version = serde_json::from_slice(&header).map_err(odd)?;
        if version.v != VERSION {
            return Err(LetterError::Version { found: version.v });
        }
        let Header { from, id, is, v: _ } = serde_json::from_slice(&header).map_err(odd)?;
        let from = NodeId::new(&from).map_err(|error| LetterError::Header(error.to_string()))?;
        let said = match is {
            Is::Question { wait_ms } => {
                let wait = Duration::from_millis(wait_ms);
                return Ok(Self::Question { from, id, wait, question: bytes });
            }
            Is::Answer => Said::Answer(bytes),
            Is::Busy => Said::Busy,
            Is::TooLarge => Said::TooLarge,
            Is::Deaf => Said::Deaf,
        };
        Ok(Self::Answer { from, id, said })
    }
}

/// Read first: a later header may have another form.
#[derive(Deserialize)]
struct Version {
    v: u8,
}

#[cfg(test)]
mod tests {
    //! That letters come out as they went in, and nothing else does.

    use super::*;

    fn node() -> NodeId {
        NodeId::new("node \u{e9}").unwrap()
    }

    #[test]
    fn a_question_comes_out_as_it_went_in() {
        let question = Bytes::from_static(b"a\nb\0");
        let wait = Duration::from_millis(1500);
        let sealed = Letter::Question { from: node(), id: u64::MAX, wait, question }.seal();
        let Ok(Letter::Question { from, id, wait, question }) = Letter::open(sealed) else {
            panic!("it is a question");
        };
        assert_eq!((from, id, wait.as_millis()), (node(), u64::MAX, 1500));
        assert_eq!(question, &b"a\nb\0"[..]);
    }

    #[test]
    fn every_answer_comes_out_as_it_went_in() {
        let answers = [Said::Answer(Bytes::new()), Said::Busy, Said::TooLarge, Said::Deaf];
        for said in answers {
            let expected = format!("{said:?}");
            let sealed = Letter::Answer { from: node(), id: 7, said }.seal();
            let Ok(Letter::Answer { said, id: 7, .. }) = Letter::open(sealed) else {
                panic!("it is an answer");
            };
            assert_eq!(format!("{said:?}"), expected);
        }
    }

    #[test]
    fn what_is_no_letter_of_this_form_is_refused_by_its_fault() {
        let open = |text: &'static str| Letter::open(Bytes::from_static(text.as_bytes()));
        assert!(matches!(open(""), Err(LetterError::NoHeader)));
        assert!(matches!(open("{\"v\":2,\"new\":1}\n"), Err(LetterError::Version { found: 2 })));
        assert!(matches!(open("{\"v\":1}\n"), Err(LetterError::Header(_))));
        assert!(matches!(open("\n\n"), Err(LetterError::Header(_))));
    }
}
