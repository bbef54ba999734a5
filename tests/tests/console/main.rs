//! The pages in a real browser: the manual walked through in both languages, with and without JavaScript, and what
//! somebody with another page, another browser or a clever name could try.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

mod acts;
mod administrator;
mod certificate;
mod desk;
mod keyboard;
mod locks;
mod one_time_password;
mod pages;
mod sessions;
mod two_administrators;
mod user;
