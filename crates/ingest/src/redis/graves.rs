//! The stream of dead letters: how a letter is written there, and how it is read back.

use std::time::{Duration, SystemTime};

use fred::{clients::Client, error::Error, types::Value};

use crate::{
    dead_letters::{DeadLetter, reason_of},
    events,
    metrics::{Metrics, Road},
    redis::wire::{RawEntry, call},
};

/// Letters kept; past it the oldest go, some later than they might.
const LETTERS_MAX: &str = "100000";

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
    args.extend(["json".into(), Value::Bytes(letter.json.clone())]);
    args.extend(["reason", letter.reason, "error", letter.error.as_str()].map(Value::from));
    args.extend(["tries".into(), letter.tries.to_string().into()]);
    args.extend(["source", letter.source, "id"].map(Value::from));
    args.extend([letter.origin.as_deref().unwrap_or_default().into(), "at".into()]);
    args.push(at.as_millis().to_string().into());
    args
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
