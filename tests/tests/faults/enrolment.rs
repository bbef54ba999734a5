//! One enrolment whose card fails again and again, further on each time, and which is finished all the same.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::daemon::Config;
use tests::running::wait_for;
use tests::scratch::Scratch;

use crate::desk::{Desk, OTHERS};
use crate::thorough;

/// Longest time until an enrolment goes on after its card failed.
const LONGEST: Duration = Duration::from_secs(25);

/// A hand needs as long to take a card out and put another in. pcscd takes what is quicker for a card that does not
/// answer.
const HAND: Duration = Duration::from_millis(50);

/// What happened on the way.
#[derive(Debug, Default)]
struct Story {
    /// Failures of the card.
    faults: u64,
    /// States in which it failed, in order.
    states: Vec<String>,
    /// Times that the enrolment stood still until it was resumed.
    resumed: u64,
    /// Everything that was asked of the key.
    log: Vec<String>,
    verifies: u64,
}

/// The command that follows the enrolment, as long as it runs.
struct Follower(Child);

impl Follower {
    fn start(desk: &Desk<'_>, arguments: &[&str]) -> Self {
        let mut command = desk.world.command(&desk.world.user, arguments);
        let said = desk.world.scratch.path().join("follower");
        let said = std::fs::File::options().create(true).append(true).open(said).unwrap();
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap())
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn now(desk: &Desk<'_>) -> Value {
    let all = desk.world.enrolments();
    // Oldest first.
    all.as_array().unwrap().last().cloned().unwrap_or(Value::Null)
}

/// Acquires with a card that fails at its n-th APDU since it came, for every `step`-th n in each state of the enrolment,
/// beginning where the daemon has read the card.
fn acquire(desk: &Desk<'_>, fault: &str, step: u64) -> Story {
    // What a card costs that is put in and wanted by nobody.
    desk.pcsc.tell("forget key");
    desk.put_back();
    let read = desk.settle();
    desk.reissue();
    desk.pcsc.tell("forget key");
    let mut story = Story::default();
    let mut n = 1;
    desk.pcsc.tell(&format!("fault usb at {n} {fault}"));
    let mut follower = Follower::start(desk, &Desk::ENROL);
    let mut state = String::new();
    loop {
        let begun = Instant::now();
        let fired = wait_for("the card to fail, or the end", || match desk.pcsc.counts("key").apdus {
            apdus if apdus >= n => Some(true),
            _ => follower.has_ended().then_some(false),
        });
        assert!(begun.elapsed() < LONGEST, "{fault} at {n} in {state}: {:?}", begun.elapsed());
        if !fired {
            let seen = now(desk);
            if matches!(seen["state"].as_str(), Some("Active" | "Retiring" | "Done")) {
                break;
            }
            let said = std::fs::read_to_string(desk.world.scratch.path().join("follower")).unwrap();
            assert_eq!(seen["paused"], true, "{fault} at {n}: {:?} {seen}\n{said}", follower.0.try_wait());
        }
        story.faults += u64::from(fired);
        if fault == "mute" {
            // Given up first: a card that speaks meanwhile would only have been slow.
            desk.pcsc.tell("await mute usb");
            std::thread::sleep(Duration::from_secs(6));
        }
        desk.pcsc.pull("usb");
        desk.pcsc.tell("clear usb");
        std::thread::sleep(HAND);
        // A card that a swap put in after the first was out.
        desk.pcsc.pull("usb");
        story.log.extend(desk.pcsc.log("key"));
        story.verifies += desk.pcsc.counts("key").verifies;
        let seen = now(desk);
        let error = seen["last_error"][0].as_str().unwrap_or("none");
        assert!(Desk::is_typed(error) || matches!(error, "none" | "Internal"), "{fault} at {n} in {state}: {seen}");
        if seen["paused"] == true || follower.has_ended() {
            story.resumed += 1;
            follower = Follower::start(desk, &["enrolments", "resume"]);
        }
        // What was written is behind it, and what follows is reached by fewer APDUs.
        let wrote = desk.pcsc.counts("key").writes > 0;
        let next = seen["state"].as_str().unwrap_or_default();
        n = if next == state && !wrote { n + step } else { read.saturating_sub(2).max(1) };
        if next != state {
            state = next.to_owned();
            story.states.push(state.clone());
        }
        desk.pcsc.tell("forget key");
        desk.pcsc.tell(&format!("fault usb at {n} {fault}"));
        desk.pcsc.tell("insert key usb");
    }
    desk.pcsc.tell("clear usb");
    story.log.extend(desk.pcsc.log("key"));
    story.verifies += desk.pcsc.counts("key").verifies;
    story
}

/// What is true of it in the end, however it came there.
fn judge(desk: &Desk<'_>, fault: &str, story: &Story) {
    println!("{fault}: {} times in {:?}, resumed {} times", story.faults, story.states, story.resumed);
    assert_eq!(desk.world.issue(), "001 valid");
    let passwords = desk.world.user.count("one-time password") as u64;
    assert!(passwords <= 1 + story.resumed, "{passwords} passwords, {story:?}");
    assert!(story.verifies as usize <= desk.entries(), "{} VERIFYs for {} entries", story.verifies, desk.entries());
    let made = story.log.iter().filter(|line| line[2..4] == *"47" && line.ends_with("=9000"));
    assert_eq!(made.count(), 1, "one key");
    let listed = desk.world.by(&desk.world.user, &["--json", "certificates"]).ok().json();
    let ours = listed.as_array().unwrap().iter().filter(|c| c.to_string().contains("5020304"));
    assert_eq!(ours.count(), 1, "one certificate: {listed}");
    desk.others_are_untouched();
    desk.put_back();
    let done = desk.login();
    assert_eq!(done.status, 0, "{done:?}");
}

#[test]
fn an_enrolment_is_finished_with_a_card_that_is_pulled_at_any_apdu() {
    let scratch = Scratch::new();
    let desk = Desk::new(&scratch, Config::new());
    let story = acquire(&desk, "pull", if thorough() { 1 } else { 3 });
    judge(&desk, "pull", &story);
}

/// What it was asked it has done, and nobody knows.
#[test]
fn an_enrolment_is_finished_with_a_card_whose_answers_are_lost() {
    let scratch = Scratch::new();
    let desk = Desk::new(&scratch, Config::new());
    let story = acquire(&desk, "lose", if thorough() { 1 } else { 6 });
    judge(&desk, "lose", &story);
}

#[test]
fn an_enrolment_writes_to_no_card_that_took_the_place_of_its_own() {
    for other in OTHERS {
        let scratch = Scratch::new();
        let desk = Desk::new(&scratch, Config::new());
        let fault = format!("swap {other}");
        let story = acquire(&desk, &fault, if thorough() { 1 } else { 17 });
        judge(&desk, &fault, &story);
    }
}

#[test]
fn an_enrolment_is_finished_with_a_card_that_falls_mute() {
    let scratch = Scratch::new();
    let desk = Desk::new(&scratch, Config::new().card_deadline("4s"));
    let story = acquire(&desk, "mute", if thorough() { 1 } else { 60 });
    judge(&desk, "mute", &story);
}
