//! The catalogue of refusals: codes and texts that every part shares (requirements §4.5).

use serde::{Deserialize, Serialize};

/// The language of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// 日本語.
    Ja,
}

impl Language {
    /// From an `Accept-Language` value (RFC 9110 §12.5.4) or a locale name: Japanese when its first
    /// choice is Japanese, English otherwise.
    #[must_use]
    pub fn from_tag(tag: &str) -> Self {
        if tag.trim_start().to_ascii_lowercase().starts_with("ja") { Self::Ja } else { Self::En }
    }

    /// `en` or `ja`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }
}

/// Who reads a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Audience {
    /// A user, or whoever is not known yet.
    #[default]
    User,
    /// An administrator, who reads of their own certificate or of a user's matter.
    Administrator,
}

/// Why something was refused. A refused request changes nothing but counters and the event record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// An administrator's certificate cannot be reissued on line (S-046).
    AdminReissue,
    /// The contract has as many administrators as it may (D-401).
    AdminMax,
    /// A wrong ID or PIN; one text, no hint which (S-074).
    Auth,
    /// A message that no correct client sends.
    BadRequest,
    /// The PIN of the token is blocked (D-803).
    CardBlocked,
    /// The PIN of the token was wrong (D-802).
    CardPin,
    /// The token was removed during work (S-083).
    CardRemoved,
    /// The certificate is past its end (S-112, D-608).
    CertExpired,
    /// There is no certificate; it may have been tampered with (D-509).
    CertNone,
    /// A certificate without a user ID at the user's door (S-103).
    CertNoUser,
    /// The certificate's validity has not begun.
    CertNotYet,
    /// The certificate was revoked or replaced (S-112).
    CertRevoked,
    /// The certificate is on hold (D-807).
    CertSuspended,
    /// Issued, but the installation is not confirmed (S-084).
    CertUnconfirmed,
    /// A user's certificate at the administrator's door (S-001).
    CertUser,
    /// No choice was made (S-037).
    ChoiceRequired,
    /// A client that cannot acquire (S-077).
    Client,
    /// A wrong confirmation PIN (S-042).
    ConfirmPin,
    /// The issue data lapsed (D-103).
    Deadline,
    /// The device is not accepted, or not the one named (D-502, D-503).
    Device,
    /// A second administrator is needed (D-405).
    Dual,
    /// An e-mail address that is none.
    Email,
    /// An ID or serial that is taken, or that was and is barred (D-213).
    Exists,
    /// The administrator confirms another key than the one that waits (D-503).
    Fingerprint,
    /// A contract or user ID of another form (S-003, S-008).
    IdFormat,
    /// The acquisition was given up or failed (S-081 to S-085).
    Install,
    /// The authority's own fault. It may come after a change was made durable, and promises nothing.
    Internal,
    /// The CA's key is out of reach.
    Issuing,
    /// Issue number 999 was used (S-045).
    IssueNoMax,
    /// Without this administrator too few would be left (D-407).
    LastAdmin,
    /// The link of a login was opened in another browser first.
    Link,
    /// 100 wrong entries in a row: only the bank unlocks the user (D-907).
    LockBranch,
    /// The contract is locked (D-202).
    LockContract,
    /// The user is locked (S-121).
    LockUser,
    /// An address that is not asked for in this way.
    Method,
    /// A wrong PIN that has ended the login: the card signs again.
    LoginAgain,
    /// No certificate is in use that could be suspended or revoked (D-807).
    NoneValid,
    /// A name that cannot be shown.
    Name,
    /// The administrator or operator named something that is not there.
    NotFound,
    /// No issue is open (S-070, S-082).
    NotIssued,
    /// The certificate is not on hold.
    NotSuspended,
    /// The authority does not serve this kind of request yet.
    NotYet,
    /// The user has no OTP token (S-061).
    NoToken,
    /// A form of a page that a later login has overtaken.
    OldPage,
    /// Origin or challenge is not acceptable (D-602).
    Origin,
    /// A wrong or used OTP (S-065).
    Otp,
    /// One's own matter: another administrator decides (D-405, D-406).
    OwnMatter,
    /// A relying party without a registration, or with a wrong bearer token.
    Party,
    /// A new PIN that was not entered twice alike.
    PinAgain,
    /// The PIN that somebody else set is to be changed first (S-123).
    PinChange,
    /// A new PIN that breaks the rule (D-206).
    PinFormat,
    /// A new PIN that is the old one.
    PinSame,
    /// More requests than the limit.
    RateLimited,
    /// An issue is open that the administrator made: that is to be acquired, and nothing renewed (C9).
    Reissued,
    /// It is too early to renew the certificate (D-104).
    RenewEarly,
    /// An entry or a choice that must be there is not.
    Required,
    /// The renewal was begun so often, and never finished, that it is not begun again.
    RenewMax,
    /// Whoever put the certificate on hold, or whose it is, cannot lift that (D-405).
    SamePerson,
    /// A serial number that is none.
    Serial,
    /// No session, or one that ended (D-610).
    Session,
    /// The data changed since it was shown (S-043).
    Stale,
    /// A key below 112 bits (D-906).
    Strength,
    /// The certificate came back from suspension so often that it can only be revoked (D-807).
    SuspendMax,
    /// The answer took too long: whether it was done is not known.
    TimedOut,
    /// The user's token was revoked a moment ago; another one waits (D-304).
    TokenDelay,
    /// The bank has locked the OTP token: only the bank unlocks it.
    TokenBank,
    /// The OTP token's life is over (D-309).
    TokenExpired,
    /// The user has an OTP token already (D-304).
    TokenHeld,
    /// The OTP token is locked.
    TokenLocked,
    /// More was sent than any form holds.
    TooLarge,
    /// The transaction's number was used for another request.
    TransactionInUse,
    /// The authority's database is not to be had at the moment. Where it went during a commit, nobody knows what became
    /// of that.
    Unavailable,
    /// The contract has as many users as it may (D-402).
    UserMax,
    /// No user was selected (S-021).
    UserNotSelected,
    /// The user is stopped by the administrator (利用中止).
    UserStopped,
}

struct Row {
    refusal: Refusal,
    code: &'static str,
    status: u16,
    en: &'static str,
    ja: &'static str,
}

impl Refusal {
    /// All of them, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.refusal)
    }

    /// The code, for example `E-OTP`. Codes never change meaning.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().map_or("E-INTERNAL", |row| row.code)
    }

    /// The refusal with that code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.code == code).map(|row| row.refusal)
    }

    /// The HTTP status it goes with (RFC 9457 `status`).
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().map_or(500, |row| row.status)
    }

    /// The text, with `{date}` where the caller has one to put in.
    #[must_use]
    pub fn template(self, language: Language) -> &'static str {
        self.row().map_or("", |row| match language {
            Language::En => row.en,
            Language::Ja => row.ja,
        })
    }

    /// The text; `date` (already in the reader's form) stands where the template has `{date}`.
    #[must_use]
    pub fn text(self, language: Language, date: &str) -> String {
        self.template(language).replace("{date}", date)
    }

    /// The text for that reader: an administrator is not told to ask the administrator (S-047).
    #[must_use]
    pub fn text_for(self, audience: Audience, language: Language, date: &str) -> String {
        let own = FOR_ADMINISTRATORS.iter().find(|(refusal, ..)| *refusal == self);
        let template = match (audience, own, language) {
            (Audience::Administrator, Some((_, en, _)), Language::En) => en,
            (Audience::Administrator, Some((.., ja)), Language::Ja) => ja,
            _ => self.template(language),
        };
        template.replace("{date}", date)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.refusal == self)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code(), self.template(Language::En))
    }
}

impl std::error::Error for Refusal {}

#[rustfmt::skip] // one refusal a line reads better than six lines each
static TABLE: &[Row] = &[
    Row { refusal: Refusal::AdminReissue, code: "E-ADMIN-REISSUE", status: 403, en: "The administrator's certificate cannot be reissued from internet banking. Submit the request form to your branch.", ja: "管理者の電子証明書はインターネットバンキングから再発行できません。所定の依頼書をお取引店にご提出ください。" },
    Row { refusal: Refusal::AdminMax, code: "E-ADMIN-MAX", status: 409, en: "The contract has as many administrators as it may. Remove one first.", ja: "管理者の登録数が上限に達しています。先に管理者の登録を抹消してください。" },
    Row { refusal: Refusal::Auth, code: "E-AUTH", status: 401, en: "The entries do not match. Check them and try again.", ja: "入力内容に誤りがあります。ご確認のうえ、再度入力してください。" },
    Row { refusal: Refusal::BadRequest, code: "E-BAD-REQUEST", status: 400, en: "The request is not well-formed. Update this software, or report the fault to whoever wrote it.", ja: "要求の形式が正しくありません。ソフトウェアを更新するか、提供元にお問い合わせください。" },
    Row { refusal: Refusal::CardBlocked, code: "E-CARD-BLOCKED", status: 423, en: "The hardware key is blocked. Ask the administrator to unblock it.", ja: "ハードウェアキーがロックされました。管理者にお問い合わせください。" },
    Row { refusal: Refusal::CardPin, code: "E-CARD-PIN", status: 401, en: "Wrong PIN. Check the tries that are left before you try again.", ja: "PINが正しくありません。残り回数をご確認のうえ、再度入力してください。" },
    Row { refusal: Refusal::CardRemoved, code: "E-CARD-REMOVED", status: 409, en: "The hardware key was removed. Insert it again; the work goes on where it stopped.", ja: "ハードウェアキーが取り外されました。再度挿入すると、続きから再開します。" },
    Row { refusal: Refusal::CertExpired, code: "E-CERT-EXPIRED", status: 403, en: "The certificate expired on {date}. Ask the administrator to reissue it.", ja: "電子証明書の有効期限（{date}）が経過しています。管理者に再発行をご依頼ください。" },
    Row { refusal: Refusal::CertNone, code: "E-CERT-NONE", status: 404, en: "No certificate found. If you did not remove it, check for malware before asking for reissue.", ja: "電子証明書が見つかりません。お心当たりがない場合は、再発行の前にウイルスチェックを行ってください。" },
    Row { refusal: Refusal::CertNoUser, code: "E-CERT-NOUSER", status: 403, en: "This certificate has no user ID (e.g. an administrator's). You cannot log in as a user with it.", ja: "利用者IDが含まれていない電子証明書です。利用者ログインはできません。" },
    Row { refusal: Refusal::CertNotYet, code: "E-CERT-NOTYET", status: 403, en: "The certificate is valid only from {date}. Check the clock of this machine.", ja: "電子証明書の有効期間は{date}からです。パソコンの時刻をご確認ください。" },
    Row { refusal: Refusal::CertRevoked, code: "E-CERT-REVOKED", status: 403, en: "The certificate was revoked. Ask the administrator to reissue it.", ja: "この電子証明書は失効しています。管理者に再発行をご依頼ください。" },
    Row { refusal: Refusal::CertSuspended, code: "E-CERT-SUSPENDED", status: 403, en: "The certificate is suspended. Ask the administrator to reinstate it.", ja: "この電子証明書は一時停止中です。管理者にお問い合わせください。" },
    Row { refusal: Refusal::CertUnconfirmed, code: "E-CERT-UNCONFIRMED", status: 403, en: "The certificate is not confirmed as installed yet. Resume the acquisition.", ja: "電子証明書の取得が完了していません。取得を再開してください。" },
    Row { refusal: Refusal::CertUser, code: "E-CERT-USER", status: 403, en: "This certificate is a user's. You cannot log in as the administrator with it.", ja: "利用者の電子証明書です。管理者ログインはできません。" },
    Row { refusal: Refusal::ChoiceRequired, code: "E-CHOICE-REQ", status: 422, en: "Choose keep, reissue or revoke.", ja: "電子証明書の取扱いを選択してください。" },
    Row { refusal: Refusal::Client, code: "E-CLIENT", status: 403, en: "This software cannot acquire a certificate. Use jitsuind.", ja: "この環境では電子証明書を取得できません。jitsuindをご利用ください。" },
    Row { refusal: Refusal::ConfirmPin, code: "E-CONFIRM-PIN", status: 403, en: "The contract confirmation PIN is wrong. Nothing was changed.", ja: "ご契約先確認暗証番号が正しくありません。変更は行われていません。" },
    Row { refusal: Refusal::Deadline, code: "E-DEADLINE", status: 410, en: "The acquisition deadline has passed. Ask the administrator to reissue.", ja: "取得期限を過ぎています。管理者に再発行をご依頼ください。" },
    Row { refusal: Refusal::Device, code: "E-DEVICE", status: 403, en: "This hardware key is not registered for you. Use the one the administrator named.", ja: "このハードウェアキーは登録されていません。管理者が指定したものをご利用ください。" },
    Row { refusal: Refusal::Dual, code: "E-DUAL", status: 202, en: "Another administrator must approve.", ja: "他の管理者の承認が必要です。" },
    Row { refusal: Refusal::Email, code: "E-EMAIL", status: 422, en: "This is not an e-mail address. Nothing was changed; check it.", ja: "Eメールアドレスの形式が正しくありません。変更は行われていません。ご確認ください。" },
    Row { refusal: Refusal::Exists, code: "E-EXISTS", status: 409, en: "This ID or serial number is in use or was used before. Choose another.", ja: "このIDまたは番号は使用中か、過去に使用されています。別のものを指定してください。" },
    Row { refusal: Refusal::Fingerprint, code: "E-FINGERPRINT", status: 409, en: "This is not the fingerprint of the key that waits. Nothing was confirmed; have the user read it out again, and do not confirm a key that the user does not show.", ja: "確認待ちの鍵の指紋と一致しません。確認は行われていません。利用者に指紋を再度読み上げてもらい、一致しない場合は確認しないでください。" },
    Row { refusal: Refusal::IdFormat, code: "E-ID-FORMAT", status: 422, en: "The contract ID is 11 digits. The user ID is 1 to 30 letters and digits.", ja: "契約者IDは11桁の数字で入力してください。利用者IDは30桁以内の半角英数字です。" },
    Row { refusal: Refusal::Install, code: "E-INSTALL", status: 409, en: "The certificate was not correctly installed. Ask the administrator for reissue.", ja: "電子証明書が正しくインストールされませんでした。管理者に電子証明書の再発行をご依頼ください。" },
    Row { refusal: Refusal::Internal, code: "E-INTERNAL", status: 500, en: "The authority failed, and whether it was done is not known. Look how things stand before you try again.", ja: "システムエラーが発生し、処理が行われたかどうかを確認できません。現在の状態をご確認のうえ、再度お試しください。" },
    Row { refusal: Refusal::IssueNoMax, code: "E-ISSUE-NO-MAX", status: 409, en: "The issue number is used up. Contact the branch.", ja: "発行番号の上限に達しました。お取引店にご連絡ください。" },
    Row { refusal: Refusal::Issuing, code: "E-ISSUING", status: 503, en: "Certificates cannot be issued at the moment. Nothing was changed; try again later.", ja: "現在、電子証明書を発行できません。変更は行われていません。しばらくしてから再度お試しください。" },
    Row { refusal: Refusal::LastAdmin, code: "E-LAST-ADMIN", status: 409, en: "Too few administrators would be left. Register another one first.", ja: "管理者の数が必要数を下回るため、処理できません。先に別の管理者を登録してください。" },
    Row { refusal: Refusal::Link, code: "E-LINK", status: 403, en: "This login was opened in another browser. Begin again with the hardware key; if it was not you who opened it, somebody else has seen the link: tell the administrator or the branch.", ja: "このログインは別のブラウザーで開かれています。ハードウェアキーを用いて、最初からログインし直してください。お心当たりがない場合は、リンクを第三者に見られた可能性がありますので、管理者またはお取引店にご連絡ください。" },
    Row { refusal: Refusal::LockBranch, code: "E-LOCK-BRANCH", status: 423, en: "The user made 100 wrong entries in a row and can be unlocked by the bank only. Submit the request form to your branch.", ja: "入力誤りが連続して100回に達したため、ロックの解除は金融機関でのみ行えます。所定の依頼書をお取引店にご提出ください。" },
    Row { refusal: Refusal::LockContract, code: "E-LOCK-CONTRACT", status: 423, en: "The service is stopped for this contract. Contact the branch.", ja: "ご契約先のサービスを停止しています。お取引店にご連絡ください。" },
    Row { refusal: Refusal::LockUser, code: "E-LOCK-USER", status: 423, en: "You are locked. Ask the administrator to unlock.", ja: "ロックされています。管理者にロック解除をご依頼ください。" },
    Row { refusal: Refusal::Method, code: "E-METHOD", status: 405, en: "This address does not take such a request. Begin again from the menu.", ja: "この画面ではその操作を受け付けていません。メニューからもう一度お手続きください。" },
    Row { refusal: Refusal::LoginAgain, code: "E-LOGIN-AGAIN", status: 401, en: "The entries do not match, and after so many wrong ones this login has ended. Begin again with the hardware key.", ja: "入力内容に誤りがあります。誤りが続いたため、このログインを終了しました。ハードウェアキーを用いて、最初からログインし直してください。" },
    Row { refusal: Refusal::NoneValid, code: "E-NONE-VALID", status: 409, en: "There is no valid certificate. Nothing was changed.", ja: "有効な電子証明書がありません。変更は行われていません。" },
    Row { refusal: Refusal::Name, code: "E-NAME", status: 422, en: "The name is up to 64 characters. Nothing was changed; check it.", ja: "名称は64文字以内で入力してください。変更は行われていません。ご確認ください。" },
    Row { refusal: Refusal::NotFound, code: "E-NOT-FOUND", status: 404, en: "There is no such entry. Check the ID.", ja: "該当するデータがありません。IDをご確認ください。" },
    Row { refusal: Refusal::NotIssued, code: "E-NOT-ISSUED", status: 409, en: "No certificate is ready for acquisition. Ask the administrator to reissue.", ja: "取得できる電子証明書がありません。管理者に再発行をご依頼ください。" },
    Row { refusal: Refusal::NotSuspended, code: "E-NOT-SUSPENDED", status: 409, en: "The certificate is not suspended. Nothing was changed.", ja: "電子証明書は一時停止されていません。変更は行われていません。" },
    Row { refusal: Refusal::NotYet, code: "E-NOT-YET", status: 501, en: "The authority does not offer this yet. Ask the administrator to reissue the certificate instead.", ja: "この手続きにはまだ対応していません。管理者に電子証明書の再発行をご依頼ください。" },
    Row { refusal: Refusal::NoToken, code: "E-NO-TOKEN", status: 409, en: "No token is registered for this user. Ask the administrator.", ja: "ワンタイムパスワード（トークン）が登録されていません。管理者にお問い合わせください。" },
    Row { refusal: Refusal::OldPage, code: "E-OLD-PAGE", status: 409, en: "This page is out of date, and nothing was done. Open it again and enter everything once more.", ja: "この画面は古くなっています。処理は行われていません。画面を開き直して、もう一度入力してください。" },
    Row { refusal: Refusal::Origin, code: "E-ORIGIN", status: 403, en: "The request does not come from the registered bank. Do not go on; contact the branch.", ja: "登録された接続先からの要求ではありません。操作を中止し、お取引店にご連絡ください。" },
    Row { refusal: Refusal::Otp, code: "E-OTP", status: 401, en: "The one-time password is wrong or already used. Wait for the next one and try again.", ja: "ワンタイムパスワードが正しくないか、使用済みです。次のパスワードが表示されてから再度入力してください。" },
    Row { refusal: Refusal::OwnMatter, code: "E-OWN", status: 403, en: "Nobody decides in their own matter. Another administrator must do it, or the bank.", ja: "ご本人に関する操作は行えません。他の管理者またはお取引店にご依頼ください。" },
    Row { refusal: Refusal::Party, code: "E-PARTY", status: 401, en: "This server is not registered, or its bearer token is wrong. Register it at the bank.", ja: "登録されていないサーバーか、認証情報が正しくありません。金融機関に登録をご依頼ください。" },
    Row { refusal: Refusal::PinAgain, code: "E-PIN-AGAIN", status: 422, en: "The two entries of the new PIN differ. Nothing was changed; enter it twice alike.", ja: "新しい暗証番号と確認用の入力が一致しません。変更は行われていません。同じ暗証番号を2回入力してください。" },
    Row { refusal: Refusal::PinChange, code: "E-PIN-CHANGE", status: 403, en: "This user PIN was set by somebody else. Set one of your own first.", ja: "利用者暗証番号が初期設定のままです。先に暗証番号を変更してください。" },
    Row { refusal: Refusal::PinFormat, code: "E-PIN-FORMAT", status: 422, en: "The PIN is 6 to 12 letters and digits, at least one of each. Nothing was changed.", ja: "暗証番号は英字と数字を混在させた6～12桁で入力してください。変更は行われていません。" },
    Row { refusal: Refusal::PinSame, code: "E-PIN-SAME", status: 422, en: "The new PIN is the old one. Nothing was changed; choose another.", ja: "新しい暗証番号が現在の暗証番号と同じです。変更は行われていません。別の暗証番号を入力してください。" },
    Row { refusal: Refusal::RateLimited, code: "E-RATE", status: 429, en: "Too many requests. Wait a moment and try again.", ja: "要求が多すぎます。しばらくしてから再度お試しください。" },
    Row { refusal: Refusal::Reissued, code: "E-REISSUED", status: 409, en: "The administrator has reissued the certificate. Acquire the new one instead of renewing.", ja: "管理者が電子証明書を再発行しています。更新ではなく、電子証明書の取得を行ってください。" },
    Row { refusal: Refusal::RenewEarly, code: "E-RENEW-EARLY", status: 409, en: "The certificate cannot be renewed before {date}. Renew it from then on.", ja: "電子証明書は{date}から更新できます。更新期間になってから再度お試しください。" },
    Row { refusal: Refusal::Required, code: "E-REQUIRED", status: 422, en: "Something that is required was not entered or chosen. Nothing was changed; enter or choose it.", ja: "必須項目が入力または選択されていません。変更は行われていません。入力または選択してください。" },
    Row { refusal: Refusal::RenewMax, code: "E-RENEW-MAX", status: 409, en: "The renewal was begun too often without being finished. Ask the administrator to reissue the certificate; an administrator submits the request form to the branch.", ja: "更新が完了しないまま、更新手続きの回数が上限に達しました。管理者に電子証明書の再発行をご依頼ください。管理者の方は所定の依頼書をお取引店にご提出ください。" },
    Row { refusal: Refusal::SamePerson, code: "E-SAME-PERSON", status: 403, en: "Whoever suspended the certificate, or holds it, cannot reinstate it. Ask another administrator, or submit the request form to your branch.", ja: "一時停止した本人および電子証明書の利用者は、一時停止を解除できません。他の管理者に依頼するか、所定の依頼書をお取引店にご提出ください。" },
    Row { refusal: Refusal::Serial, code: "E-SERIAL", status: 422, en: "A serial number is up to 64 letters, digits and signs without blanks. Nothing was changed; check it.", ja: "シリアル番号は、空白を含まない半角英数字・記号64文字以内で入力してください。変更は行われていません。ご確認ください。" },
    Row { refusal: Refusal::Session, code: "E-SESSION", status: 401, en: "You are not logged in, or the session has ended. Log in again.", ja: "ログインしていないか、セッションが終了しました。再度ログインしてください。" },
    Row { refusal: Refusal::Stale, code: "E-STALE", status: 409, en: "The information has changed. Check again.", ja: "内容が更新されています。再度ご確認ください。" },
    Row { refusal: Refusal::Strength, code: "E-STRENGTH", status: 422, en: "The key is too weak or of a kind that is not accepted. Use P-256, P-384 or RSA of 2048 bits or more.", ja: "鍵の種類または強度が不足しています。P-256、P-384または2048ビット以上のRSAをご利用ください。" },
    Row { refusal: Refusal::SuspendMax, code: "E-SUSPEND-MAX", status: 409, en: "The certificate was suspended too often to be reinstated. Reissue or revoke it.", ja: "一時停止の回数が上限を超えたため、解除できません。再発行または失効を行ってください。" },
    Row { refusal: Refusal::TimedOut, code: "E-TIMEOUT", status: 503, en: "The answer took too long, and whether it was done is not known. Look how things stand before you try again.", ja: "時間内に処理が完了せず、処理が行われたかどうかを確認できません。現在の状態をご確認のうえ、再度お試しください。" },
    Row { refusal: Refusal::TokenBank, code: "E-TOKEN-BANK", status: 423, en: "The bank has locked this token, and only the bank unlocks it. Submit the request form to your branch.", ja: "このトークンは金融機関がロックしているため、ロックの解除は金融機関でのみ行えます。所定の依頼書をお取引店にご提出ください。" },
    Row { refusal: Refusal::TokenDelay, code: "E-TOKEN-DELAY", status: 409, en: "A token was revoked a short time ago. A new one can be registered from {date}.", ja: "トークンの失効から所定の時間が経過していません。{date}以降に登録してください。" },
    Row { refusal: Refusal::TokenExpired, code: "E-TOKEN-EXPIRED", status: 403, en: "The token is past its end of life. Ask the administrator to register another one.", ja: "トークンの有効期限が経過しています。管理者に別のトークンの登録をご依頼ください。" },
    Row { refusal: Refusal::TokenHeld, code: "E-TOKEN-HELD", status: 409, en: "The user has a token already. Exchange it, or revoke it first.", ja: "この利用者にはトークンが登録されています。トークンの交換を行うか、先に失効してください。" },
    Row { refusal: Refusal::TokenLocked, code: "E-TOKEN-LOCKED", status: 423, en: "The token is locked. Ask the administrator to unlock it.", ja: "トークンがロックされています。管理者にトークンのロック解除をご依頼ください。" },
    Row { refusal: Refusal::TooLarge, code: "E-TOO-LARGE", status: 413, en: "What was sent is too long. Nothing was changed; shorten it and send it again.", ja: "送信された内容が長すぎます。変更は行われていません。内容を短くして再度お試しください。" },
    Row { refusal: Refusal::TransactionInUse, code: "E-TRANSACTION", status: 409, en: "The number of this request was used for another one, and nothing was changed. Begin again.", ja: "この要求の処理番号は別の要求に使用されています。変更は行われていません。最初からやり直してください。" },
    Row { refusal: Refusal::Unavailable, code: "E-UNAVAILABLE", status: 503, en: "The service is not available at the moment. Try again in a few minutes; if something was being changed, look first whether it was done.", ja: "ただいまサービスをご利用いただけません。しばらくしてから再度お試しください。手続きの途中だった場合は、先に現在の状態をご確認ください。" },
    Row { refusal: Refusal::UserMax, code: "E-USER-MAX", status: 409, en: "The contract has as many users as it may. Deregister one, or contact the branch.", ja: "利用者の登録数が上限に達しています。登録抹消を行うか、お取引店にご連絡ください。" },
    Row { refusal: Refusal::UserNotSelected, code: "E-USER-NOTSEL", status: 422, en: "Select a user.", ja: "利用者を選択してください。" },
    Row { refusal: Refusal::UserStopped, code: "E-USER-STOPPED", status: 423, en: "Your use of this service is stopped. Ask the administrator to resume it.", ja: "利用中止となっています。管理者に利用中止解除をご依頼ください。" },
];

/// What administrators read instead, in English and in Japanese.
#[rustfmt::skip] // one a line
static FOR_ADMINISTRATORS: &[(Refusal, &str, &str)] = &[
    (Refusal::CertExpired, "The certificate expired on {date}. To have an administrator's certificate reissued, submit the request form to your branch.", "電子証明書の有効期限（{date}）が経過しています。管理者の電子証明書の再発行については、所定の依頼書をお取引店にご提出ください。"),
    (Refusal::CertRevoked, "The certificate was revoked. To have an administrator's certificate reissued, submit the request form to your branch.", "この電子証明書は失効しています。管理者の電子証明書の再発行については、所定の依頼書をお取引店にご提出ください。"),
    (Refusal::CertSuspended, "The certificate is suspended. It is reinstated by an administrator other than whoever suspended it or holds it, or by the branch.", "この電子証明書は一時停止中です。解除は、一時停止した方およびご本人以外の管理者、またはお取引店が行います。"),
    (Refusal::LockUser, "This user is locked. Unlock the user first.", "この利用者はロックされています。先に利用者のロック解除を行ってください。"),
    (Refusal::NoToken, "No token is registered for this user. Register one first.", "この利用者にはトークンが登録されていません。先にトークンを登録してください。"),
    (Refusal::TokenExpired, "The token is past its end of life. Use another one.", "トークンの有効期限が経過しています。別のトークンを登録してください。"),
    (Refusal::TokenLocked, "The token is locked. Unlock a user's token first; about the contract's own token contact the branch.", "トークンがロックされています。利用者のトークンの場合は先にロック解除を行い、ご契約先のトークンの場合はお取引店にご連絡ください。"),
    (Refusal::UserStopped, "This user is stopped. Resume the user first.", "この利用者は利用中止となっています。先に利用中止解除を行ってください。"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole() {
        for refusal in Refusal::all() {
            assert_eq!(Refusal::from_code(refusal.code()), Some(refusal));
            for language in [Language::En, Language::Ja] {
                let text = refusal.template(language);
                assert!(text.ends_with(['.', '。']), "{text}");
                assert!(!text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c)), "Cyrillic in {text}");
            }
        }
        for (refusal, en, ja) in FOR_ADMINISTRATORS {
            let text = |language, date| refusal.text_for(Audience::Administrator, language, date);
            assert!(
                en.ends_with('.') && ja.ends_with('。') && !ja.contains("管理者にお") && !ja.contains("管理者に再")
            );
            assert_eq!(text(Language::En, "{date}"), *en);
            assert_eq!(refusal.template(Language::Ja).contains("{date}"), ja.contains("{date}"), "{refusal:?}");
            assert_ne!(refusal.text_for(Audience::User, Language::Ja, ""), text(Language::Ja, ""));
        }
        // What may be told of a change that was made durable.
        for refusal in [Refusal::Internal, Refusal::TimedOut, Refusal::Unavailable] {
            let (en, ja) = (refusal.template(Language::En).to_lowercase(), refusal.template(Language::Ja));
            assert!(!en.contains("nothing") && en.contains("look"), "{en}");
            assert!(!ja.contains("変更は行われていません") && ja.contains("現在の状態をご確認"), "{ja}");
        }
        assert_eq!(Refusal::all().count(), TABLE.len());
        let codes: std::collections::BTreeSet<_> = TABLE.iter().map(|r| r.code).collect();
        assert_eq!(codes.len(), TABLE.len());
    }
}
