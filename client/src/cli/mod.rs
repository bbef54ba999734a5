//! The command line.

mod history;
mod own;
mod translate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use token::{KeyAlgorithm, KeyRef, Language, TokenId};

use crate::prompt::Wish;

pub use history::{AdminHistory, Outcome};
pub use own::{OfOwn, Stop};
pub use translate::command;

/// The whole command line. The help texts come from the message files (`help-…`).
#[derive(Debug, Parser)]
#[command(name = "jitsuin", version, subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// Which command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// The daemon's configuration.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// JSON instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
    /// The language of texts.
    #[arg(long, global = true, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<Lang>,
    /// The pinentry program.
    #[arg(long, global = true, value_name = "PROGRAM")]
    pub pinentry: Option<PathBuf>,
    /// Where the person is asked.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHERE")]
    pub prompt: Wish,
    /// The system bus only.
    #[arg(long, global = true)]
    pub system: bool,
}

/// A language on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// English.
    En,
    /// 日本語.
    Ja,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::En,
            Lang::Ja => Self::Ja,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The administrator's work.
    Admin(Admin),
    /// The session agent.
    Agent,
    /// Certificates on the present tokens.
    Certificates(Certificates),
    /// A shell's completions.
    Completions {
        /// Which shell.
        #[arg(value_enum, value_name = "SHELL")]
        shell: Shell,
    },
    /// 管理者ログイン in a browser.
    Console(Console),
    /// What is wrong, who blocks it, what to do.
    Doctor {
        /// The authority to look at.
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
    },
    /// 電子証明書取得.
    Enrol(Enrol),
    /// Enrolments that were started.
    Enrolments {
        /// What to do; the list without it.
        #[command(subcommand)]
        action: Option<Enrolments>,
    },
    /// ログイン履歴.
    History(OfOwn),
    /// 電子証明書方式 利用者ログイン.
    Login(Login),
    /// The manual pages.
    Man {
        /// Where to write them.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// One-time passwords from a token.
    Otp {
        /// What to do.
        #[command(subcommand)]
        action: Otp,
    },
    /// The PIN of a token.
    Pin {
        /// What to do.
        #[command(subcommand)]
        action: Pin,
    },
    /// 更新.
    Renew(Renew),
    /// Revokes one's own certificate.
    Revoke(Revoke),
    /// Stops what a notice told of, by its stop code.
    Stop(Stop),
    /// Suspends one's own certificate.
    Suspend(Suspend),
    /// The present tokens.
    Tokens,
    /// 利用者暗証番号の変更.
    UserPin(OfOwn),
}

/// `renew`
#[derive(Args, Debug)]
pub struct Renew {
    /// The kind of the new key.
    #[arg(long, value_name = "ALGORITHM")]
    pub algorithm: Option<KeyAlgorithm>,
    /// This one.
    #[arg(long, value_name = "KEY")]
    pub certificate: Option<KeyRef>,
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// `revoke`
#[derive(Args, Debug)]
pub struct Revoke {
    /// This one.
    #[arg(long, value_name = "KEY")]
    pub certificate: Option<KeyRef>,
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Why.
    #[arg(long, value_enum, value_name = "REASON")]
    pub reason: OwnReason,
}

/// Why a holder revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OwnReason {
    /// Somebody else may have used the key.
    Compromised,
    /// It is not needed any more.
    Discarded,
}

/// `suspend`
#[derive(Args, Debug)]
pub struct Suspend {
    /// This one.
    #[arg(long, value_name = "KEY", conflicts_with = "without_card")]
    pub certificate: Option<KeyRef>,
    /// 契約者ID（利用者番号）.
    #[arg(long, value_name = "11 DIGITS", requires = "without_card")]
    pub contract_id: Option<String>,
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Why.
    #[arg(long, value_enum, default_value_t = Cause::Lost, value_name = "REASON", requires = "without_card")]
    pub reason: Cause,
    /// 利用者ID.
    #[arg(long, value_name = "ID", requires = "without_card")]
    pub user_id: Option<String>,
    /// With the user PIN instead of the card.
    #[arg(long)]
    pub without_card: bool,
}

/// Why a certificate is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cause {
    /// The holder is away.
    Absence,
    /// The hardware key is lost.
    Lost,
    /// Something else.
    Other,
    /// The hardware key was stolen.
    Stolen,
    /// Somebody else may be using it.
    Suspicion,
}

impl Cause {
    /// The authority's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Absence => "absence",
            Self::Lost => "lost",
            Self::Other => "other",
            Self::Stolen => "stolen",
            Self::Suspicion => "suspicion",
        }
    }
}

/// `certificates`
#[derive(Args, Debug)]
pub struct Certificates {
    /// On this token only.
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<TokenId>,
    /// For what.
    #[arg(long, value_enum, default_value_t = Usage::All, value_name = "USAGE")]
    pub usage: Usage,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Usage {
    /// Administrator login.
    AdministratorLogin,
    /// Anything.
    All,
    /// User login.
    UserLogin,
}

impl Usage {
    /// The daemon's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AdministratorLogin => "administrator-login",
            Self::All => "all",
            Self::UserLogin => "user-login",
        }
    }
}

/// `enrol`
#[derive(Args, Debug)]
pub struct Enrol {
    /// An administrator's certificate: no user ID.
    #[arg(long, conflicts_with = "user_id")]
    pub administrator: bool,
    /// The kind of key.
    #[arg(long, value_name = "ALGORITHM")]
    pub algorithm: Option<KeyAlgorithm>,
    /// 契約者ID（利用者番号）.
    #[arg(long, value_name = "11 DIGITS")]
    pub contract_id: Option<String>,
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The token.
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<TokenId>,
    /// 利用者ID.
    #[arg(long, value_name = "ID")]
    pub user_id: Option<String>,
}

/// `enrolments …`
#[derive(Debug, Subcommand)]
pub enum Enrolments {
    /// Gives one up for good.
    Abandon {
        /// Which.
        #[arg(value_name = "ENROLMENT")]
        enrolment: String,
    },
    /// Shows them.
    List,
    /// Stops one where it is.
    Pause {
        /// Which.
        #[arg(value_name = "ENROLMENT")]
        enrolment: String,
    },
    /// Goes on with one.
    Resume {
        /// Which; the only one that is not over without it.
        #[arg(value_name = "ENROLMENT")]
        enrolment: Option<String>,
    },
}

/// `console`
#[derive(Args, Debug)]
pub struct Console {
    /// With this key.
    #[arg(long, value_name = "KEY")]
    pub certificate: Option<KeyRef>,
    /// Print the link instead of opening a browser.
    #[arg(long)]
    pub print: bool,
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// `login`
#[derive(Args, Debug)]
pub struct Login {
    /// Goes on in a browser.
    #[arg(long, conflicts_with = "token_only")]
    pub browser: bool,
    /// With this key.
    #[arg(long, value_name = "KEY")]
    pub certificate: Option<KeyRef>,
    /// Print the link that goes on in a browser.
    #[arg(long, conflicts_with = "token_only")]
    pub print: bool,
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Sign this and print the login token.
    #[arg(long, num_args = 2, value_names = ["ORIGIN", "CHALLENGE"])]
    pub token_only: Option<Vec<String>>,
    /// Which kind of certificate; only with `--token-only`.
    #[arg(long, value_enum, default_value_t = Usage::UserLogin, value_name = "USAGE", requires = "token_only")]
    pub usage: Usage,
}

/// `otp …`
#[derive(Debug, Subcommand)]
pub enum Otp {
    /// A one-time password.
    Code {
        /// Which account; the only one without it.
        #[arg(value_name = "ACCOUNT")]
        account: Option<String>,
        /// Writes the code to this open descriptor and nowhere else.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..1024))]
        code_fd: Option<u16>,
        /// The token; the only one that is present without it.
        #[arg(long, value_name = "TOKEN")]
        token: Option<TokenId>,
    },
    /// The accounts on the present tokens.
    List {
        /// On this token only.
        #[arg(long, value_name = "TOKEN")]
        token: Option<TokenId>,
    },
    /// Puts an account on a token.
    Provision(Provision),
}

/// `otp provision`
#[derive(Args, Debug)]
pub struct Provision {
    /// Its name.
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// The next counter of a HOTP account.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    pub counter: u32,
    /// Digits of a code.
    #[arg(long, default_value_t = 6, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(6..=8))]
    pub digits: u32,
    /// The hash.
    #[arg(long, value_enum, default_value_t = OtpHash::Sha1, value_name = "HASH")]
    pub hash: OtpHash,
    /// What moves in it.
    #[arg(long, value_enum, default_value_t = OtpKind::Totp, value_name = "KIND")]
    pub kind: OtpKind,
    /// Seconds for which a TOTP code stands.
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(15..=120))]
    pub period: u32,
    /// Reads the secret from this open descriptor.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(0..1024))]
    pub secret_fd: Option<u16>,
    /// The token; the only one that is present without it.
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<TokenId>,
    /// A code shall take a touch.
    #[arg(long)]
    pub touch: bool,
}

/// What moves in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OtpKind {
    /// A counter (RFC 4226).
    Hotp,
    /// Time (RFC 6238).
    Totp,
}

impl OtpKind {
    /// The daemon's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hotp => "hotp",
            Self::Totp => "totp",
        }
    }
}

/// The hash of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OtpHash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl OtpHash {
    /// The daemon's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// `pin …`
#[derive(Debug, Subcommand)]
pub enum Pin {
    /// Sets another PIN.
    Change {
        /// The token; the only one that is present without it.
        #[arg(long, value_name = "TOKEN")]
        token: Option<TokenId>,
    },
    /// Sets a new PIN with the PUK.
    Unblock {
        /// The token; the only one that is present without it.
        #[arg(long, value_name = "TOKEN")]
        token: Option<TokenId>,
    },
}

/// `admin …`
#[derive(Args, Debug)]
pub struct Admin {
    /// What to do.
    #[command(subcommand)]
    pub action: AdminAction,
    /// With this key.
    #[arg(long, global = true, value_name = "KEY")]
    pub certificate: Option<KeyRef>,
    /// The authority.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
}

/// What an administrator can do. Each command logs in anew; `batch` logs in once for many.
#[derive(Debug, Subcommand)]
pub enum AdminAction {
    /// Another administrator's certificate.
    Administrator {
        /// Which, by number.
        #[arg(value_name = "NUMBER")]
        number: u16,
        /// What is done.
        #[arg(value_enum, value_name = "DEED")]
        deed: PeerDeed,
    },
    /// What waits for a second administrator.
    Approvals,
    /// Approves what another administrator asked for.
    Approve {
        /// Which.
        #[arg(value_name = "REQUEST")]
        request: String,
        /// Writes the acquisition code to this open descriptor and nowhere else.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..1024))]
        code_fd: Option<u16>,
    },
    /// Several commands in one login, a line each.
    Batch {
        /// Where they stand; standard input without it.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// 利用者電子証明書の再発行・失効.
    Certificate(AdminCertificate),
    /// 利用者名 and Eメールアドレス.
    #[command(group = clap::ArgGroup::new("changed").args(["name", "email"]).required(true).multiple(true))]
    Change {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
        /// 利用者名.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Eメールアドレス.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Confirms the key whose fingerprint the user reads out.
    ConfirmKey {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
        /// 鍵の指紋.
        #[arg(value_name = "FINGERPRINT")]
        fingerprint: String,
    },
    /// The contract and its administrators.
    Contract,
    /// 登録抹消.
    Deregister {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// 緊急停止.
    EmergencyStop,
    /// 操作履歴.
    History(AdminHistory),
    /// Logs in and out: whether it works.
    Login,
    /// Exchanges a user's OTP token for another.
    OtpExchange {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
        /// The new token's serial number.
        #[arg(long, value_name = "SERIAL")]
        serial: String,
    },
    /// Locks a user's OTP token.
    OtpLock {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Finds a user's OTP token again that ran away.
    OtpResync {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Revokes a user's OTP token.
    OtpRevoke {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Registers an OTP token.
    OtpToken {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
        /// The token's serial number.
        #[arg(long, value_name = "SERIAL")]
        serial: String,
    },
    /// Lists the contract's OTP tokens.
    OtpTokens,
    /// Lifts the lock of a user's OTP token.
    OtpUnlock {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Sets a new user PIN.
    Pin {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Registers a user.
    Register {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
        /// 利用者名.
        #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
        name: String,
        /// Eメールアドレス.
        #[arg(long, default_value = "", hide_default_value = true, value_name = "ADDRESS")]
        email: String,
    },
    /// Lifts the suspension of a user's certificate.
    Reinstate {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Turns a request down, or withdraws it.
    Reject {
        /// Which.
        #[arg(value_name = "REQUEST")]
        request: String,
    },
    /// 利用中止解除.
    Resume {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Gives a user the rights again that a reissue took.
    Rights {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Shows a user.
    Show {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// 利用中止.
    Stop {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Suspends a user's certificate.
    Suspend {
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
        /// Why.
        #[arg(long, value_enum, default_value_t = Cause::Other, value_name = "REASON")]
        reason: Cause,
    },
    /// 利用者のロック解除.
    Unlock {
        /// Which lock.
        #[arg(long, value_enum, value_name = "LOCK")]
        kind: Lock,
        /// The user.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// 利用者情報選択.
    Users,
}

/// What one administrator does about another's certificate (D-404).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PeerDeed {
    /// 一時停止の解除.
    Reinstate,
    /// 失効.
    Revoke,
    /// 一時停止.
    Suspend,
}

impl PeerDeed {
    /// The authority's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reinstate => "reinstate",
            Self::Revoke => "revoke",
            Self::Suspend => "suspend",
        }
    }
}

/// `admin certificate`
#[derive(Args, Debug)]
pub struct AdminCertificate {
    /// What becomes of it.
    #[arg(long, value_enum, value_name = "CHOICE")]
    pub choice: Choice,
    /// Writes the acquisition code to this open descriptor and nowhere else.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..1024))]
    pub code_fd: Option<u16>,
    /// The hardware key that the certificate is for.
    #[arg(long, value_name = "SERIAL")]
    pub device: Option<String>,
    /// Why.
    #[arg(long, value_enum, value_name = "REASON", required_if_eq_any = [("choice", "reissue"), ("choice", "revoke")])]
    pub reason: Option<Reason>,
    /// The user.
    #[arg(value_name = "USER")]
    pub user: String,
}

/// 電子証明書 (S-036).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// Keep the current certificate (現在の電子証明書を継続する).
    Continue,
    /// Reissue (再発行).
    Reissue,
    /// Revoke (失効).
    Revoke,
}

impl Choice {
    /// The authority's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Reissue => "reissue",
            Self::Revoke => "revoke",
        }
    }
}

/// 再発行理由.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody else may have used the key.
    Compromised,
    /// It expired.
    Expired,
    /// It was not correctly installed.
    InstallFailed,
    /// The hardware key is lost.
    Lost,
    /// Something else.
    Other,
    /// Another PC.
    PcChange,
    /// The hardware key was stolen.
    Stolen,
}

impl Reason {
    /// The authority's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Compromised => "compromised",
            Self::Expired => "expired",
            Self::InstallFailed => "install_failed",
            Self::Lost => "lost",
            Self::Other => "other",
            Self::PcChange => "pc_change",
            Self::Stolen => "stolen",
        }
    }
}

/// Which lock (D-205).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Lock {
    /// By wrong one-time passwords.
    Otp,
    /// By wrong user PINs.
    UserPin,
}

impl Lock {
    /// The authority's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::UserPin => "user_pin",
        }
    }
}
