//! The PIN that a token was made with: its holder sets another before a key of theirs is on it (D-412).

use std::sync::Arc;

use token::{Ability, Op, Outcome, Pin};

use super::run::{After, Run};
use super::status;
use crate::actor::TokenHandle;
use crate::holder::{Purpose, Unanswered};
use crate::new_pin::{NoNewPin, propose};
use crate::pin::NoTurn;

impl Run {
    /// Has the holder choose a new PIN in the place of the one that was just entered, and goes on with it. The token is
    /// not kept from others while somebody thinks of one. `entered`: `None` where the token has its own keypad.
    pub(super) async fn replace_factory_pin(&mut self, token: &TokenHandle, entered: Option<Pin>) -> After {
        if !token.info().abilities.contains(&Ability::ChangePin) {
            return After::Stop(status::factory_pin());
        }
        let outcome = match entered {
            Some(old) => self.replace_entered(token, old).await,
            None => self.replace_on_keypad(token).await,
        };
        outcome.map_or_else(|after| after, |()| After::Again)
    }

    async fn replace_entered(&mut self, token: &TokenHandle, old: Pin) -> Result<(), After> {
        self.publish(Some("new-card-pin"));
        let mut question = self.question(Purpose::ChangePin);
        question.token = Some(token.info());
        question.detail.insert("reason", "factory".to_owned());
        self.arrivals.borrow_and_update();
        let proposed = propose(&*self.who(), question, old.expose(), &token.info().pin).await;
        let new = match proposed {
            Ok(new) => Pin::new(new),
            Err(NoNewPin::Unanswered(why @ (Unanswered::NoAgent | Unanswered::Vanished))) => {
                return self.nobody(why).await;
            }
            Err(NoNewPin::Unanswered(_) | NoNewPin::Bad(_)) => return Err(After::Stop(status::factory_pin())),
        };
        // A new PIN may take minutes: another program may have used up tries meanwhile, and the last one is not risked.
        match token.perform(Op::ReadInfo).await {
            Ok(Outcome::Info(info)) if info.pin.is_last() => {
                return Err(After::Stop(status::no_turn(&NoTurn::FinalTryHeld)));
            }
            Ok(_) => {}
            Err(fault) => return Err(self.failed(fault).await),
        }
        let with = new.once_more();
        self.change(token, Op::ChangePin { old, new }).await?;
        let mut turn = match token.turn(Some(with)).await {
            Ok(turn) => turn,
            Err(fault) => return Err(self.failed(fault).await),
        };
        match turn.perform(Op::ReadInfo).await {
            Ok(Outcome::Info(info)) => self.memory.turn = Some((turn, Arc::new(info))),
            Ok(_) => {}
            Err(fault) => return Err(self.failed(fault).await),
        }
        Ok(())
    }

    /// On the token's own keypad, where both are entered; whether they are the same is seen afterwards.
    async fn replace_on_keypad(&mut self, token: &TokenHandle) -> Result<(), After> {
        let question = self.question(Purpose::ChangePin);
        let shown = self.who().standing("pin-pad", &question).await;
        let changed = self.change(token, Op::ChangePinOnKeypad).await;
        drop(shown);
        changed
    }

    async fn change(&mut self, token: &TokenHandle, op: Op) -> Result<(), After> {
        let verb = op.verb();
        let outcome = token.perform(op).await;
        self.audit(verb, outcome.as_ref().map_or_else(|_| "failed", |_| "ok"));
        match outcome {
            Ok(_) => {
                self.shared.pins.forget(token.id());
                self.pin_replaced = true;
                self.error = None;
                self.publish(None);
                Ok(())
            }
            Err(fault) => Err(self.failed(fault).await),
        }
    }
}
