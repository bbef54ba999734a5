//! What the daemon does when nobody wants anything of it, with a card in its reader.

use std::time::Duration;

use tests::watch::{children, resident, switches};
use tests::world::World;

/// Until what a login has left behind is over: threads that wait for more work end after ten seconds.
const SETTLED: Duration = Duration::from_secs(15);

/// How long is watched.
const WATCHED: Duration = Duration::from_secs(60);

pub(crate) fn print(world: &World) {
    let daemon = world.daemon.running.id();
    let workers = children(daemon);
    std::thread::sleep(SETTLED);
    println!("\nidle for {} s, a card in the reader (goal 0 wake-ups):", WATCHED.as_secs());
    let processes: Vec<(&str, u32)> =
        std::iter::once(("jitsuind", daemon)).chain(workers.iter().map(|id| ("worker", *id))).collect();
    let before: Vec<_> = processes.iter().map(|(_, id)| switches(*id)).collect();
    std::thread::sleep(WATCHED);
    for ((name, id), before) in processes.iter().zip(before) {
        let after = switches(*id);
        let woken = |thread: &(String, u32)| after[thread] - before.get(thread).copied().unwrap_or_default();
        let total: u64 = after.keys().map(woken).sum();
        let kib = resident(*id);
        println!("  {name:10} {total:>4} wake-ups of {} threads, {kib} KiB resident", after.len());
        for thread in after.keys().filter(|thread| woken(thread) > 0) {
            println!("             {} of {}", woken(thread), thread.0);
        }
    }
}
