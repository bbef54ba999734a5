//! Worker processes: each PKCS#11 module runs in a child of the daemon, behind a sandbox that the
//! child puts on itself before it loads the module.
//!
//! **What happens to whom when a module misbehaves.** All tokens of a module share its worker; each
//! has a channel and a thread of its own there, so a call that blocks holds up another token only
//! if the module itself lets one call wait for another. A call that outlives its deadline costs the
//! whole worker: there is no other way to end a call inside a C library. Its own caller then gets
//! [`token::Fault::TimedOut`], whoever waits for another token of that module gets
//! [`token::Fault::WorkerFailed`], all its tokens depart, and they arrive anew (a new generation,
//! the PIN state read again) once the worker was started again. Nothing is repeated on anybody's
//! behalf, least of all the verification of a PIN.
//!
//! The worker's end of the control channel is its standard input. It ends by itself when that is
//! closed, and the kernel kills it should the daemon die (`PR_SET_PDEATHSIG`).

mod channel;
mod child;
mod confine;
mod inbox;
mod manager;
mod process;
mod proxy;
mod supervisor;

pub use child::child_main;
pub use supervisor::{ModuleState, ModuleStates, ModuleStatus, Settings, StartError, Supervisor, Timing};
