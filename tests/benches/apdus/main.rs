//! What a card is asked: the APDUs of a login, those from its insertion until its certificates are listed and how long
//! that takes, beside the same by two PKCS#11 modules on the same card; and what the daemon does when nobody wants
//! anything of it. The card is virtual and counts for itself; pcscd is the real one.
//!
//! `make bench`, or `cargo bench -p tests --bench apdus` once the programs are built.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark that cannot be set up ends on the spot"
)]

mod command;
mod desk;
mod idle;
mod listed;
mod login;

use tests::scratch::Scratch;

fn main() {
    let scratch = Scratch::new();
    let pcsc = desk::card(&scratch);
    let mut world = desk::world(&pcsc);
    login::print(&pcsc, &world);
    // While nothing else has happened for a while.
    idle::print(&world);
    let ours = listed::by_daemon(&pcsc, &world);
    // The peers have the card to themselves.
    assert!(world.daemon.running.end().success(), "the daemon ends when it is told to");
    listed::print(&ours, &listed::by_peers(&pcsc));
}
