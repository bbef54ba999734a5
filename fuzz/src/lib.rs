//! What the targets share: the cards, and how much memory one input may take.

use std::alloc::System;
use std::panic;
use std::sync::Once;

use cap::Cap;
use drivers::fuzzing::Honest;
use virtual_card::model::Model;

/// Most memory, in bytes, that the whole program may hold while it parses. The longest thing that is believed is a
/// mebibyte, and libFuzzer's own is not counted. Who asks for more is aborted, which libFuzzer reports.
const MAX_MEMORY: usize = 32 << 20;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, MAX_MEMORY);

/// Runs a target.
pub fn run(target: &str, bytes: &[u8]) {
    static BEFORE: Once = Once::new();
    BEFORE.call_once(|| {
        // Whoever panics may take as much as it needs to say where.
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let _ = MEMORY.set_limit(usize::MAX);
            told(panic);
        }));
    });
    let body = authority::fuzzing::body(target).or_else(|| jitsuin_verify::fuzzing::body(target));
    body.map_or_else(|| drivers::fuzzing::run(target, bytes, card), |body| body(bytes));
}

/// A virtual card of that model.
pub fn card(model: &str) -> Honest {
    let card = model.parse::<Model>().ok().and_then(|model| model.make());
    let mut card = card.unwrap_or_else(|| panic!("there is no card {model}"));
    Box::new(move |apdu| card.transmit(apdu))
}
