//! Eyes on everything that others can see of our programs while they run: their command lines, their environment, and
//! all that passes over the bus.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::bus::Bus;
use crate::running::{Running, wait_for};
use crate::scratch::{Scratch, any_output};

/// How often processes are looked at. A shorter life than this is told by its parent's command line at most: `exec`
/// of a program shows its arguments for as long as it runs.
const GLANCE: Duration = Duration::from_millis(4);

/// A program's name and what was seen, and the bytes of it.
type Notes = BTreeSet<(String, Vec<u8>)>;

/// A thread that notes arguments and environment of all descendants of this test.
#[derive(Debug)]
pub struct ProcessWatch {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Notes>>,
    thread: Option<JoinHandle<()>>,
}

impl ProcessWatch {
    /// Begins. Programs of these names (as `/proc/PID/comm` has them) are played by the bench and left out.
    #[must_use]
    pub fn start(left_out: &'static [&'static str]) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Notes::new())));
        let (stopped, noted) = (Arc::clone(&stop), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                noted.lock().expect("the notes").extend(glance(left_out));
                // Nothing tells of new processes to who is not their parent.
                std::thread::sleep(GLANCE);
            }
        });
        Self { stop, seen, thread: Some(thread) }
    }

    /// What was seen so far: the program's name, and its arguments or its environment.
    #[must_use]
    pub fn seen(&self) -> BTreeSet<(String, Vec<u8>)> {
        self.seen.lock().expect("the notes").clone()
    }
}

impl Drop for ProcessWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn glance(left_out: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if let Ok(stat) = fs::read_to_string(entry.path().join("stat"))
            && let Some((head, tail)) = stat.rsplit_once(')')
            && let Some(parent) = tail.split_whitespace().nth(1).and_then(|p| p.parse::<u32>().ok())
        {
            parents.insert(id, (parent, head.split_once('(').map_or("", |(_, name)| name).to_owned()));
        }
    }
    let ours = |mut id: u32| {
        while let Some((parent, _)) = parents.get(&id) {
            if *parent == std::process::id() {
                return true;
            }
            id = *parent;
        }
        false
    };
    let mut seen = Vec::new();
    for (id, (_, name)) in parents.iter().filter(|(id, (_, name))| !left_out.contains(&name.as_str()) && ours(**id)) {
        for what in ["cmdline", "environ"] {
            // It may have ended, or keep its environment to itself.
            seen.push((format!("{name} {what}"), fs::read(format!("/proc/{id}/{what}")).unwrap_or_default()));
        }
    }
    seen
}

/// The ids of the children of a process.
#[must_use]
pub fn children(of: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Memory that a process has resident, in KiB.
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn resident(of: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{of}/status")).expect("its status");
    field(&status, "VmRSS:").expect("VmRSS")
}

/// How often each thread of a process was switched to since it began, by its name and id: by its own waiting and by
/// the scheduler.
#[must_use]
pub fn switches(of: u32) -> BTreeMap<(String, u32), u64> {
    let tasks = fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let told = tasks.filter_map(|task| {
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let name = status.lines().next()?.strip_prefix("Name:")?.trim().to_owned();
        let id = task.file_name().to_str()?.parse().ok()?;
        let count = field(&status, "voluntary_ctxt_switches:")? + field(&status, "nonvoluntary_ctxt_switches:")?;
        Some(((name, id), count))
    });
    told.collect()
}

/// A number in the text of `/proc/PID/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// dbus-monitor as the bus's monitor: it gets every message, to whomever it goes.
#[derive(Debug)]
pub struct BusWatch {
    running: Running,
    file: PathBuf,
}

impl BusWatch {
    /// Begins; whole messages, as they are on the wire, go to `log/<name>`.
    #[must_use]
    pub fn start(scratch: &Scratch, bus: &Bus) -> Self {
        let mut monitor = scratch.command("dbus-monitor");
        monitor.args(["--address", &bus.address, "--binary"]);
        let running = Running::start(scratch, "bus-watch", &monitor);
        let watch = Self { running, file: scratch.path().join("log/bus-watch") };
        // It is one of the monitors once it gets what is not meant for it.
        wait_for("the bus monitor", || {
            watch.shout(scratch, bus, "anybody-there");
            watch.has(b"anybody-there").then_some(())
        });
        watch
    }

    /// Sends a signal with this text over the bus.
    pub fn shout(&self, scratch: &Scratch, bus: &Bus, text: &str) {
        let mut gdbus = scratch.command("gdbus");
        let emit = ["emit", "--session", "--object-path", "/org/example", "--signal", "org.example.Test.Text", text];
        let _ = any_output(bus.on(&mut gdbus).args(emit));
    }

    /// Everything that went over the bus so far.
    #[must_use]
    pub fn seen(&self) -> Vec<u8> {
        fs::read(&self.file).unwrap_or_default()
    }

    /// Whether these bytes did.
    #[must_use]
    pub fn has(&self, bytes: &[u8]) -> bool {
        self.seen().windows(bytes.len()).any(|window| window == bytes)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.running.is_running()
    }
}
