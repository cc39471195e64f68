//! What the kernel says a process has used: CPU time and resident memory.

use std::{fs, path::PathBuf, time::Duration};

use rustix::param::clock_ticks_per_second;

use crate::failure::Failure;

/// Reads `/proc` for one process.
pub(crate) struct Probe {
    folder: PathBuf,
}

/// Resident memory, in KiB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    pub(crate) rss_kib: f64,
    /// The part that is no file's: heap, stacks, data that was written to.
    pub(crate) anonymous_kib: f64,
}

impl Probe {
    pub(crate) fn of(pid: u32) -> Self {
        Self { folder: format!("/proc/{pid}").into() }
    }

    pub(crate) fn own() -> Self {
        Self { folder: "/proc/self".into() }
    }

    /// User and system time of all threads so far, in steps of the kernel's clock tick.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let path = self.folder.join("stat");
        let ticks = read(&path).map(|text| cpu_ticks(&text))?;
        let ticks = ticks.ok_or(Failure::ProbeField { field: "utime and stime", path })?;
        let tick = Duration::from_secs(1) / u32::try_from(clock_ticks_per_second()).unwrap_or(100);
        Ok(tick * ticks)
    }

    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        let path = self.folder.join("status");
        let text = read(&path)?;
        let field = |name| {
            field_kib(&text, name)
                .ok_or_else(|| Failure::ProbeField { field: name, path: path.clone() })
        };
        Ok(Memory { rss_kib: field("VmRSS:")?, anonymous_kib: field("RssAnon:")? })
    }
}

fn read(path: &PathBuf) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::Probe { path: path.clone(), source })
}

/// utime + stime, fields 14 and 15. The second field is the program's name in parentheses, which
/// may itself hold spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u32> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn field_kib(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_read_past_a_program_name_with_spaces_and_parentheses() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 17 25 0 0 20 0 3 0 12345 1 2";
        assert_eq!(cpu_ticks(stat), Some(42));
    }

    #[test]
    fn a_cut_off_stat_gives_nothing() {
        assert_eq!(cpu_ticks("42 (a) S 1 42"), None);
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn memory_is_the_number_before_its_unit() {
        let status = "Name:\tcarillon\nVmRSS:\t   10240 kB\nRssAnon:\t    2048 kB\n";
        assert_eq!(field_kib(status, "VmRSS:"), Some(10240.0));
        assert_eq!(field_kib(status, "RssAnon:"), Some(2048.0));
        assert_eq!(field_kib(status, "VmSwap:"), None);
    }

    #[test]
    fn a_process_can_read_itself() {
        assert!(Probe::own().memory().unwrap().rss_kib > 0.0);
        assert!(Probe::own().cpu().is_ok());
    }
}
