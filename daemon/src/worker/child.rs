//! The worker's side: what runs in the child process, with one module in it.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use drivers::pkcs11::Module;
use drivers::wire::{self, FromWorker, MAX_DOWN, MAX_UP, Reply, Request, Setup, ToWorker, WireError};
use rustix::process::{Signal, getpid, kill_process};
use token::{Device, Fault, Sighting, TokenKind};

use super::channel::{receive_with, wait};
use super::confine;

/// How long tokens may take to log out when the daemon is done with this worker.
const FAREWELL: Duration = Duration::from_secs(2);

/// The least time between two slot events that are told: a module whose events never cease must not
/// keep two processes busy.
const EVENT_SPACING: Duration = Duration::from_millis(50);

/// The whole life of a worker process: `jitsuind worker <driver>`, started by the daemon with the
/// control channel as standard input. Call it before anything else in `main`: the sandbox holds
/// for the threads that are started after it, and there must be no others.
#[must_use]
pub fn child_main(driver: &str) -> ExitCode {
    // A panic in any thread ends the process: the daemon sees it and starts anew.
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    let Ok(control) = confine::take_control() else { return ExitCode::from(2) };
    if driver != drivers::pkcs11::NAME || confine::harden().is_err() {
        return ExitCode::from(2);
    }
    let Ok((ToWorker::Begin(setup), None)) = receive_with::<ToWorker>(&control) else { return ExitCode::from(2) };
    match begin(&setup) {
        Ok((module, gaps)) => serve(&module, gaps, control),
        Err(fault) => {
            let _ = wire::send(&control, &FromWorker::Failed(fault), MAX_UP);
            ExitCode::FAILURE
        }
    }
}

/// Locks the process in, then loads the module.
fn begin(setup: &Setup) -> Result<(Module, Vec<String>), Fault> {
    // For ps and top; the kernel keeps 15 bytes. Without it only the name is lost.
    let name: String = format!("worker {}", setup.name).chars().take(15).collect();
    let _ = std::ffi::CString::new(name).map(|name| rustix::thread::set_name(&name));
    let gaps = confine::confine(setup).map_err(|error| Fault::Device { detail: format!("sandbox: {error}") })?;
    Ok((Module::load(&setup.path)?, gaps))
}

/// What the threads of a worker share: the way up, which they take in turns.
#[derive(Clone)]
struct Up(Arc<Mutex<UnixStream>>);

impl Up {
    fn tell(&self, message: &FromWorker) -> Result<(), WireError> {
        let channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wire::send(&*channel, message, MAX_UP)
    }
}

fn serve(module: &Module, gaps: Vec<String>, control: UnixStream) -> ExitCode {
    let Ok(writer) = control.try_clone() else { return ExitCode::from(2) };
    let up = Up(Arc::new(Mutex::new(writer)));
    if up.tell(&FromWorker::Ready { gaps }).is_err() {
        return ExitCode::FAILURE;
    }
    let (listed, news) = sync_channel(1);
    {
        let (module, up) = (module.clone(), up.clone());
        std::thread::spawn(move || watch(&module, &up, &news));
    }
    let (farewell, gone) = channel::<()>();
    while let Ok((message, descriptor)) = receive_with::<ToWorker>(&control) {
        let served = match (message, descriptor) {
            (ToWorker::List, None) => list(module, &up, &listed),
            (ToWorker::Serve { slot }, Some(descriptor)) => {
                let (sighting, farewell) = (module.sighting(slot), farewell.clone());
                let channel = UnixStream::from(descriptor);
                std::thread::Builder::new()
                    .name(format!("slot-{slot}"))
                    .spawn(move || {
                        serve_token(&sighting, &channel);
                        drop(farewell);
                    })
                    .map(|_| ())
                    .map_err(WireError::from)
            }
            _ => Err(WireError::Malformed),
        };
        if served.is_err() {
            break;
        }
    }
    // The daemon is done with us. Tokens whose channels it closed log out; then the process ends
    // without letting the module run any more of its code.
    drop(farewell);
    let _ = gone.recv_timeout(FAREWELL);
    let _ = kill_process(getpid(), Signal::KILL);
    ExitCode::SUCCESS
}

fn list(module: &Module, up: &Up, listed: &SyncSender<()>) -> Result<(), WireError> {
    let present = match module.present() {
        Ok(present) => present,
        Err(fault) => {
            let _ = up.tell(&FromWorker::Failed(fault));
            return Err(WireError::Closed);
        }
    };
    // What happened before is in this list; what happens from now on is told.
    let _ = listed.try_send(());
    up.tell(&FromWorker::Present(present.into_iter().map(|seen| (seen.slot, seen.token)).collect()))
}

/// Waits for slot events for as long as the module tells of them.
fn watch(module: &Module, up: &Up, listed: &Receiver<()>) {
    loop {
        match module.wait() {
            Ok(slot) => {
                while listed.try_recv().is_ok() {}
                if up.tell(&FromWorker::Happened { slot }).is_err() || listed.recv().is_err() {
                    return;
                }
                // Bounds what a module costs that reports an event at every call.
                std::thread::sleep(EVENT_SPACING);
            }
            Err(_) => {
                let _ = up.tell(&FromWorker::Silent);
                return;
            }
        }
    }
}

/// Serves one token until its channel is closed. What is left open then is logged out by the
/// device's own end.
fn serve_token(sighting: &Sighting, channel: &UnixStream) {
    let mut device: Result<Box<dyn Device + Send>, Fault> = match drivers::driver_for(TokenKind::Keys, sighting) {
        Some(driver) => driver.open(sighting),
        None => Err(Fault::Absent),
    };
    while let Ok(request) = next(channel) {
        let Ok(op) = request.into_op(channel) else { return };
        let outcome = match &mut device {
            // No notice goes up: a PKCS#11 module does not say that it waits for a touch.
            Ok(device) => device.perform(&op, &mut |_| {}),
            Err(fault) => Err(fault.clone()),
        };
        drop(op);
        let sent = match wire::send(channel, &Reply::from(outcome), MAX_UP) {
            Err(WireError::Length(_)) => {
                let detail = "the token holds more than can be read".to_owned();
                wire::send(channel, &Reply::Fault(Fault::Device { detail }), MAX_UP)
            }
            sent => sent,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The next request. A thread that sleeps in read(2) is woken also when the daemon takes an answer
/// out of the socket, and sleeps again; in poll(2) it is woken for what it waits for.
fn next(channel: &UnixStream) -> Result<Request, WireError> {
    wait(&[channel.as_fd()], None)?;
    wire::receive(channel, MAX_DOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_breaks_ends_the_service() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let sighting = Sighting::ModuleSlot { module: "/nonexistent.so".into(), slot: 0 };
        let server = std::thread::spawn(move || serve_token(&sighting, &theirs));
        wire::send(&ours, &Request::ReadInfo, MAX_DOWN).unwrap();
        assert!(matches!(wire::receive(&ours, MAX_UP).unwrap(), Reply::Fault(Fault::Device { .. })));
        std::io::Write::write_all(&mut &ours, &[3, 0, 0, 0, 0xff, 0xff, 0xff]).unwrap();
        server.join().unwrap();
    }
}
