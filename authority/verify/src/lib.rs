//! Accepting Jitsuin's logins at a relying party: an authentication token of format `web-eid:1.0` is checked off line,
//! with revocation lists or OCSP answers that the caller has fetched. Nothing here does I/O, time is an argument, and no
//! input makes anything here panic.
//!
//! A login takes two requests. First the browser asks for a challenge, which the server makes and keeps
//! ([`ChallengeStore::put`]); the person's program signs it for the origin that it sees. Then the browser brings the
//! token, and [`Verifier::log_in`] takes the challenge out of the store, so that it serves once, and checks the token
//! against it.
//!
//! This is a login that an authority's test recorded. A server makes its challenges of 32 random bytes, and fetches the
//! list every few minutes from where the certificates say (`curl -o list.crl http://…/crl/….crl`):
//!
//! ```
//! use jitsuin_verify::{
//!     Challenge, ChallengeStore, Challenges, Demand, Evidence, Origin, Party, Rejection, RevocationList, Verifier,
//! };
//!
//! # macro_rules! recorded { ($name:literal) => { concat!(env!("CARGO_MANIFEST_DIR"), "/recorded/", $name) } }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let now: i64 = include_str!(recorded!("time.txt")).trim().parse()?; // Unix time in seconds
//! // once, at the start: who we are, whom we trust, and what must be shown
//! let party = Party::new(Origin::new("https://shop.example")?, "1635".parse()?)
//!     .trust(include_bytes!(recorded!("root.der")).to_vec()) // its SHA-256 was compared with what the bank publishes
//!     .know(include_bytes!(recorded!("issuing.der")).to_vec()) // the issuing CA, which the token does not carry
//!     .demand(Demand::Revocation { hours: 24 });
//! let verifier = Verifier::new(party)?;
//! let challenges = Challenges::new(10_000, 300);
//!
//! // the first request: the challenge is kept under the browser's session, and given to the browser
//! let challenge = Challenge::new(include_str!(recorded!("challenge.txt")).trim())?;
//! challenges.put("session of the browser", &challenge, now)?;
//!
//! // the second request brings the token
//! let body = include_str!(recorded!("token.json"));
//! let list = RevocationList::from_der(include_bytes!(recorded!("list.crl")))?;
//! let evidence = Evidence { lists: vec![list], ..Evidence::default() };
//! let login = verifier.log_in(&challenges, "session of the browser", body, &evidence, now)?;
//! assert_eq!(login.subject.to_string(), "00009876543 riyousya 1635");
//!
//! // once more: there is no challenge any longer
//! let again = verifier.log_in(&challenges, "session of the browser", body, &evidence, now);
//! assert_eq!(again.err(), Some(Rejection::Challenge));
//!
//! // after the certificate was revoked
//! challenges.put("session of the browser", &challenge, now)?;
//! let list = RevocationList::from_der(include_bytes!(recorded!("revoked.crl")))?;
//! let evidence = Evidence { lists: vec![list], ..Evidence::default() };
//! match verifier.log_in(&challenges, "session of the browser", body, &evidence, now) {
//!     Err(Rejection::OnHold { .. } | Rejection::Revoked { .. }) => println!("ask your administrator"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `examples/relying_party.rs` is a whole server.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod answer;
mod challenge;
mod evidence;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod party;
mod path;
mod rejection;
mod verifier;

pub use challenge::{ChallengeStore, Challenges};
pub use evidence::{BadList, Evidence, RevocationList};
pub use party::{BadParty, Demand, Holders, Party};
pub use rejection::{Reason, Rejection};
pub use token::login::{BadChallenge, BadOrigin};
/// The nouns of Jitsuin that stand in this crate's interface.
pub use token::{
    CertificateFacts, Challenge, ContractId, InstitutionCode, Origin, SignatureAlgorithm, SubjectName, UserId,
};
pub use verifier::{Login, Verifier};
