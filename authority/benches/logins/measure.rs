//! Rates.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How fast something went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) a_second: f64,
    /// Processor time of this process.
    pub(crate) cpu: Duration,
}

impl Rate {
    /// One after the other.
    pub(crate) fn in_a_row(a: Self, b: Self) -> Self {
        Self { a_second: 1.0 / (1.0 / a.a_second + 1.0 / b.a_second), cpu: a.cpu + b.cpu }
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0}/s ({} µs CPU)", self.a_second, self.cpu.as_micros())
    }
}

/// Does `count` of them by `clients` at once.
pub(crate) async fn at_once<T, F>(clients: usize, count: usize, task: impl Fn(usize) -> F) -> (Rate, Vec<T>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    F: 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut futures: Vec<Vec<F>> = (0..clients).map(|_| Vec::new()).collect();
    for n in 0..count {
        futures[next.fetch_add(1, Ordering::Relaxed) % clients].push(task(n));
    }
    let (began, cpu) = (Instant::now(), cpu_time());
    let tasks: Vec<_> = futures
        .into_iter()
        .map(|mine| {
            tokio::spawn(async move {
                let mut done = Vec::with_capacity(mine.len());
                for future in mine {
                    done.push(future.await);
                }
                done
            })
        })
        .collect();
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        results.extend(task.await.expect("a client"));
    }
    let (time, cpu) = (began.elapsed(), cpu_time() - cpu);
    let number = u32::try_from(count).expect("a number");
    (Rate { a_second: f64::from(number) / time.as_secs_f64(), cpu: cpu / number }, results)
}

/// Processor time that this process has had, all threads: user and system.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// In KiB.
pub(crate) fn largest_size() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
