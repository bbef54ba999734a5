//! What Linux says of this process, under the names that Prometheus' own clients use.

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Registers memory, descriptors and processor time, as far as they can be read.
pub(super) fn register(registry: &mut Registry) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = [
        ("process_resident_memory", "Resident memory", "VmRSS:"),
        ("process_virtual_memory", "Virtual memory", "VmSize:"),
    ];
    for (name, help, line) in memory {
        if let Some(bytes) = bytes(&status, line) {
            registry.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(bytes));
        }
    }
    if let Some(open) = std::fs::read_dir("/proc/self/fd").ok().and_then(|fds| i64::try_from(fds.count()).ok()) {
        // reading the folder takes one itself
        registry.register("process_open_fds", "Descriptors that are open", ConstGauge::new(open - 1));
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        registry.register("process_max_fds", "Descriptors that may be open", ConstGauge::new(most));
    }
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = std::time::Duration::try_from(used).unwrap_or_default().as_secs_f64();
    registry.register_with_unit("process_cpu", "Processor time used", Unit::Seconds, ConstCounter::new(seconds));
}

/// A line of proc_pid_status(5), which counts in units of 1024 bytes.
fn bytes(status: &str, line: &str) -> Option<i64> {
    let value = status.lines().find_map(|text| text.strip_prefix(line))?;
    value.trim().strip_suffix(" kB")?.parse::<i64>().ok()?.checked_mul(1024)
}
