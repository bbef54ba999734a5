//! A thousand plugs leave nothing behind.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::daemon::Config;
use tests::running::PATIENCE;
use tests::scratch::Scratch;

use crate::desk::{Desk, TOKEN};
use crate::thorough;

/// No hand is quicker in putting a card back.
const HAND: Duration = Duration::from_millis(20);

/// Descriptors, threads and resident KiB of a process.
fn usage(id: u32) -> [usize; 3] {
    let count = |what: &str| fs::read_dir(format!("/proc/{id}/{what}")).unwrap().count();
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    [count("fd"), count("task"), resident.trim().trim_end_matches(" kB").parse().unwrap()]
}

/// Pulls the card and puts it in so often: in the middle of its reading, or, each tenth time, when it is listed; and
/// restarts pcscd, with all its readers, a few times.
fn plug(desk: &mut Desk<'_>, times: usize) {
    for time in 0..times {
        if time % (times / 3) == times / 3 - 1 {
            desk.pcsc.kill_pcscd();
            desk.pcsc.start_pcscd_again();
        } else {
            if time % 10 == 0 {
                desk.wait_for_key();
            }
            desk.pcsc.pull("usb");
            sleep(HAND);
        }
        desk.pcsc.insert("key", "usb");
    }
    desk.wait_for_key();
    desk.settle();
}

/// Waits until there are no more descriptors and threads than before: what was being read when its card was pulled ends
/// in its own time.
fn as_few_as(id: u32, before: &[usize; 3]) -> [usize; 3] {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = usage(id);
        if now[0] <= before[0] && now[1] <= before[1] {
            return now;
        }
        assert!(Instant::now() < deadline, "{before:?}, and now {now:?} (descriptors, threads, KiB resident)");
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn plugging_a_thousand_times_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let mut desk = Desk::new(&scratch, Config::new());
    desk.enrol();
    let daemon = desk.world.daemon.running.id();
    // Until pools of threads and of memory are as large as they get.
    let (warm, times) = if thorough() { (200, 1000) } else { (150, 300) };
    plug(&mut desk, warm);
    let before = usage(daemon);
    plug(&mut desk, times);
    let after = as_few_as(daemon, &before);
    println!("after {warm} plugs {before:?}, after {times} more {after:?} (descriptors, threads, KiB resident)");
    // A leak of one reading's snapshot, some 10 KiB with its certificates, would be 3 MiB and more.
    assert!(after[2] <= before[2] + 2048, "{before:?} {after:?}");
    assert_eq!(desk.pcsc.counts("key").resets, 0);
    assert!(desk.sees(TOKEN));
    let done = desk.login();
    assert_eq!(done.status, 0, "{done:?}");
}
