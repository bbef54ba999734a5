//! One signature by the key of a certificate, for login and for what the holder tells its authority.

use token::{Op, Outcome, Statement};

use super::asking::Asking;
use super::select::Entry;
use super::{Error, Service};
use crate::actor::{TokenHandle, Turn};
use crate::holder::Question;
use crate::touch;

impl Service {
    /// Has the key sign, with the PIN where it wants one. The turn that was opened comes back with the signature.
    pub(super) async fn signature(
        &self,
        entry: &Entry,
        token: &TokenHandle,
        asking: Option<&Asking>,
        question: &Question,
        statement: Statement,
    ) -> Result<(Vec<u8>, Option<Turn>), Error> {
        let algorithm = entry.facts.public_key.algorithm().default_signature();
        let op = Op::Sign {
            slot: entry.key.slot.clone(),
            expected: entry.facts.public_key.clone(),
            algorithm,
            statement: statement.clone(),
        };
        let tokens = &self.inner.registries.keys;
        let touch = token.info().slot(&entry.key.slot).is_some_and(|s| s.needs_touch);
        let (outcome, turn) = match (asking, entry.needs_pin) {
            (None, false) => (token.perform(op).await?, None),
            (None, true) => return Err(Error::Internal),
            (Some(person), false) => {
                let (known, work) = (Some(touch), token.perform(op));
                (touch::telling(tokens, token.id(), &*person.holder, question, known, work).await?, None)
            }
            (Some(person), true) => {
                let mut turn = self.inner.pins.unlock(token, &*person.holder, question.clone()).await?;
                let (known, work) = (Some(touch), turn.perform(op));
                (touch::telling(tokens, token.id(), &*person.holder, question, known, work).await?, Some(turn))
            }
        };
        let Outcome::Signature(signature) = outcome else { return Err(Error::Internal) };
        // The slot was checked by the driver, but a lying module is caught here: nothing leaves that
        // does not verify under the key of the certificate that goes with it.
        if entry.facts.public_key.verify(algorithm, statement.bytes(), &signature).is_err() {
            tracing::error!(key = %entry.key, "the token made a signature that does not verify");
            return Err(Error::WorkerFailed { worker: "signature".to_owned() });
        }
        Ok((signature, turn))
    }
}
