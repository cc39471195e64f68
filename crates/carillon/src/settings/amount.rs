//! How amounts are written: durations (`25s`, `1h 30m`) and sizes (`256KiB`, `1MB`, `4096`).

use std::time::Duration;

/// Reads a duration longer than nothing.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration =
        humantime::parse_duration(text).map_err(|error| format!("is no duration: {error}"))?;
    if duration.is_zero() { Err("is no time at all".to_owned()) } else { Ok(duration) }
}

/// Reads a duration, which may be nothing.
pub(super) fn duration_or_none(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("is no duration: {error}"))
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "is neither true nor false".to_owned())
}

/// Reads a duration of a second or more: for what a short pause of the machine must not count as over.
pub(crate) fn lasting(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration >= Duration::from_secs(1) {
        Ok(duration)
    } else {
        Err("is shorter than 1s".to_owned())
    }
}

/// So short that nobody waits for a dead node's members, so long that renewing costs next to nothing.
pub(super) fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text)?;
    let fits = (Duration::from_secs(1)..=Duration::from_secs(15)).contains(&lease);
    if fits { Ok(lease) } else { Err("is not between 1s and 15s".to_owned()) }
}

/// Reads a size in bytes, more than none.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_bytes: usize = match unit.trim() {
        "" | "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("is no size in bytes, KB, MB, GB, KiB, MiB or GiB".to_owned()),
    };
    let number = count(number)?;
    number.checked_mul(unit_bytes).ok_or_else(|| "is too large".to_owned())
}

/// Reads a whole number, none included.
pub(super) fn count_or_none(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "is no whole number".to_owned())
}

/// Reads a whole number, one or more.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("is none at all".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("is no whole number".to_owned()),
    }
}

/// Reads a whole number, one or more, that fits 32 bits.
pub(super) fn rate(text: &str) -> Result<u32, String> {
    u32::try_from(count(text)?).map_err(|_| "is too large".to_owned())
}
