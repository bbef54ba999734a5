//! What a signature costs: the same SoftHSM P-256 key called directly in this process, without and with a
//! verification, through `jitsuind` over Varlink and over D-Bus, and through p11-kit's remoting, interleaved in one run. Then what the daemon weighs
//! when idle and how long it takes to its name on the bus.
//!
//! `make bench`; the budgets are those of the design, printed beside what was measured. Nothing here fails for
//! being slow: a shared machine is no judge.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot be set up ends on the spot"
)]

mod clients;
mod measure;
mod module;
mod report;
mod weight;
mod world;

use measure::{Contender, Signer};
use module::Module;
use world::World;

/// Signatures in a block of one contender; with 8 clients, 8 times 50.
const BLOCK: usize = 400;

/// Rounds that count.
const ROUNDS: usize = 12;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["inside", rest @ ..] => inside(&world::Addresses::from(rest)),
        ["weigh-module"] => weight::print_module_growth(),
        given => outside(given.iter().find(|a| !a.starts_with("--")).copied().unwrap_or_default()),
    }
}

/// Sets the world up, then runs itself again inside it: SoftHSM finds its store by the environment only, and a
/// program cannot safely change its own.
///
/// `only`: a part of the names of the contenders that take part (`cargo bench -p tests -- Varlink`).
fn outside(only: &str) {
    let world = World::build();
    let fresh = tests::watch::resident(world.daemon.running.id());
    let status = world.run_inside(only);
    assert!(status.success(), "the measuring process failed: {status}");
    weight::print(&world, fresh);
}

fn inside(addresses: &world::Addresses) {
    let direct = Module::load(tests::soft_token::MODULE);
    let remote: Vec<Module> = addresses.p11_kit_clients.iter().map(|path| Module::load(path)).collect();
    let signers = |count: usize, make: &dyn Fn(usize) -> Signer| (0..count).map(make).collect::<Vec<_>>();
    let mut contenders = vec![
        Contender::new("direct C_Sign", signers(1, &|_| direct.signer())),
        Contender::new("direct C_Sign", signers(2, &|_| direct.signer())),
        Contender::new("direct, verified", signers(1, &|_| direct.verifying_signer())),
        Contender::new("direct, verified", signers(2, &|_| direct.verifying_signer())),
        Contender::new("Varlink", signers(1, &|_| clients::varlink(addresses))),
        Contender::new("Varlink", signers(8, &|_| clients::varlink(addresses))),
        Contender::new("D-Bus", signers(1, &|_| clients::dbus(addresses))),
        Contender::new("D-Bus", signers(8, &|_| clients::dbus(addresses))),
        Contender::new("p11-kit remoting", signers(1, &|n| remote[n].signer())),
        Contender::new("p11-kit remoting", signers(8, &|n| remote[n].signer())),
    ];
    contenders.retain(|contender| contender.name.starts_with("direct") || contender.name.contains(&addresses.only));
    let results = measure::interleaved(contenders, ROUNDS, BLOCK);
    report::print(&results);
    report::print_beside_peer(&results);
}
