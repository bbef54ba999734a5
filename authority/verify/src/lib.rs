//! Accepting Jitsuin's logins at a relying party: an authentication token of format `web-eid:1.0` is checked off line,
//! with revocation lists or OCSP answers that the caller has fetched. Nothing here does I/O, and time is an argument.
//!
//! A login takes two requests. First the browser asks for a challenge, which the server makes and keeps
//! ([`ChallengeStore::put`]); the person's program signs it for the origin that it sees. Then the browser brings the
//! token, and [`Verifier::log_in`] takes the challenge out of the store, so that it serves once, and checks the token
//! against it:
//!
//! ```
//! use jitsuin_verify::{ChallengeStore, Challenges, Demand, Evidence, Party, Rejection, RevocationList, Verifier};
//! use token::{Challenge, Origin};
//!
//! fn serve(root: &[u8], issuing: &[u8], list: &[u8], random: &[u8], body: &str, now: i64)
//!     -> Result<(), Box<dyn std::error::Error>>
//! {
//!     let party = Party::new(Origin::new("https://shop.example")?, "1635".parse()?)
//!         .trust(root.to_vec()) // DER; its SHA-256 was compared with what the bank publishes
//!         .know(issuing.to_vec()) // the issuing CA, which the token does not carry
//!         .demand(Demand::Revocation { hours: 24 });
//!     let verifier = Verifier::new(party)?;
//!     let challenges = Challenges::new(10_000, 300);
//!
//!     // the first request: 32 random bytes, remembered under the browser's session
//!     let challenge = Challenge::from_bytes(random)?;
//!     challenges.put("session of the browser", &challenge, now)?;
//!
//!     // the second request brings the token
//!     let evidence = Evidence { lists: vec![RevocationList::from_der(list)?], ..Evidence::default() };
//!     match verifier.log_in(&challenges, "session of the browser", body, &evidence, now) {
//!         Ok(login) => println!("{} is here", login.subject),
//!         Err(Rejection::OnHold { .. } | Rejection::Revoked { .. }) => println!("ask your administrator"),
//!         Err(reason) => println!("refused: {reason}"),
//!     }
//!     Ok(())
//! }
//! ```

mod answer;
mod challenge;
mod evidence;
mod party;
mod path;
mod rejection;
mod verifier;

pub use challenge::{ChallengeStore, Challenges};
pub use evidence::{BadList, Evidence, RevocationList};
pub use party::{BadParty, Demand, Holders, Party};
pub use rejection::{Reason, Rejection};
pub use verifier::{Login, Verifier};
