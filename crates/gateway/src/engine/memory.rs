//! How much the process has in memory, looked at now and then.

use std::{fs, io, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Tells the doors and the metrics, until `stop`. A system that does not say it has no such limit.
pub(crate) async fn weigh(shared: &Shared, stop: CancellationToken) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        let Ok(bytes) = resident_bytes() else { return };
        shared.doors.weigh(bytes);
        shared.events.weighs(bytes);
        shared.events.holds(shared.hub.held());
    }
}

fn resident_bytes() -> io::Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    resident_of(&status).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The line `VmRSS:     12345 kB` of proc(5).
fn resident_of(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_read() {
        assert_eq!(resident_of("Name:\tcarillon\nVmRSS:\t   12 kB\nThreads: 1\n"), Some(12 * 1024));
        assert_eq!(resident_of("Name:\tcarillon\n"), None);
        assert_eq!(resident_of("VmRSS:\tmuch kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_something_in_memory() {
        assert!(resident_bytes().unwrap() > 100 * 1024);
    }
}
