//! The whole world of the main job: a bank, a workstation with two cards, an administrator and a user.

use std::process::{Command, Output};

use serde_json::Value;

use crate::authority::{Authority, INSTITUTION};
use crate::bus::Bus;
use crate::daemon::{Config, Daemon};
use crate::otp::{Kind, OtpToken};
use crate::person::{Person, Window};
use crate::running::{Running, built, wait_for};
use crate::scratch::{Scratch, any_output, text};
use crate::soft_token::{SoftHsm, SoftToken};

/// 契約者ID of the manual's example.
pub const CONTRACT: &str = "00009876543";
/// 利用者ID of the manual's example.
pub const USER: &str = "riyousya";

/// What the people of one world know.
#[derive(Debug, Clone, Copy)]
pub struct Secrets {
    /// PIN of the administrator's card.
    pub administrators_card_pin: &'static str,
    /// PIN of the user's card.
    pub card_pin: &'static str,
    /// ご契約先暗証番号.
    pub contract_pin: &'static str,
    /// ご契約先確認暗証番号.
    pub confirm_pin: &'static str,
    /// 利用者暗証番号.
    pub user_pin: &'static str,
}

/// Ordinary ones.
pub const SECRETS: Secrets = Secrets {
    administrators_card_pin: "135790",
    card_pin: "246802",
    contract_pin: "keiyaku1",
    confirm_pin: "kakunin1",
    user_pin: "anshou01",
};

/// How a command of ours ended.
#[derive(Debug)]
pub struct Done {
    /// Its exit status.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Done {
    /// Standard output as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Requires success.
    #[must_use]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// Both outputs.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

impl From<Output> for Done {
    fn from(done: Output) -> Self {
        Self { status: done.status.code().unwrap_or(-1), out: text(&done.stdout), err: text(&done.stderr) }
    }
}

/// Everything, running. Dropped in the order of its fields.
#[derive(Debug)]
pub struct World {
    /// The session agent; the user answers it.
    pub agent: Running,
    /// The daemon.
    pub daemon: Daemon,
    /// The bus.
    pub bus: Bus,
    /// The authority.
    pub authority: Authority,
    /// 管理者.
    pub administrator: Person,
    /// 利用者.
    pub user: Person,
    /// The administrator's card.
    pub administrators_card: SoftToken,
    /// The user's card.
    pub card: SoftToken,
    /// The store with both cards.
    pub hsm: SoftHsm,
    /// The user's OTP token.
    pub otp: OtpToken,
    /// The code with which the administrator acquired, shown once by design.
    pub administrators_code: String,
    /// What the people know.
    pub secrets: Secrets,
    /// Where everything is.
    pub scratch: Scratch,
}

impl World {
    /// A world in which the contract is open, the administrator has a certificate, and the user has none yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with(SECRETS, Config::new())
    }

    /// The same with other secrets and more configuration.
    #[must_use]
    pub fn with(secrets: Secrets, config: Config) -> Self {
        let scratch = Scratch::new();
        let authority = Authority::start(&scratch);
        let code = authority.open_contract(&scratch, CONTRACT, secrets.contract_pin, secrets.confirm_pin);
        let otp = OtpToken::new("4711", Kind::Hotp, "3132333435363738393031323334353637383930");
        authority.add_user(&scratch, CONTRACT, USER, secrets.user_pin, &otp);

        let hsm = SoftHsm::new(&scratch, "hsm");
        let administrators_card = hsm.token("kanrisya", secrets.administrators_card_pin);
        let card = hsm.token(USER, secrets.card_pin);
        let bus = Bus::start(&scratch);
        let config = config.soft_hsm("softhsm", &hsm).authority("bank", &authority.origin, &authority.fingerprint);
        let daemon = Daemon::start(&scratch, &bus, &config);

        let administrator = Person::new(&scratch, "kanrisya");
        administrator
            .answers(Window::AcquisitionCode, &[&code])
            .answers(Window::CardPin, &[secrets.administrators_card_pin])
            .answers(Window::Consent, &["yes"])
            .answers(Window::ContractPin, &[secrets.contract_pin])
            .answers(Window::ConfirmationPin, &[secrets.confirm_pin]);
        let user = Person::new(&scratch, USER);
        user.answers(Window::CardPin, &[secrets.card_pin])
            .answers(Window::Consent, &["yes"])
            .answers(Window::UserPin, &[secrets.user_pin]);
        let agent = start_agent(&scratch, &bus, &user);
        let world = Self {
            agent,
            daemon,
            bus,
            authority,
            administrator,
            user,
            administrators_card,
            card,
            hsm,
            otp,
            administrators_code: code,
            secrets,
            scratch,
        };
        world.wait_for_agent();
        world.administrator_enrols();
        world
    }

    fn administrator_enrols(&self) {
        let token = format!("pkcs11:{}", self.administrators_card.serial);
        let enrol = ["enrol", "--administrator", "--contract-id", CONTRACT, "--token", &token];
        let _ = self.by(&self.administrator, &enrol).ok();
        self.administrator.forgets(Window::AcquisitionCode);
    }

    /// `jitsuin …` of a person at this workstation.
    #[must_use]
    pub fn command(&self, person: &Person, arguments: &[&str]) -> Command {
        let mut command = self.scratch.command(built("jitsuin"));
        self.bus.on(&mut command).args(["--prompt", "pinentry", "--pinentry"]).arg(&person.pinentry).args(arguments);
        command
    }

    /// Runs it to its end.
    #[must_use]
    pub fn by(&self, person: &Person, arguments: &[&str]) -> Done {
        any_output(&mut self.command(person, arguments)).into()
    }

    /// The administrator reissues for the user; the code goes from hand to hand.
    pub fn reissue(&self) {
        self.reissue_with(&[]);
    }

    /// The same with more arguments.
    pub fn reissue_with(&self, more: &[&str]) {
        let reissue = ["admin", "certificate", USER, "--choice", "reissue", "--reason", "pc_change", "--code-fd", "7"];
        let command = self.command(&self.administrator, &[reissue.as_slice(), more].concat());
        // Only a shell opens a descriptor of a chosen number for a child.
        let code = self.administrator.folder().join("code");
        let mut shell = self.scratch.command("bash");
        shell.args(["-c", "code=$1; shift; exec \"$@\" 7>\"$code\"", "bash"]).arg(&code).arg(command.get_program());
        shell.args(command.get_args());
        self.bus.on(&mut shell);
        let _ = Done::from(any_output(&mut shell)).ok();
        let code = std::fs::read_to_string(code).expect("the code");
        self.user.answers(Window::AcquisitionCode, &[code.trim()]);
    }

    /// What the user types to acquire. The next one-time password lies ready.
    #[must_use]
    pub fn enrol_arguments(&self) -> Vec<String> {
        let token = format!("pkcs11:{}", self.card.serial);
        ["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", &token].map(str::to_owned).to_vec()
    }

    /// The user acquires, with the next one-time password.
    #[must_use]
    pub fn enrol(&self) -> Done {
        self.user.answers(Window::Otp, &[&self.otp.value()]);
        self.enrol_as_told()
    }

    /// The user acquires with whatever answers lie ready.
    #[must_use]
    pub fn enrol_as_told(&self) -> Done {
        let arguments = self.enrol_arguments();
        self.by(&self.user, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The user as the administrator sees them: `jitsuin admin show`.
    #[must_use]
    pub fn shown(&self) -> Value {
        self.by(&self.administrator, &["--json", "admin", "show", USER]).ok().json()
    }

    /// Issue number and status of the user's newest certificate: `"001 valid"`.
    #[must_use]
    pub fn issue(&self) -> String {
        let certificate = &self.shown()["certificate"];
        format!("{} {}", certificate["issue_no"].as_str().unwrap_or("-"), certificate["status"].as_str().unwrap_or("-"))
    }

    /// Starts the daemon again after its end, with this environment besides, and waits for the agent.
    pub fn start_daemon(&mut self, environment: &[(&str, &str)]) {
        self.daemon = Daemon::again(&self.scratch, &self.bus, environment);
        self.wait_for_agent();
    }

    /// Waits until the session agent is registered with the daemon.
    pub fn wait_for_agent(&self) {
        wait_for("the agent", || {
            let mut gdbus = self.scratch.command("gdbus");
            let call = ["call", "--session", "--dest", crate::daemon::NAME, "--object-path", "/org/jitsuin/Jitsuin1"];
            let get =
                ["--method", "org.freedesktop.DBus.Properties.Get", "org.jitsuin.Jitsuin1.Manager", "AgentPresent"];
            let done = any_output(self.bus.on(&mut gdbus).args(call).args(get));
            text(&done.stdout).contains("true").then_some(())
        });
    }

    /// The enrolments the daemon knows: `jitsuin enrolments`.
    #[must_use]
    pub fn enrolments(&self) -> Value {
        self.by(&self.user, &["--json", "enrolments"]).ok().json()
    }

    /// `CN` of the user's certificate.
    #[must_use]
    pub fn users_name() -> String {
        format!("{CONTRACT} {USER} {INSTITUTION}")
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn start_agent(scratch: &Scratch, bus: &Bus, person: &Person) -> Running {
    let mut agent = scratch.command(built("jitsuin"));
    bus.on(&mut agent).args(["--prompt", "pinentry", "--pinentry"]).arg(&person.pinentry).arg("agent");
    Running::start(scratch, "agent", &agent)
}
