//! authority
fn main() {}
