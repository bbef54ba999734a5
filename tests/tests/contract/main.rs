//! What every driver promises of every token (`token::Device`), held against real modules and cards: what a token
//! declares is exactly what it performs.
//!
//! A row is a token ([`subject::Subject`]), a column is a promise; each pair is a test of its own, with a token that
//! was made for it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

mod abilities;
mod bench;
mod certificates;
mod keys;
mod pins;
mod reading;
mod subject;
mod subjects;
mod turns;

/// Every promise, for one token.
macro_rules! row {
    ($token:ident, $start:path) => {
        mod $token {
            promises! { $start =>
                abilities::it_declares_what_is_known_of_it,
                abilities::what_is_declared_is_what_is_performed,
                certificates::a_certificate_is_written_replaced_and_read_back,
                certificates::no_certificate_but_the_keys_is_taken,
                keys::a_generated_key_was_born_there_and_bears_its_mark,
                keys::a_taken_slot_is_never_overwritten,
                keys::an_algorithm_signs_or_is_refused,
                keys::deletion_takes_the_expected_key_only_and_twice_is_once,
                keys::only_the_expected_key_signs,
                pins::a_badly_formed_pin_spends_no_try,
                pins::a_changed_pin_is_the_only_one,
                pins::a_wrong_pin_is_one_try,
                pins::tries_run_out_and_a_blocked_pin_is_not_tried,
                reading::it_says_what_it_is,
                reading::reading_spends_no_try,
                reading::two_readings_are_equal,
                turns::a_key_that_needs_no_pin_signs_outside_a_turn,
                turns::a_key_that_wants_the_pin_each_time_signs_once_a_turn,
                turns::a_refused_pin_leaves_it_locked,
                turns::locking_ends_the_turn,
                turns::nothing_private_happens_outside_a_turn,
            }
        }
    };
}

macro_rules! promises {
    ($start:path => $($noun:ident::$promise:ident,)+) => {
        $(
            #[test]
            fn $promise() {
                let scratch = tests::scratch::Scratch::new();
                let subject = $start(&scratch);
                crate::$noun::$promise(&mut crate::bench::Bench::open(&scratch, &subject));
            }
        )+
    };
}

row!(soft_hsm, crate::subjects::module::soft_hsm);
row!(tpm, crate::subjects::module::tpm);
row!(opensc_piv, crate::subjects::foreign::plain);
row!(opensc_yubikey, crate::subjects::foreign::yubikey);
row!(piv_plain, crate::subjects::card::plain);
row!(piv_yubikey, crate::subjects::card::yubikey);
row!(piv_yubikey_5_4, crate::subjects::card::yubikey_5_4);
row!(piv_yubikey_kept, crate::subjects::card::yubikey_kept);
row!(piv_yubikey_protected, crate::subjects::card::yubikey_protected);
row!(ykcs11_yubikey, crate::subjects::foreign::by_ykcs11);
