//! From insertion to certificates listed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tests::daemon::NAME;
use tests::pcsc::Pcsc;
use tests::scratch::output;
use tests::world::World;
use zbus::fdo::ObjectManagerProxy;

use crate::command::counted;

/// What an APDU takes besides, in milliseconds: nothing, and about what a real card's do.
const LATENCIES: [u64; 2] = [0, 5];

/// Insertions of each kind.
const ROUNDS: usize = 7;

/// What each was like, by latency.
pub(crate) struct Listed {
    who: &'static str,
    certificates: usize,
    log: Vec<String>,
    times: Vec<Duration>,
}

/// The daemon: until it has told the bus of the last key.
pub(crate) fn by_daemon(pcsc: &Pcsc<'_>, world: &World) -> Listed {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = zbus::connection::Builder::address(world.bus.address.as_str()).build().await.expect("the bus");
        let manager = ObjectManagerProxy::builder(&connection).destination(NAME).path("/org/jitsuin/Jitsuin1");
        let manager = manager.build().await.expect("the daemon's objects");
        let mut added = manager.receive_interfaces_added().await.expect("a match");
        let mut listed = Listed { who: "jitsuind", certificates: 2, log: Vec::new(), times: Vec::new() };
        for latency in LATENCIES {
            pcsc.tell(&format!("slow usb {latency}"));
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                pcsc.pull("usb");
                pcsc.tell("forget key");
                let begun = Instant::now();
                pcsc.tell("insert key usb");
                let mut keys = 0;
                while keys < listed.certificates {
                    let signal = added.next().await.expect("a signal");
                    keys += usize::from(signal.args().expect("its body").object_path().as_str().contains("/key/"));
                }
                times.push(begun.elapsed());
                listed.log = pcsc.log("key");
            }
            listed.times.push(median(times));
        }
        listed
    })
}

/// `pkcs11-tool -O` with the modules of others.
pub(crate) fn by_peers(pcsc: &Pcsc<'_>) -> Vec<Listed> {
    [("OpenSC", "opensc-pkcs11.so"), ("ykcs11", "libykcs11.so")].map(|(who, file)| by_peer(pcsc, who, file)).into()
}

fn by_peer(pcsc: &Pcsc<'_>, who: &'static str, file: &str) -> Listed {
    let module: PathBuf = Path::new(&format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH)).join(file);
    let mut listed = Listed { who, certificates: 0, log: Vec::new(), times: Vec::new() };
    for latency in LATENCIES {
        pcsc.tell(&format!("slow usb {latency}"));
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            pcsc.pull("usb");
            pcsc.tell("forget key");
            let begun = Instant::now();
            pcsc.insert("key", "usb");
            let said = output(pcsc.command("pkcs11-tool").arg("--module").arg(&module).arg("-O"));
            times.push(begun.elapsed());
            listed.log = pcsc.log("key");
            listed.certificates = said.matches("Certificate Object").count();
        }
        listed.times.push(median(times));
    }
    listed
}

pub(crate) fn print(ours: &Listed, peers: &[Listed]) {
    println!("\nfrom insertion to certificates listed, median of {ROUNDS}, with 0 and with 5 ms more an APDU:");
    for listed in std::iter::once(ours).chain(peers) {
        let times = listed.times.iter().zip(&ours.times).map(|(time, ours)| {
            format!("{:>5} ms ({:4.1} x)", time.as_millis(), time.as_secs_f64() / ours.as_secs_f64())
        });
        println!(
            "  {:10} {:>4} APDUs, {} certificates, {}",
            listed.who,
            listed.log.len(),
            listed.certificates,
            times.collect::<Vec<_>>().join(", ")
        );
        println!("             {}", counted(&listed.log));
    }
    println!("  (OpenSC looks into the four slots of the standard only; ykcs11 lists attestations besides.)");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
