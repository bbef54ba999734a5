//! The udev rules as udev itself reads them, beside those of the distribution, over devices that are not there.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::fs;
use std::process::Command;

use tests::hidraw::Plugs;
use tests::scratch::{Scratch, any_output, text};
use tests::tree::root;

/// Which group the daemon's is, in the copy of `/etc/group` that udev sees.
const GROUP: &str = "4242";

/// Has udev read our rules among its own, and write nowhere but in the scratch folder. Arguments: the rules' folder, the
/// group file, folders for /run and /dev, and what udevadm is to be told.
const SCRIPT: &str = r#"
rules=$1 group=$2 run=$3 dev=$4
shift 4
mount --bind "$rules" /etc/udev/rules.d || exit
mount --bind "$group" /etc/group || exit
mount --bind "$run" /run || exit
: >"$dev/null"
mount --bind /dev/null "$dev/null" || exit
mount --rbind "$dev" /dev || exit
export LD_PRELOAD=$PRELOAD
exec udevadm test "$@"
"#;

#[test]
fn the_rules_let_the_daemon_in_and_take_nothing_from_the_seat() {
    let scratch = Scratch::new();
    let plugs = Plugs::with_yubikey(&scratch, "yubikey:otp1=types");
    assert_eq!(plugs.plug_fido("fido"), "/dev/hidraw1");
    let keyboard = judged(&plugs, &scratch, "/sys/class/hidraw/hidraw0");
    assert!(assigned(&keyboard, "GROUP 4242") && assigned(&keyboard, "MODE 0660"), "{keyboard}");
    // The browsers' interface stays the seat's, and nobody's group.
    let fido = judged(&plugs, &scratch, "/sys/class/hidraw/hidraw1");
    assert!(!fido.contains("70-jitsuin.rules:") && is_the_seats(&fido), "{fido}");
    let reader = judged(&plugs, &scratch, "/sys/bus/usb/devices/1-1");
    assert!(assigned(&reader, "GROUP 4242") && assigned(&reader, "MODE 0664"), "{reader}");
    assert!(is_the_seats(&reader), "{reader}");
    for judged in [keyboard, fido, reader] {
        // What udev does not understand, it says with the file's name.
        let complaint = judged.lines().find(|line| line.contains("70-jitsuin.rules") && line.contains("nvalid"));
        assert_eq!(complaint, None);
    }
}

/// A rule of ours has assigned that.
fn assigned(judged: &str, what: &str) -> bool {
    judged.lines().any(|line| line.contains("70-jitsuin.rules:") && line.ends_with(what))
}

/// The distribution's rules give it to whoever sits at the machine.
fn is_the_seats(judged: &str) -> bool {
    judged.lines().any(|line| line.starts_with("TAGS=") && line.contains(":uaccess:"))
}

/// What udev says that it makes of a device.
fn judged(plugs: &Plugs<'_>, scratch: &Scratch, device: &str) -> String {
    let rules = scratch.folder("rules");
    let (run, dev) = (scratch.folder("udev-run"), scratch.folder("udev-dev"));
    fs::copy(root().join("udev/70-jitsuin.rules"), rules.join("70-jitsuin.rules")).expect("our rules");
    // What the distribution's own rules find out of devices that are there.
    let facts = "KERNEL==\"hidraw1\", ENV{ID_FIDO_TOKEN}=\"1\", ENV{ID_SECURITY_TOKEN}=\"1\"\n\
                 KERNEL==\"1-1\", ENV{ID_SMARTCARD_READER}=\"1\"\n";
    scratch.file("rules/60-zz-facts.rules", facts);
    let groups = fs::read_to_string("/etc/group").expect("/etc/group");
    let groups: Vec<&str> = groups.lines().filter(|line| !line.starts_with("jitsuin:")).collect();
    let group = scratch.file("group", &format!("{}\njitsuin:x:{GROUP}:\n", groups.join("\n")));

    let [(_, preload), (bed, path)] = plugs.environment();
    let mut command = scratch.command("unshare");
    command.env("PRELOAD", preload).env(bed, path);
    command.env("PATH", std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "--propagation", "private", "--", "sh", "-c", SCRIPT, "sh"]);
    command.args([&rules, &group, &run, &dev]).arg(device);
    said(&mut command)
}

fn said(command: &mut Command) -> String {
    let output = any_output(command);
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{all}", output.status);
    all
}
