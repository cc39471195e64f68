//! One copy after another of a folder, and how each ends.

use crate::demo::message;

/// What every copy of one place in the demo does.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) source: &'static str,
    pub(super) destination: &'static str,
    pub(super) files: &'static [File],
    ending: Ending,
    /// Ticks before the first copy begins, so that the copies overlap and do not march in step.
    lead_ticks: u32,
}

#[derive(Debug)]
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) size_bytes: u64,
    pub(super) mime: &'static str,
}

/// How a copy ends.
#[derive(Debug)]
enum Ending {
    Complete,
    /// No room is left at this file.
    Full {
        at_file: usize,
    },
    /// The user cancels in this file once this percentage is reached.
    Cancelled {
        at_file: usize,
        percent: u32,
    },
}

/// One place in the demo: a copy under way, or the pause before the next.
#[derive(Debug)]
pub(super) struct Copying {
    script: &'static Script,
    state: State,
}

#[derive(Debug)]
enum State {
    Pausing { ticks_left: u32 },
    File { identity: String, done: usize, tick: u32 },
}

/// What a tick copies, and how long a file takes at least and at most.
const TICK_BYTES: u64 = 4_000_000;
const FILE_TICKS_MIN: u64 = 3;
const FILE_TICKS_MAX: u64 = 24;
/// The pause between two copies.
const PAUSE_TICKS: u32 = 24;

impl Copying {
    pub(super) fn new(script: &'static Script) -> Self {
        Self { script, state: State::Pausing { ticks_left: script.lead_ticks } }
    }

    /// Goes on for one tick; the message to hand in, if there is something to tell.
    pub(super) fn tick(&mut self) -> Option<Vec<u8>> {
        match &mut self.state {
            State::Pausing { ticks_left: 0 } => {
                self.state = State::File { identity: fresh_identity(), done: 0, tick: 0 };
                self.tick()
            }
            State::Pausing { ticks_left } => {
                *ticks_left -= 1;
                None
            }
            State::File { .. } => Some(self.copy()),
        }
    }

    fn copy(&mut self) -> Vec<u8> {
        let pause = State::Pausing { ticks_left: PAUSE_TICKS };
        let script = self.script;
        let State::File { identity, done, tick } = std::mem::replace(&mut self.state, pause) else {
            unreachable!("only a copy under way goes on")
        };
        let Some(file) = script.files.get(done) else {
            return message::complete(script, &identity);
        };
        let ticks = file.ticks();
        let percent = tick * 100 / ticks;
        match script.ending {
            Ending::Full { at_file } if done == at_file => {
                return message::full(script, &identity, done);
            }
            Ending::Cancelled { at_file, percent: last } if done == at_file && percent >= last => {
                return message::cancelled(script, &identity, done, percent);
            }
            _ => {}
        }
        let told = message::progress(script, &identity, done, percent);
        let (done, tick) = if tick == ticks { (done + 1, 0) } else { (done, tick + 1) };
        self.state = State::File { identity, done, tick };
        told
    }
}

impl File {
    fn ticks(&self) -> u32 {
        let ticks = (self.size_bytes / TICK_BYTES).clamp(FILE_TICKS_MIN, FILE_TICKS_MAX);
        u32::try_from(ticks).expect("clamped to a small number")
    }
}

/// `copy_<20 characters>_5`, as the worker names its tasks.
fn fresh_identity() -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let mut bits = rand::random::<u128>();
    let mut digits = String::from("copy_");
    for _ in 0..20 {
        digits.push(char::from(DIGITS[(bits & 31) as usize]));
        bits >>= 5;
    }
    digits.push_str("_5");
    digits
}

const fn file(name: &'static str, size_bytes: u64, mime: &'static str) -> File {
    File { name, size_bytes, mime }
}

const VIDEO: &str = "video/mp4";
const IMAGE: &str = "image/jpeg";

/// The places of the demo.
pub(super) const SCRIPTS: &[Script] = &[
    Script {
        source: "55555",
        destination: "4444",
        files: &[
            file("july.mp4", 13_583_667, VIDEO),
            file("august.mp4", 48_211_004, VIDEO),
            file("beach at dawn.jpg", 4_120_377, IMAGE),
            file("七月的海.mp4", 61_907_120, VIDEO),
            file("notes.pdf", 912_334, "application/pdf"),
        ],
        ending: Ending::Complete,
        lead_ticks: 0,
    },
    Script {
        source: "Holiday 2020",
        destination: "Archive",
        files: &[
            file("🎉 party.jpg", 3_310_992, IMAGE),
            file("harbour.jpg", 5_870_118, IMAGE),
            file("old town.mp4", 88_450_712, VIDEO),
        ],
        ending: Ending::Complete,
        lead_ticks: 7,
    },
    Script {
        source: "Raw footage",
        destination: "Stick",
        files: &[
            file("take 1.mov", 52_428_800, "video/quicktime"),
            file("take 2.mov", 73_400_320, "video/quicktime"),
            file("take 3.mov", 94_371_840, "video/quicktime"),
        ],
        ending: Ending::Full { at_file: 2 },
        lead_ticks: 13,
    },
    Script {
        source: "Podcasts",
        destination: "4444",
        files: &[
            file("episode 12.mp3", 31_457_280, "audio/mpeg"),
            file("episode 13.mp3", 83_886_080, "audio/mpeg"),
        ],
        ending: Ending::Cancelled { at_file: 1, percent: 80 },
        lead_ticks: 21,
    },
];

#[cfg(test)]
mod tests {
    //! That each place does what its script says, again and again, under new names.

    use std::collections::HashSet;

    use ingest::{Explanation, explain};
    use notice::{Kind, StatusTable};
    use serde_json::Value;

    use super::*;

    /// All messages of this many ticks.
    fn play(script: &'static Script, ticks: usize) -> Vec<Value> {
        let mut copying = Copying::new(script);
        (0..ticks)
            .filter_map(|_| copying.tick())
            .map(|message| serde_json::from_slice(&message).unwrap())
            .collect()
    }

    fn ends(script: &'static Script) -> Vec<String> {
        let messages = play(script, 400);
        let explain = |message: &Value| match explain(
            message.to_string().as_bytes(),
            &StatusTable::default(),
        ) {
            Explanation::Becomes { event: Some(event), kind: Kind::Final { .. }, .. } => {
                Some(event.to_string())
            }
            Explanation::Becomes { .. } => None,
            Explanation::Refused { error, .. } => panic!("{error}"),
        };
        messages.iter().filter_map(explain).collect()
    }

    #[test]
    fn all_ends_are_seen_and_every_message_is_taken() {
        let ends: Vec<HashSet<_>> =
            SCRIPTS.iter().map(|script| ends(script).into_iter().collect()).collect();
        let only = |event: &str| HashSet::from([event.to_owned()]);
        let complete = only("file.complete");
        assert_eq!(ends, [complete.clone(), complete, only("file.error"), only("file.cancel")]);
    }

    #[test]
    fn a_place_goes_on_for_ever_under_fresh_identities() {
        let messages = play(&SCRIPTS[1], 1000);
        let identities: HashSet<_> = messages.iter().map(|it| it["identity"].to_string()).collect();
        assert!(identities.len() >= 5, "{identities:?}");
    }

    #[test]
    fn each_file_goes_from_nothing_to_all_of_it() {
        let files = SCRIPTS[0].files.len();
        let messages = play(&SCRIPTS[0], 400);
        let first = &messages[0]["identity"];
        let of_first = messages.iter().filter(|message| &message["identity"] == first);
        let percents: Vec<_> = of_first
            .filter_map(|it| Some((it["count"].as_u64()?, it["progress"].as_u64()?)))
            .collect();
        for done in 0..files as u64 {
            let percents: Vec<_> =
                percents.iter().filter(|it| it.0 == done).map(|it| it.1).collect();
            assert!(
                percents.is_sorted() && percents[0] == 0 && percents.ends_with(&[100]),
                "{percents:?}"
            );
        }
    }
}
