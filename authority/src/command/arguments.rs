//! What can be typed.

mod administrators;
mod contracts;
mod form;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use token::{ContractId, InstitutionCode, Language, Origin, UserId};

use super::ca::CaWork;
use super::vault::VaultWork;
pub(super) use administrators::{AdministratorWork, OfAdministrator};
pub(super) use contracts::{ContractWork, OnForm};
pub(super) use form::FormReference;

use super::certificate::CertificateWork;

/// The authority of Jitsuin: contracts, users, certificates, logins.
#[derive(Debug, Parser)]
#[command(name = "jitsuin-authority", version, about)]
pub struct Arguments {
    /// The authority's directory.
    #[arg(long, global = true, default_value = "/var/lib/jitsuin-authority", value_name = "DIR")]
    pub dir: PathBuf,
    /// Read secrets from standard input, as lines `name=value`, instead of asking on the terminal.
    #[arg(long, global = true)]
    pub secrets_stdin: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an authority: configuration, keys, CA, database. Prints the root's fingerprint.
    Init {
        /// The financial institution's code, 4 digits.
        #[arg(long)]
        institution_code: InstitutionCode,
        /// Where it will be reached, for example https://bank.example:8443.
        #[arg(long)]
        origin: Origin,
        /// Where it listens.
        #[arg(long, default_value = "127.0.0.1:8443")]
        listen: SocketAddr,
        /// Keep the tables in this PostgreSQL database, for example `postgres:///jitsuin?host=/run/postgresql`.
        ///
        /// It must hold no authority yet. A password stands in a file that PGPASSFILE names. Further machines serve
        /// the same database with a copy of the directory.
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
    },
    /// Serve until SIGTERM.
    Serve {
        /// Listen elsewhere than the configuration says.
        #[arg(long)]
        listen: Option<SocketAddr>,
    },
    /// Check a configuration file.
    CheckConfig {
        /// The file; otherwise the directory's own.
        file: Option<PathBuf>,
    },
    /// Do now what time has made due: certificates that expired, were not acquired or not confirmed in time, or were
    /// suspended too long. A server does it by itself.
    Tick,
    /// Print the fingerprint that clients pin.
    Roots,
    /// Make a new TLS certificate for the server, for 397 days.
    ///
    /// The key stays, and what clients pin. A server that is running takes the certificate up when it is started
    /// again. From 30 days before the end of the old one the server warns in its log when it starts.
    RenewServerCertificate,
    /// Follow the record of events from its beginning.
    VerifyAudit {
        /// An earlier head, as this command printed it: it must still be in the record.
        #[arg(long, value_name = "COUNT:HASH", value_parser = head)]
        head: Option<String>,
    },
    /// The CA's life: the key ceremony, new issuing CAs, the root's list.
    #[command(subcommand)]
    Ca(CaWork),
    /// Hold the CA's token for the authority, on standard input.
    #[command(hide = true)]
    CaTokenWorker,
    /// Make a backup in a new directory, while the server serves.
    ///
    /// In it are the database as it was at one moment, the settings and the certificates, and in backup.toml the head
    /// of the record of events. On PostgreSQL it is made by pg_dump. Without the keys (secrets.key and the CA's) it
    /// can be kept by those who may not have them, and is restored with --keys.
    Backup {
        /// The directory to make.
        #[arg(value_name = "DIRECTORY")]
        to: PathBuf,
        /// Put the private keys in as well: whoever has the backup then is the authority.
        #[arg(long)]
        with_keys: bool,
    },
    /// Make the authority of a backup in the directory that --dir names, which must be empty.
    ///
    /// Everything is checked first: the chain of events and its head, that the keys are those of the certificates, and
    /// that the secrets open. On PostgreSQL pg_restore fills an empty database. What happened after the backup is
    /// lost: one-time passwords that were used since can be used again until they are too old, so that the old server
    /// must never serve beside it; and certificates that were revoked or suspended since are good again, in lists and in
    /// OCSP, until that is done anew. Lists go on with higher numbers than were published.
    Restore {
        /// The backup.
        #[arg(value_name = "DIRECTORY")]
        from: PathBuf,
        /// Where the keys are, for a backup without: secrets.key, and ca/ with the CA's.
        #[arg(long, value_name = "DIRECTORY")]
        keys: Option<PathBuf>,
        /// The empty PostgreSQL database, if it is another one than the backup's settings name.
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
    },
    /// The key that secrets in the database are sealed under.
    #[command(subcommand)]
    Vault(VaultWork),
    /// Write the manual pages, for packagers.
    #[command(hide = true)]
    Man {
        /// The folder in which `man8/` is made, with a page for each command; without it the main page is printed.
        folder: Option<PathBuf>,
    },
    /// The bank operator's work.
    #[command(flatten)]
    Operator(Work),
}

/// A head of the record of events, as it is printed. One that was mistyped says nothing about the record.
fn head(text: &str) -> Result<String, &'static str> {
    let (count, hash) = text.split_once(':').unwrap_or_default();
    let digits = !count.is_empty() && count.parse::<i64>().is_ok() && count.bytes().all(|b| b.is_ascii_digit());
    let hex = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if digits && hex { Ok(text.to_owned()) } else { Err("a head is a number, a colon and 64 hexadecimal digits") }
}

/// The bank operator's work.
#[derive(Debug, Subcommand)]
pub enum Work {
    /// Contracts.
    #[command(subcommand)]
    Contract(ContractWork),
    /// Administrators and their certificates.
    #[command(subcommand)]
    Administrator(AdministratorWork),
    /// Certificates: suspend, reinstate, revoke.
    #[command(subcommand)]
    Certificate(CertificateWork),
    /// Users.
    #[command(subcommand)]
    User(UserWork),
    /// Notices by mail and webhook.
    #[command(subcommand)]
    Notice(NoticeWork),
    /// OTP tokens.
    #[command(subcommand)]
    Token(TokenWork),
    /// Others' servers that have logins checked here.
    #[command(subcommand)]
    RelyingParty(PartyWork),
}

/// Which contract.
#[derive(Debug, Args)]
pub struct OfContract {
    /// The contract ID, 11 digits.
    #[arg(long, visible_alias = "contract")]
    pub contract_id: ContractId,
}

/// Which user.
#[derive(Debug, Args)]
pub struct OfUser {
    /// Whose.
    #[command(flatten)]
    pub contract: OfContract,
    /// The user ID, 1 to 30 letters and digits.
    #[arg(long, visible_alias = "user")]
    pub user_id: UserId,
}

/// Why a certificate is issued again.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ReasonArgument {
    /// The key may be known to somebody else; the old certificate ends now.
    Compromised,
    /// The certificate lapsed.
    Expired,
    /// The acquisition was not finished.
    InstallFailed,
    /// The token is lost; the old certificate ends now.
    Lost,
    /// Anything else.
    Other,
    /// Another PC or token.
    PcChange,
    /// The token was stolen; the old certificate ends now.
    Stolen,
}

/// `user …`
#[derive(Debug, Subcommand)]
pub enum UserWork {
    /// Register a user. Asks for `user_pin`.
    Add {
        /// Who.
        #[command(flatten)]
        user: OfUser,
        /// The name.
        #[arg(long, default_value = "")]
        name: String,
        /// Where notices go.
        #[arg(long, default_value = "")]
        email: String,
    },
    /// Deregister a user. The ID can never be used again.
    Deregister {
        /// Who.
        #[command(flatten)]
        user: OfUser,
    },
    /// Lift all locks of a user, also after 100 wrong entries in a row.
    Unlock {
        /// Who.
        #[command(flatten)]
        user: OfUser,
        /// The request form.
        #[arg(long)]
        form_reference: FormReference,
    },
}

/// `relying-party …`
#[derive(Debug, Subcommand)]
pub enum PartyWork {
    /// Register a relying party. Prints its bearer token, once.
    Add {
        /// What its users' browsers show, for example https://shop.example.
        #[arg(long)]
        origin: Origin,
        /// The request form.
        #[arg(long)]
        form_reference: FormReference,
    },
    /// List the relying parties that are, and that were.
    List,
    /// Remove a relying party. Its bearer token opens nothing from now on.
    Remove {
        /// Which.
        #[arg(long)]
        origin: Origin,
        /// The request form.
        #[arg(long)]
        form_reference: FormReference,
    },
}

/// A language.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LanguageArgument {
    /// English.
    En,
    /// Japanese.
    Ja,
}

impl From<LanguageArgument> for Language {
    fn from(language: LanguageArgument) -> Self {
        match language {
            LanguageArgument::En => Self::En,
            LanguageArgument::Ja => Self::Ja,
        }
    }
}

/// How a notice stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum NoticeStatusArgument {
    /// Whichever.
    All,
    /// Given up.
    Dead,
    /// Sent.
    Sent,
    /// Still to be sent.
    Waiting,
}

/// `notice …`
#[derive(Debug, Subcommand)]
pub enum NoticeWork {
    /// List notices, the newest first; those that were given up, unless another status is named.
    List {
        /// Of which status.
        #[arg(long, value_enum, default_value = "dead")]
        status: NoticeStatusArgument,
        /// Only of this contract.
        #[arg(long, visible_alias = "contract")]
        contract_id: Option<ContractId>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        most: u32,
    },
    /// Try notices again that were given up, for example when the relay is mended.
    Retry {
        /// Which.
        #[arg(conflicts_with = "all")]
        notice: Option<String>,
        /// All of them.
        #[arg(long)]
        all: bool,
    },
    /// Send a mail through the relay now, to see that the settings are right.
    Test {
        /// To which address.
        #[arg(long)]
        to: String,
    },
}

/// What moves in a token.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum KindArgument {
    /// A counter (RFC 4226).
    Hotp,
    /// Time (RFC 6238).
    Totp,
}

/// The hash in a token.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum HashArgument {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Which token, and by which form.
#[derive(Debug, Args)]
pub struct OfToken {
    /// The serial number on it.
    #[arg(long)]
    pub serial: String,
    /// The request form.
    #[arg(long)]
    pub form_reference: FormReference,
}

/// How a token stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TokenStatusArgument {
    /// Given to a contract.
    Assigned,
    /// Past its end of life.
    Expired,
    /// Somebody's, and locked.
    Locked,
    /// Somebody's.
    Registered,
    /// Revoked.
    Revoked,
    /// At the bank.
    Stock,
}

/// `token …`
#[derive(Debug, Subcommand)]
pub enum TokenWork {
    /// Take a token into stock. Asks for `secret`, in hexadecimal or base 32, or makes one.
    Add {
        /// The serial number on it.
        #[arg(long)]
        serial: String,
        /// What moves in it.
        #[arg(long, value_enum)]
        kind: KindArgument,
        /// Its hash.
        #[arg(long, value_enum, default_value = "sha1")]
        hash: HashArgument,
        /// Digits shown.
        #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(6..=8))]
        digits: u32,
        /// Seconds a TOTP value is shown.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(15..=120))]
        period: u32,
        /// The next counter of a HOTP token.
        #[arg(long, default_value_t = 0)]
        counter: u32,
        /// Make the secret here, and write it in base 32 to this open descriptor and nowhere else: for a token that
        /// is provisioned now (`jitsuin otp provision --secret-fd`).
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..1024))]
        new_secret_fd: Option<u16>,
    },
    /// Give a token to a contract, or register it for a user.
    Assign {
        /// The serial number on it.
        #[arg(long)]
        serial: String,
        /// Which contract.
        #[command(flatten)]
        contract: OfContract,
        /// Which user; otherwise the administrator registers it.
        #[arg(long, visible_alias = "user")]
        user_id: Option<UserId>,
    },
    /// Register a token as the contract's own: its administrator then revokes tokens with a password from it.
    AssignOwn {
        /// The serial number on it.
        #[arg(long)]
        serial: String,
        /// Which contract.
        #[command(flatten)]
        contract: OfContract,
    },
    /// Give whoever has a token another one in its place, for example for one that nobody can read or whose battery is
    /// low (the display shows bAtt or a battery sign). The old one is revoked.
    Exchange {
        /// The serial number on the old one.
        #[arg(long)]
        serial: String,
        /// The serial number on the new one, from stock or given to the same contract.
        #[arg(long)]
        new_serial: String,
        /// The request form.
        #[arg(long)]
        form_reference: FormReference,
    },
    /// Take the tokens of a PSKC file (RFC 6030) into stock: all of them, or none.
    ///
    /// Asks for `pskc_key`, the pre-shared key in hexadecimal, or for `pskc_password`, where the file is encrypted. Files
    /// with a document type or entities are refused; a signature is to be verified with pskctool before.
    Import {
        /// The file.
        file: PathBuf,
        /// Only say what is in it.
        #[arg(long)]
        check: bool,
        /// The file's signature was verified with pskctool --verify --verify-crt.
        #[arg(long)]
        signature_verified: bool,
    },
    /// List tokens: serial number, status, contract, user, end of life.
    List {
        /// Only those that were given to this contract.
        #[arg(long, visible_alias = "contract")]
        contract_id: Option<ContractId>,
        /// Only those of this status.
        #[arg(long, value_enum)]
        status: Option<TokenStatusArgument>,
    },
    /// Lock a token that somebody has.
    Lock {
        /// Which, and why.
        #[command(flatten)]
        token: OfToken,
    },
    /// Find a token again that ran away. Asks for `otp` and `next_otp`, two passwords in a row.
    Resync {
        /// The serial number on it.
        #[arg(long)]
        serial: String,
    },
    /// Revoke a token, whoever's. It can never be used again.
    Revoke {
        /// Which, and why.
        #[command(flatten)]
        token: OfToken,
    },
    /// Lift the lock of a token.
    Unlock {
        /// Which, and why.
        #[command(flatten)]
        token: OfToken,
    },
}
