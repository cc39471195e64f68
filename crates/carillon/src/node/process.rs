//! The process's own figures, under the names that every Prometheus knows. Read when they are asked for.

use std::{fs, time::SystemTime};

use prometheus::{Counter, Gauge, Registry, core::Collector};
use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

/// Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Process {
    cpu_seconds: Counter,
    open_fds: Gauge,
    max_fds: Gauge,
    resident_bytes: Gauge,
    virtual_bytes: Gauge,
    threads: Gauge,
}

impl Process {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name, help| registered(registry, Gauge::new(name, help)?);
        let cpu = Counter::new("process_cpu_seconds_total", "CPU time of the process.")?;
        let started = gauge("process_start_time_seconds", "When the process began, Unix time.")?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        started.set(now.as_secs_f64());
        Ok(Self {
            cpu_seconds: registered(registry, cpu)?,
            open_fds: gauge("process_open_fds", "Open files.")?,
            max_fds: gauge("process_max_fds", "Files that may be open.")?,
            resident_bytes: gauge("process_resident_memory_bytes", "What it has in memory.")?,
            virtual_bytes: gauge("process_virtual_memory_bytes", "Its address space.")?,
            threads: gauge("process_threads", "Its threads.")?,
        })
    }

    /// What cannot be read here stays as it was.
    #[expect(clippy::cast_precision_loss, reason = "a figure of that size need not be exact")]
    pub(super) fn look(&self) {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let seconds = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
        // Two who look at once may count too much, for which the next looks make up.
        self.cpu_seconds.inc_by((seconds - self.cpu_seconds.get()).max(0.0));
        if let Some(limit) = getrlimit(Resource::Nofile).current {
            self.max_fds.set(limit as f64);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is what they are counted by.
            self.open_fds.set(files.count().saturating_sub(1) as f64);
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let figures = [
            ("VmRSS:", 1024.0, &self.resident_bytes),
            ("VmSize:", 1024.0, &self.virtual_bytes),
            ("Threads:", 1.0, &self.threads),
        ];
        for (name, unit, gauge) in figures {
            if let Some(figure) = figure(&status, name) {
                gauge.set(figure * unit);
            }
        }
    }
}

/// Of a line such as `VmRSS:     12345 kB` of proc(5).
fn figure(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn registered<T: Collector + Clone + 'static>(
    registry: &Registry,
    metric: T,
) -> Result<T, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    //! That there is something to see.

    use super::*;

    #[test]
    fn a_process_sees_its_files_its_memory_and_its_time() {
        let process = Process::new(&Registry::new()).unwrap();
        process.look();
        let Process { cpu_seconds, open_fds, max_fds, resident_bytes, threads, .. } = process;
        assert!(cpu_seconds.get() > 0.0 && threads.get() >= 1.0);
        assert!(open_fds.get() >= 1.0 && open_fds.get() < max_fds.get());
        assert!(resident_bytes.get() > 1e6);
    }
}
