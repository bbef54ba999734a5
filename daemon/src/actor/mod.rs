//! The token actor: one task owns one device for its whole life.
//!
//! Everybody else holds cloneable handles. Work goes down as an [`Op`](token::Op) through a bounded
//! queue; an [`Outcome`](token::Outcome) or a [`Fault`](token::Fault) comes back by its own channel.
//! Facts go up unasked as [`Happening`]s. The task never blocks: a device in a worker process is
//! asked over its socket, one in this process has a thread of its own ([`OnThread`]).

mod device;
mod handle;
mod registry;
mod run;

pub use device::{AsyncDevice, OnThread};
pub use handle::{TokenHandle, Turn};
pub use registry::{Happening, Registries, Tokens};

#[cfg(test)]
mod tests;
