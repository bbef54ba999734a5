//! What notices say, in both languages. No text has a link, and none asks for a secret (D-511).

use token::Language;

use super::Kind;
use crate::jst;

/// What a notice is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// 契約者ID.
    pub contract: String,
    /// 利用者ID, or empty.
    pub user: String,
    /// Which of the contract's administrators, or empty.
    pub administrator: String,
    /// When; Unix time in seconds.
    pub at: i64,
    /// The role of whoever did it.
    pub role: String,
    /// From which network address, or empty.
    pub place: String,
    /// 電子証明書発行番号, three digits, or empty.
    pub issue_no: String,
    /// トークンのシリアル番号, or empty.
    pub token: String,
    /// What ends, or ended; Unix time in seconds.
    pub ends_at: Option<i64>,
    /// Until when the stop code counts; Unix time in seconds. `None`: the notice has none.
    pub stop_until: Option<i64>,
}

pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) key: &'static str,
    ja: (&'static str, &'static str),
    en: (&'static str, &'static str),
}

/// Where the stop code stands in the body until it is sent.
pub(crate) const STOP_CODE: &str = "{stop-code}";

macro_rules! table {
    ($($kind:ident $key:literal { $ja:literal $ja_text:literal $en:literal $en_text:literal })*) => {
        pub(super) static TABLE: &[Row] = &[$(
            Row { kind: Kind::$kind, key: $key, ja: ($ja, $ja_text), en: ($en, $en_text) },
        )*];
    };
}

table! {
    Acquired "certificate_acquired" {
        "電子証明書の取得完了" "電子証明書が取得され、有効になりました。"
        "Certificate acquired" "A certificate was acquired and is valid now."
    }
    AddressChanged "address_changed" {
        "お知らせ先メールアドレスの変更" "お知らせ先のメールアドレスが変更されました。変更前と変更後の両方の宛先にお知らせしています。"
        "Notice address changed" "The address for notices was changed. The old and the new address are both told."
    }
    AdministratorAdded "administrator_added" {
        "管理者の登録" "管理者が登録されました。"
        "Administrator registered" "An administrator was registered."
    }
    AdministratorChanged "administrator_changed" {
        "管理者情報の変更" "管理者の情報が変更されました。メールアドレスの変更の場合は、変更前と変更後の両方の宛先にお知らせしています。"
        "Administrator changed" "An administrator's details were changed. Where the address changed, the old and the new one are both told."
    }
    AdministratorRemoved "administrator_removed" {
        "管理者の削除" "管理者が削除されました。"
        "Administrator removed" "An administrator was removed."
    }
    ApprovalWaiting "approval_waiting" {
        "承認依頼" "他の管理者の承認を待っている操作があります。"
        "Approval wanted" "An operation waits for the approval of another administrator."
    }
    ContractChanged "contract_changed" {
        "ご契約内容の変更" "利用者数の上限、または他の管理者の承認を必要とする設定が変更されました。"
        "Contract changed" "The number of users, or whether operations need another administrator's approval, was changed."
    }
    ContractLocked "contract_locked" {
        "ご契約先のロック" "管理者の暗証番号の入力誤りが続いたため、ご契約先のサービスを停止しました。お取引店にご連絡ください。"
        "Contract locked" "Wrong entries of the administrator's PINs have stopped the service for this contract. Contact the branch."
    }
    ContractPinsReset "contract_pins_reset" {
        "ご契約先暗証番号の再設定" "ご契約先暗証番号とご契約先確認暗証番号が再設定されました。"
        "Contract PINs reset" "The contract's two PINs, for logging in and for confirming operations, were set anew."
    }
    ContractTerminated "contract_terminated" {
        "解約" "ご契約が解約され、すべての電子証明書が失効しました。"
        "Contract terminated" "The contract was terminated. All its certificates are revoked."
    }
    ContractUnlocked "contract_unlocked" {
        "ご契約先のロック解除" "ご契約先のロックが解除されました。"
        "Contract unlocked" "The lock of the contract was lifted."
    }
    EmergencyLifted "emergency_lifted" {
        "緊急停止の解除" "緊急停止が解除され、サービスが再開されました。"
        "Emergency stop lifted" "The emergency stop was lifted. The service is available again."
    }
    EmergencyStop "emergency_stop" {
        "緊急停止" "緊急停止の操作により、ご契約先のサービスを停止しました。再開はお取引店にご連絡ください。"
        "Emergency stop" "The service was stopped for this contract in an emergency. Contact the branch to begin again."
    }
    Expired "certificate_expired" {
        "電子証明書の有効期限切れ" "電子証明書の有効期限が経過しました。ご利用には再発行が必要です。"
        "Certificate expired" "The certificate has expired. It has to be reissued before it can be used again."
    }
    Expiring "certificate_expiring" {
        "電子証明書の有効期限のご案内" "電子証明書の有効期限が近づいています。期限までに更新してください。"
        "Certificate ends soon" "The certificate ends soon. Renew it before that."
    }
    KeyWaits "key_waits" {
        "鍵の確認依頼" "電子証明書の取得で、管理者による鍵の指紋の確認を待っています。利用者が読み上げる指紋と照合してください。"
        "Key to be confirmed" "An acquisition waits for the administrator to confirm the fingerprint of the key. Compare it with what the user reads out."
    }
    Lapsed "certificate_lapsed" {
        "電子証明書の取得期限切れ" "取得期限までに電子証明書が取得されませんでした。必要な場合は再発行してください。"
        "Acquisition deadline passed" "The certificate was not acquired before its deadline. Reissue it where it is needed."
    }
    NotAcquired "certificate_not_acquired" {
        "電子証明書が未取得です" "再発行した電子証明書がまだ取得されていません。利用者にご確認ください。"
        "Certificate not acquired yet" "A certificate that was reissued has not been acquired yet. Ask the user."
    }
    PinReset "user_pin_reset" {
        "利用者暗証番号の再設定" "利用者暗証番号が再設定されました。"
        "User PIN reset" "The user PIN was set anew."
    }
    Reinstated "certificate_reinstated" {
        "電子証明書の一時停止の解除" "電子証明書の一時停止が解除され、利用できるようになりました。"
        "Certificate reinstated" "The suspension of the certificate was lifted. It can be used again."
    }
    Reissued "certificate_reissued" {
        "電子証明書の再発行" "電子証明書の発行手続きが行われ、取得できる状態になりました。"
        "Certificate reissued" "A certificate was issued and waits to be acquired."
    }
    Revoked "certificate_revoked" {
        "電子証明書の失効" "電子証明書が失効しました。"
        "Certificate revoked" "The certificate was revoked."
    }
    RightsGiven "rights_given" {
        "取引権限の再付与" "再発行により停止していた利用者の取引権限が再び付与されました。"
        "Rights given again" "The rights of the user that a reissue had suspended were given again."
    }
    Suspended "certificate_suspended" {
        "電子証明書の一時停止" "電子証明書が一時停止されました。解除には、停止した本人以外の手続きが必要です。"
        "Certificate suspended" "The certificate was suspended. Somebody other than whoever suspended it can reinstate it."
    }
    TokenEnding "token_ending" {
        "トークンの有効期限のご案内" "ワンタイムパスワードのトークンの有効期限が近づいています。期限までに新しいトークンと交換してください。"
        "Token ends soon" "The token for one-time passwords reaches its end of life soon. Exchange it for another before that."
    }
    TokenExpired "token_expired" {
        "トークンの有効期限切れ" "ワンタイムパスワードのトークンの有効期限が経過しました。別のトークンを登録してください。"
        "Token expired" "The token for one-time passwords is past its end of life. Register another one."
    }
    TokenLocked "token_locked" {
        "トークンのロック" "ワンタイムパスワードのトークンがロックされました。"
        "Token locked" "The token for one-time passwords was locked."
    }
    TokenRegistered "token_registered" {
        "トークンの登録" "ワンタイムパスワードのトークンが登録されました。"
        "Token registered" "A token for one-time passwords was registered."
    }
    TokenRenewed "token_exchanged" {
        "トークンの交換" "ワンタイムパスワードのトークンが新しいものに交換されました。"
        "Token exchanged" "The token for one-time passwords was exchanged for another."
    }
    TokenResynchronised "token_resynchronised" {
        "トークンの再同期" "ワンタイムパスワードのトークンの時刻またはカウンターのずれが補正されました。"
        "Token resynchronised" "The drift of the token for one-time passwords was corrected."
    }
    TokenRevoked "token_revoked" {
        "トークンの失効" "ワンタイムパスワードのトークンが失効しました。"
        "Token revoked" "The token for one-time passwords was revoked."
    }
    TokenUnlocked "token_unlocked" {
        "トークンのロック解除" "ワンタイムパスワードのトークンのロックが解除されました。"
        "Token unlocked" "The lock of the token for one-time passwords was lifted."
    }
    UserChanged "user_changed" {
        "利用者情報の変更" "利用者の情報が変更されました。メールアドレスの変更の場合は、変更前と変更後の両方の宛先にお知らせしています。"
        "User changed" "A user's details were changed. Where the address changed, the old and the new one are both told."
    }
    UserDeregistered "user_deregistered" {
        "利用者の登録抹消" "利用者の登録が抹消されました。"
        "User deregistered" "The user was deregistered."
    }
    UserLocked "user_locked" {
        "利用者のロック" "入力誤りが続いたため、利用者がロックされました。"
        "User locked" "Wrong entries in a row have locked the user."
    }
    UserRegistered "user_registered" {
        "利用者の登録" "利用者が登録されました。"
        "User registered" "A user was registered."
    }
    UserResumed "user_resumed" {
        "利用者の利用中止解除" "利用者の利用中止が解除されました。"
        "User resumed" "The user may use the service again."
    }
    UserStopped "user_stopped" {
        "利用者の利用中止" "利用者の利用が中止されました。"
        "User stopped" "The user was stopped from using the service."
    }
    UserUnlocked "user_unlocked" {
        "利用者のロック解除" "利用者のロックが解除されました。"
        "User unlocked" "The lock of the user was lifted."
    }
}

pub(super) fn row(kind: Kind) -> &'static Row {
    // A kind without a row does not pass the tests; the first one stands in for it.
    static MISSING: Row = Row { kind: Kind::Acquired, key: "", ja: ("", ""), en: ("", "") };
    TABLE.iter().find(|row| row.kind == kind).unwrap_or(&MISSING)
}

impl Row {
    /// What the notice is called.
    pub(super) fn title(&self, language: Language) -> &'static str {
        match language {
            Language::Ja => self.ja.0,
            Language::En => self.en.0,
        }
    }
}

/// Subject and body of a notice. Where it has a stop code, `{stop-code}` stands in the body.
#[must_use]
pub fn compose(kind: Kind, facts: &Facts, language: Language) -> (String, String) {
    let row = row(kind);
    match language {
        Language::Ja => (format!("【お知らせ】{}", row.ja.0), japanese(row.ja.1, facts)),
        Language::En => (format!("Notice: {}", row.en.0), english(row.en.1, facts)),
    }
}

fn japanese(text: &str, facts: &Facts) -> String {
    let role = match facts.role.as_str() {
        "administrator" => "管理者",
        "bank_operator" => "金融機関",
        "applicant" | "holder" | "user" => "利用者",
        _ => "システム",
    };
    let mut lines = vec![text.to_owned(), String::new(), format!("契約者ID: {}", facts.contract)];
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("{name}: {value}"));
        }
    };
    add("利用者ID", &facts.user);
    add("管理者番号", &facts.administrator);
    add("電子証明書発行番号", &facts.issue_no);
    add("トークンのシリアル番号", &facts.token);
    add("期限", &facts.ends_at.map(jst::date_time).unwrap_or_default());
    add("日時", &format!("{}（日本時間）", jst::date_time(facts.at)));
    add("操作者", role);
    add("操作元", &facts.place);
    if let Some(until) = facts.stop_until {
        lines.push(format!(
            "\nお心当たりがない場合は、次の停止コードをご利用の金融機関の停止画面（/stop）に入力してください。\
             電子証明書が直ちに一時停止されます。\n停止コード: {STOP_CODE}\n（一回限り、{}まで）",
            jst::date_time(until)
        ));
    } else {
        lines.push("\nお心当たりがない場合は、お手元の書類に記載のお取引店にお電話ください。".to_owned());
    }
    lines.push(
        "\nこのお知らせにはリンクを記載していません。また、暗証番号やワンタイムパスワードの入力をお願いすることはありません。\
         返信はお受けできません。\n"
            .to_owned(),
    );
    lines.join("\n")
}

fn english(text: &str, facts: &Facts) -> String {
    let role = match facts.role.as_str() {
        "administrator" => "administrator",
        "bank_operator" => "the bank",
        "applicant" | "holder" | "user" => "user",
        _ => "the system",
    };
    let mut lines = vec![text.to_owned(), String::new(), format!("Contract ID: {}", facts.contract)];
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("{name}: {value}"));
        }
    };
    add("User ID", &facts.user);
    add("Administrator number", &facts.administrator);
    add("Certificate issue number", &facts.issue_no);
    add("Token serial number", &facts.token);
    add("End", &facts.ends_at.map(jst::english).unwrap_or_default());
    add("Time", &jst::english(facts.at));
    add("Done by", role);
    add("From", &facts.place);
    if let Some(until) = facts.stop_until {
        lines.push(format!(
            "\nIf this was not you, enter the following stop code on your bank's stop page (/stop). \
             The certificate is then suspended at once.\nStop code: {STOP_CODE}\n\
             (counts once, until {})",
            jst::english(until)
        ));
    } else {
        lines.push("\nIf this was not you, call the branch at the number in your own papers.".to_owned());
    }
    lines.push(
        "\nThis notice has no links. It does not ask you for a PIN or a one-time password. Replies are not read.\n"
            .to_owned(),
    );
    lines.join("\n")
}
