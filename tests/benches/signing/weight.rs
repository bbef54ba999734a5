//! What the daemon weighs when idle, and how long it takes to its name on the bus.

use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tests::daemon::{Daemon, NAME};
use tests::scratch::output;
use tests::watch::{children, resident};

use crate::module::Module;
use crate::world::{World, myself};

/// How often the daemon is started.
const STARTS: usize = 15;

/// `fresh`: KiB of the daemon before its first call.
pub(crate) fn print(world: &World, fresh: u64) {
    // setpriv has become the daemon by exec, so this is its own id.
    let daemon = world.daemon.running.id();
    println!("\nidle, before the first signature and after all of them:");
    let after = mebibytes(resident(daemon));
    println!("  jitsuind        {:6.1} MiB and {after:.1} MiB resident (budget 12)", mebibytes(fresh));
    let module: u64 = output(myself(&world.hsm).arg("weigh-module")).trim().parse().expect("a number of KiB");
    for worker in children(daemon) {
        println!(
            "  worker          {:6.1} MiB resident, the module alone {:.1} (budget: at most 8 above it)",
            mebibytes(resident(worker)),
            mebibytes(module)
        );
    }
    let mut times: Vec<Duration> = Vec::new();
    let bare = tests::bus::Bus::start_named(&world.scratch, "second");
    for _ in 0..STARTS {
        times.push(start(world, &bare));
    }
    times.sort_unstable();
    println!(
        "start to name on the bus, {STARTS} starts: median {} ms, slowest {} ms (budget 50 ms)",
        times[STARTS / 2].as_millis(),
        times[STARTS - 1].as_millis()
    );
}

/// How much this process grows by a module in use, in KiB.
pub(crate) fn print_module_growth() {
    let before = resident(std::process::id());
    let module = Module::load(tests::soft_token::MODULE);
    module.signer()();
    println!("{}", resident(std::process::id()).saturating_sub(before));
}

fn start(world: &World, bus: &tests::bus::Bus) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = zbus::connection::Builder::address(bus.address.as_str()).build().await.expect("the bus");
        let proxy = zbus::fdo::DBusProxy::new(&connection).await.expect("the bus's own object");
        let mut owners = proxy.receive_name_owner_changed_with_args(&[(0, NAME)]).await.expect("a match");
        let begun = Instant::now();
        let mut daemon = Daemon::command(&world.scratch, bus)
            .env("XDG_RUNTIME_DIR", world.scratch.folder("run2"))
            .env("XDG_STATE_HOME", world.scratch.folder("state2"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("jitsuind");
        owners.next().await.expect("the name");
        let time = begun.elapsed();
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&daemon), rustix::process::Signal::TERM);
        let _ = daemon.wait();
        time
    })
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
