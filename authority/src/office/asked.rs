//! What a request for approval asks for, for whoever tells it to people (D-405).

use super::second::Operation;
use crate::rules::choice::Reason;
use crate::rules::lock::LockKind;

/// What is asked for. No secret is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The word for a key.
    ConfirmKey {
        /// 鍵の指紋, as it was entered.
        fingerprint: String,
    },
    /// 登録抹消.
    Deregister,
    /// トークンの交換.
    ExchangeToken {
        /// Of the new token.
        serial: String,
    },
    /// 利用者の登録.
    Register {
        /// 利用者名, or empty.
        name: String,
        /// Eメールアドレス, or empty.
        email: String,
    },
    /// トークンの登録.
    RegisterToken {
        /// Of the token.
        serial: String,
    },
    /// 一時停止の解除.
    Reinstate,
    /// 再発行.
    Reissue {
        /// 再発行理由.
        reason: Reason,
        /// The hardware key that it is limited to.
        device: Option<String>,
    },
    /// 暗証番号の再設定.
    ResetPin,
    /// The rights that a reissue took.
    RestoreRights,
    /// 利用中止解除.
    Resume,
    /// 失効.
    Revoke {
        /// Why.
        reason: Reason,
    },
    /// ロック解除.
    Unlock {
        /// Which lock.
        kind: LockKind,
    },
}

impl Asked {
    /// Of what was put aside under the name `action`; `None` for what nobody puts aside.
    pub(super) fn new(operation: Operation, action: &str) -> Option<Self> {
        Some(match operation {
            Operation::Certificate { choice, reason, device } => {
                let reason = Reason::from_key(&reason)?;
                if choice == "reissue" { Self::Reissue { reason, device } } else { Self::Revoke { reason } }
            }
            Operation::ConfirmKey { fingerprint } => Self::ConfirmKey { fingerprint },
            Operation::Deregister => Self::Deregister,
            Operation::Register { name, email, .. } => Self::Register { name, email },
            Operation::Reinstate => Self::Reinstate,
            Operation::ResetPin { .. } => Self::ResetPin,
            Operation::RestoreRights => Self::RestoreRights,
            Operation::Resume => Self::Resume,
            Operation::Token { serial } if action == "token.exchange" => Self::ExchangeToken { serial },
            Operation::Token { serial } => Self::RegisterToken { serial },
            Operation::Unlock { kind } => Self::Unlock { kind: LockKind::from_key(&kind)? },
        })
    }
}
