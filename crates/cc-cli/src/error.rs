//! What went wrong, told so that a person can act and a program can tell cases apart.

use std::error::Error as StdError;
use std::fmt;

use serde_json::{Value, json};

/// The family of a failure. Printed in `--json` errors as its name; names do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command was called wrongly.
    Usage,
    /// No such room, or no way to tell which is meant.
    Room,
    /// The ticket is malformed, mistyped, cut or of a later version.
    Ticket,
    /// A member at the door refused, and said why.
    Refused,
    /// The room has not let us in yet.
    Joining,
    /// We belong to the room no longer.
    NotAMember,
    /// The roster gives us no right to that.
    NotAllowed,
    /// No such member, or no way to tell which is meant.
    Member,
    /// No such invite, or no way to tell which is meant.
    Invite,
    /// The message cannot be sent as it is, or there is no such message.
    Message,
    /// What an agent wanted to say looks like a secret.
    Secret,
    /// Agents said as much as they may for now.
    HeldBack,
    /// The person paused what agents read and say.
    Paused,
    /// The room has no such file, or there is no way to tell which is meant.
    File,
    /// A file is or seems to hold a credential.
    Credential,
    /// A file changed while it was read.
    Changed,
    /// The disk has no room for a file.
    NoSpace,
    /// There is no file or folder at a path, or it cannot be read.
    Unreadable,
    /// A folder is larger than can be shared.
    TooLarge,
    /// An agent may not share from there.
    Outside,
    /// An agent may not fetch so much.
    OverQuota,
    /// A file could not be fetched, or is not what was announced.
    NotFetched,
    /// A path for a copy is taken, or cannot be written.
    Copy,
    /// There is nothing to make a proof of, or what was handed over proves nothing.
    Proof,
    /// The home folder or a file in it cannot be used.
    Home,
    /// A disk operation failed, such as on a full disk.
    Disk,
    /// The network endpoint could not be opened.
    Network,
    /// The relay asked for is not the one in use.
    Relay,
    /// The daemon cannot be started, reached or understood.
    Daemon,
    /// The daemon ended while it was asked; the same name as [`Kind::Daemon`].
    Gone,
    /// An agent's settings cannot be edited.
    Settings,
    /// A command to be run could not be started.
    Command,
    /// The demo did not come to its end.
    Demo,
    /// The person was asked, and said no.
    Declined,
    /// The person pressed Ctrl-C.
    Interrupted,
}

impl Kind {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Room => "room",
            Self::Ticket => "ticket",
            Self::Refused => "refused",
            Self::Joining => "joining",
            Self::NotAMember => "not_a_member",
            Self::NotAllowed => "not_allowed",
            Self::Member => "member",
            Self::Invite => "invite",
            Self::Message => "message",
            Self::Secret => "secret",
            Self::HeldBack => "held_back",
            Self::Paused => "paused",
            Self::File => "file",
            Self::Credential => "credential",
            Self::Changed => "changed",
            Self::NoSpace => "no_space",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too_large",
            Self::Outside => "outside",
            Self::OverQuota => "over_quota",
            Self::NotFetched => "not_fetched",
            Self::Copy => "copy",
            Self::Proof => "proof",
            Self::Home => "home",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Relay => "relay",
            Self::Daemon | Self::Gone => "daemon",
            Self::Settings => "settings",
            Self::Command => "command",
            Self::Demo => "demo",
            Self::Declined => "declined",
            Self::Interrupted => "interrupted",
        }
    }

    /// The kind of a stable name; a name from a later version counts as a fault of the daemon.
    fn from_name(name: &str) -> Self {
        const ALL: [Kind; 34] = [
            Kind::Usage,
            Kind::Room,
            Kind::Ticket,
            Kind::Refused,
            Kind::Joining,
            Kind::NotAMember,
            Kind::NotAllowed,
            Kind::Member,
            Kind::Invite,
            Kind::Message,
            Kind::Secret,
            Kind::HeldBack,
            Kind::Paused,
            Kind::File,
            Kind::Credential,
            Kind::Changed,
            Kind::NoSpace,
            Kind::Unreadable,
            Kind::TooLarge,
            Kind::Outside,
            Kind::OverQuota,
            Kind::NotFetched,
            Kind::Copy,
            Kind::Proof,
            Kind::Home,
            Kind::Disk,
            Kind::Network,
            Kind::Relay,
            Kind::Daemon,
            Kind::Settings,
            Kind::Command,
            Kind::Demo,
            Kind::Declined,
            Kind::Interrupted,
        ];
        ALL.into_iter()
            .find(|kind| kind.name() == name)
            .unwrap_or(Self::Daemon)
    }

    /// The exit code: 1 failed, 2 usage, 130 interrupted.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }
}

/// A failed command: what kind, what happened, because of what, and what to do.
#[derive(Debug)]
pub struct CliError {
    /// The family.
    pub kind: Kind,
    /// One line in lower case without a full stop.
    pub message: String,
    /// What lay beneath, the nearest first.
    pub causes: Vec<String>,
    /// What the person can do about it.
    pub hint: Option<String>,
}

/// What every command returns.
pub type CliResult<T = ()> = Result<T, CliError>;

impl CliError {
    /// An error with neither cause nor hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// Adds `cause` and everything beneath it.
    #[must_use]
    pub fn because(mut self, cause: &dyn StdError) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            let text = error.to_string();
            if self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds what lies beneath `error`, whose own words are in the message already.
    #[must_use]
    pub fn because_of_sources(self, error: &dyn StdError) -> Self {
        match error.source() {
            Some(source) => self.because(source),
            None => self,
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The `--json` form: one object, `{"v":1,"error":{kind, message, hint}}`, the causes joined to the message.
    pub fn to_json(&self) -> Value {
        json!({"v": 1, "error": {"kind": self.kind.name(), "message": self.whole_message(), "hint": self.hint}})
    }

    /// Reads the `error` member of [`CliError::to_json`], as a daemon that failed early prints it.
    pub fn from_json(error: &Value) -> Self {
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        Self {
            hint: text("hint"),
            ..Self::new(
                Kind::from_name(error["kind"].as_str().unwrap_or_default()),
                text("message").unwrap_or_else(|| "the daemon gave no reason".to_owned()),
            )
        }
    }

    /// The message, what lay beneath it, and the hint, each on a line of its own.
    pub fn in_full(&self) -> String {
        let mut text = self.message.clone();
        for cause in &self.causes {
            text.push_str("\n  because: ");
            text.push_str(cause);
        }
        if let Some(hint) = &self.hint {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        text
    }

    fn whole_message(&self) -> String {
        let mut whole = self.message.clone();
        for cause in &self.causes {
            whole.push_str(": ");
            whole.push_str(cause);
        }
        whole
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole_message())
    }
}
