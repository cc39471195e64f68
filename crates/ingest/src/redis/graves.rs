//! The stream of dead letters: how a letter is written there, and how it is read back.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use fred::{clients::Client, error::Error, types::Value};

use crate::{
    dead_letters::{DeadLetter, reason_of},
    events,
    metrics::{Metrics, Road},
    redis::{
        ticket::NO_JSON,
        wire::{RawEntry, call},
    },
};

/// Letters kept; past it the oldest go, some later than they might.
const LETTERS_MAX: &str = "100000";

/// The longest message that a letter keeps whole: what is longer was never one, and is of use only to see
/// where it came from.
const KEPT_WHOLE_BYTES_MAX: usize = notice::PAYLOAD_BYTES_MAX;
/// What a letter keeps of a longer one, or of an entry that holds no message.
const KEPT_BYTES: usize = 8 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Graves {
    pub(super) client: Client,
    pub(super) key: String,
    pub(super) metrics: Metrics,
}

impl Graves {
    /// Writes them in one trip, and says of each whether it is there.
    pub(super) async fn bury(&self, letters: &[DeadLetter]) -> Vec<Result<(), Error>> {
        let pipeline = self.client.pipeline();
        for letter in letters {
            if let Err(error) = call(&pipeline, "XADD", 0, written(&self.key, letter)).await {
                return vec![Err(error)];
            }
        }
        let answers: Vec<Result<Value, Error>> = pipeline.try_all().await;
        for (letter, _) in letters.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()) {
            events::dead_lettered(&self.metrics, letter);
        }
        answers.into_iter().map(|answer| answer.map(drop)).collect()
    }
}

fn written(key: &str, letter: &DeadLetter) -> Vec<Value> {
    let at = letter.handed_in.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let mut args: Vec<Value> = [key, "MAXLEN", "~", LETTERS_MAX, "*"].map(Value::from).into();
    let (json, error) = kept(letter);
    args.extend(["json".into(), Value::Bytes(json)]);
    args.extend(["reason", letter.reason, "error", &*error].map(Value::from));
    args.extend(["tries".into(), letter.tries.to_string().into()]);
    args.extend(["source", letter.source, "id"].map(Value::from));
    args.extend([letter.origin.as_deref().unwrap_or_default().into(), "at".into()]);
    args.push(at.as_millis().to_string().into());
    args
}

/// As much of the message as is kept, and the error, which says so where that is not all.
fn kept(letter: &DeadLetter) -> (Bytes, Cow<'_, str>) {
    let DeadLetter { json, error, reason, .. } = letter;
    let is_message = *reason != NO_JSON && json.len() <= KEPT_WHOLE_BYTES_MAX;
    if is_message || json.len() <= KEPT_BYTES {
        return (json.clone(), error.into());
    }
    // A text stays one; of other bytes any will do.
    let len = str::from_utf8(json).map_or(KEPT_BYTES, |text| text.floor_char_boundary(KEPT_BYTES));
    let error = format!("{error}; cut: of its {} bytes the letter keeps {len}", json.len());
    (json.slice(..len), error.into())
}

/// Reads back what [`Graves::bury`] wrote. What another hand wrote there is shown as far as it goes.
pub(super) fn letter(entry: &RawEntry) -> DeadLetter {
    let field = |name: &str| entry.fields.iter().find(|(of, _)| of == name).map(|(_, value)| value);
    let text = |name| {
        field(name).map_or_else(String::new, |value| String::from_utf8_lossy(value).into_owned())
    };
    let at = Duration::from_millis(text("at").parse().unwrap_or_default());
    DeadLetter {
        json: field("json").cloned().unwrap_or_default(),
        reason: reason_of(&text("reason")),
        error: text("error"),
        tries: text("tries").parse().unwrap_or_default(),
        source: Road::of_label(&text("source")).map_or("unknown", Road::label),
        origin: Some(text("id")).filter(|id| !id.is_empty()),
        handed_in: SystemTime::UNIX_EPOCH.checked_add(at).unwrap_or(SystemTime::UNIX_EPOCH),
    }
}
