//! Commands as Redis takes them, answers as it gives them, and what an error means.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fred::{
    clients::{Client, WithOptions},
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::{
        ClusterHash, CustomCommand, Value,
        config::{Options, Server},
    },
};
use notice::Stamp;

/// One command whose key is its argument number `key_at`.
pub(super) async fn call<C: ClientLike>(
    client: &C,
    name: &'static str,
    key_at: usize,
    args: Vec<Value>,
) -> Result<Value, Error> {
    // In a cluster fred minds a slot here, but not the place of a key.
    let slot = ClusterHash::from(args.get(key_at).and_then(Value::as_bytes).unwrap_or_default());
    client.custom(CustomCommand::new_static(name, slot, false), args).await
}

/// The same for a command that Redis may answer up to `blocks` later than another.
pub(super) async fn blocking_call(
    client: &Client,
    (name, key_at): (&'static str, usize),
    args: Vec<Value>,
    blocks: Duration,
) -> Result<Value, Error> {
    let timeout = Some(blocks + client.perf_config().default_command_timeout);
    let patient = client.with_options(&Options { timeout, ..Options::default() });
    call(&patient, name, key_at, args).await
}

/// A client that speaks to this primary only, where there are several.
pub(super) fn at(client: &Client, server: Option<Server>) -> WithOptions<Client> {
    client.with_options(&Options { cluster_node: server, ..Options::default() })
}

/// A script with its keys and arguments. Handed over whole: none of them runs often enough for a name.
pub(super) async fn run(
    client: &Client,
    script: &'static str,
    keys: &[String],
    args: &[String],
) -> Result<Value, Error> {
    let mut all = vec![Value::from_static_str(script), keys.len().to_string().into()];
    all.extend(keys.iter().chain(args).map(|word| Value::from(word.as_str())));
    call(client, "EVAL", 2, all).await
}

/// Words, none of which is a payload.
pub(super) fn words<const N: usize>(words: [&str; N]) -> Vec<Value> {
    words.into_iter().map(Value::from).collect()
}

/// An entry of a stream: its id and its fields; no fields where it was deleted meanwhile.
#[derive(Debug)]
pub(super) struct RawEntry {
    pub(super) id: Stamp,
    pub(super) fields: Vec<(Bytes, Bytes)>,
}

/// The entries of one stream, out of the answer to a read of several.
pub(super) fn entries_of_read(answer: Value) -> Vec<RawEntry> {
    let streams = match answer {
        Value::Map(map) => map.inner().into_values().collect(),
        Value::Array(streams) => streams.into_iter().filter_map(second).collect(),
        _ => Vec::new(),
    };
    streams.into_iter().flat_map(entries).collect()
}

/// The entries out of an array of them.
pub(super) fn entries(answer: Value) -> Vec<RawEntry> {
    let Value::Array(entries) = answer else { return Vec::new() };
    entries.into_iter().filter_map(entry).collect()
}

fn entry(entry: Value) -> Option<RawEntry> {
    let mut parts = array(entry).into_iter();
    let id = id_of(&parts.next()?.as_str()?)?;
    let mut fields = Vec::new();
    let mut flat = parts.next().map_or_else(Vec::new, array).into_iter();
    while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
        fields
            .push((name.into_bytes().unwrap_or_default(), value.into_bytes().unwrap_or_default()));
    }
    Some(RawEntry { id, fields })
}

/// An array's values; none of anything else.
pub(super) fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

/// The first values of an array, nulls where it has fewer.
pub(super) fn parts<const N: usize>(value: Value) -> [Value; N] {
    let mut values = array(value).into_iter();
    std::array::from_fn(|_| values.next().unwrap_or(Value::Null))
}

fn second(pair: Value) -> Option<Value> {
    array(pair).into_iter().nth(1)
}

pub(super) fn id_of(text: &str) -> Option<Stamp> {
    let (millis, count) = text.split_once('-')?;
    Some(Stamp { millis: millis.parse().ok()?, count: count.parse().ok()? })
}

pub(super) fn text_of(id: Stamp) -> String {
    format!("{}-{}", id.millis, id.count)
}

/// The time that an id tells; now, where it tells none that there can be.
pub(super) fn time_of(id: Stamp) -> SystemTime {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(id.millis));
    time.unwrap_or_else(SystemTime::now)
}

pub(super) fn millis(time: Duration) -> String {
    time.as_millis().max(1).to_string()
}

/// Whether the group is not there, or went while we waited for its next entry.
pub(super) fn is_groupless(error: &Error) -> bool {
    ["NOGROUP", "UNBLOCKED"].iter().any(|code| error.details().starts_with(code))
}

/// What Redis says if it will say the same until a person has mended it.
pub(super) fn lasting(error: &Error) -> Option<String> {
    let details = error.details();
    let hint = match details.split(' ').next().unwrap_or_default() {
        "WRONGTYPE" => {
            "a key under our prefix is somebody else's: move it, or choose another prefix"
        }
        "NOPERM" => "let the user run @stream, @list and @scripting on every key of the prefix",
        "ERR" if *error.kind() == ErrorKind::Unknown => "is it Redis 7.0 or newer?",
        _ => return None,
    };
    Some(format!("{details} (hint: {hint})"))
}
