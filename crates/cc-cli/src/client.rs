//! The client's end of the control socket: calls, and notifications in the order they came.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio_util::codec::{Framed, LinesCodec};

use crate::error::{CliError, CliResult, Kind};
use crate::rpc::{self, LINE_BYTES_MAX, RpcError, code};
use crate::socket;

/// How long a daemon may take over an answer, beside what the call itself waits for.
pub const ANSWER_DEADLINE: Duration = Duration::from_mins(1);

/// How many notifications are kept while an answer is awaited; then the oldest go, which a reader of the log does not miss.
const KEPT_NOTIFICATIONS_MAX: usize = 4096;

/// A connection to the daemon of a home.
pub struct Client {
    lines: Framed<UnixStream, LinesCodec>,
    notifications: VecDeque<Notification>,
    last_id: u64,
}

/// Something the daemon said unasked.
#[derive(Debug)]
pub struct Notification {
    /// `event` or `lagged`.
    pub method: String,
    /// What belongs to it.
    pub params: Value,
}

impl Client {
    /// Connects to the daemon that serves `home`; `None` where no daemon listens.
    pub async fn connect(home: &Path) -> CliResult<Option<Self>> {
        let path = socket::path(home);
        let failed = |error: &std::io::Error| {
            CliError::new(
                Kind::Daemon,
                format!("cannot use the socket {}", path.display()),
            )
            .because(error)
        };
        match socket::check(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
            Ok(()) => {}
        }
        let stream = match UnixStream::connect(&path).await {
            Ok(stream) => stream,
            Err(error) if is_nobody(&error) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let peer = stream.peer_cred().map_err(|error| failed(&error))?;
        if peer.uid() != socket::own_uid() {
            return Err(CliError::new(
                Kind::Daemon,
                format!("the socket {} is served by another user", path.display()),
            ));
        }
        Ok(Some(Self {
            lines: Framed::new(stream, LinesCodec::new_with_max_length(LINE_BYTES_MAX)),
            notifications: VecDeque::new(),
            last_id: 0,
        }))
    }

    /// The process at the other end, where the system tells.
    pub fn peer_pid(&self) -> Option<i32> {
        self.lines.get_ref().peer_cred().ok()?.pid()
    }

    /// Asks for `method` and waits for the answer.
    pub async fn call<R: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> CliResult<R> {
        self.call_within(method, params, ANSWER_DEADLINE).await
    }

    /// As [`Client::call`], with a deadline of its own.
    pub async fn call_within<R: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
        deadline: Duration,
    ) -> CliResult<R> {
        let params = to_params(params)?;
        let answer = tokio::time::timeout(deadline, self.exchange(method, &params))
            .await
            .map_err(|_| {
                CliError::new(
                    Kind::Daemon,
                    format!("the daemon did not answer {method} in time"),
                )
            })?;
        understood(method, answer?)
    }

    /// Asks for `method` and waits for as long as it takes; `heard` is handed every notification that comes meanwhile.
    pub async fn call_hearing<R: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
        mut heard: impl FnMut(&Notification),
    ) -> CliResult<R> {
        let id = self.ask(method, &to_params(params)?).await?;
        loop {
            let mut line = self.line().await?;
            if line["id"] == id {
                return understood(method, answer_in(&mut line)?);
            }
            if let Some(notification) = as_notification(line) {
                heard(&notification);
            }
        }
    }

    /// The next notification; `None` when the daemon has gone. Cancel safe.
    pub async fn notification(&mut self) -> Option<Notification> {
        if let Some(kept) = self.notifications.pop_front() {
            return Some(kept);
        }
        loop {
            let line = self.line().await.ok()?;
            if let Some(notification) = as_notification(line) {
                return Some(notification);
            }
        }
    }

    async fn ask(&mut self, method: &str, params: &Value) -> CliResult<u64> {
        self.last_id += 1;
        let id = self.last_id;
        self.lines
            .send(rpc::request_line(id, method, params))
            .await
            .map_err(|error| gone().because(&error))?;
        Ok(id)
    }

    async fn exchange(&mut self, method: &str, params: &Value) -> CliResult<Value> {
        let id = self.ask(method, params).await?;
        loop {
            let mut line = self.line().await?;
            if line["id"] == id {
                return answer_in(&mut line);
            }
            if let Some(notification) = as_notification(line) {
                if self.notifications.len() == KEPT_NOTIFICATIONS_MAX {
                    self.notifications.pop_front();
                }
                self.notifications.push_back(notification);
            }
        }
    }

    async fn line(&mut self) -> CliResult<Value> {
        let line = self
            .lines
            .next()
            .await
            .ok_or_else(gone)?
            .map_err(|error| gone().because(&error))?;
        serde_json::from_str(&line).map_err(|error| {
            CliError::new(Kind::Daemon, "the daemon does not speak JSON").because(&error)
        })
    }
}

impl From<RpcError> for CliError {
    fn from(error: RpcError) -> Self {
        let kind = match error.code {
            code::NO_SUCH_ROOM => Kind::Room,
            code::BAD_TICKET => Kind::Ticket,
            code::REFUSED => Kind::Refused,
            code::JOINING => Kind::Joining,
            code::BAD_MESSAGE | code::NO_SUCH_MESSAGE | code::NO_SUCH_HELD => Kind::Message,
            code::SECRET => Kind::Secret,
            code::HELD_BACK => Kind::HeldBack,
            code::PAUSED => Kind::Paused,
            code::NO_SUCH_FILE => Kind::File,
            code::CREDENTIAL => Kind::Credential,
            code::CHANGED => Kind::Changed,
            code::NO_SPACE => Kind::NoSpace,
            code::UNREADABLE => Kind::Unreadable,
            code::TOO_LARGE => Kind::TooLarge,
            code::OUTSIDE => Kind::Outside,
            code::OVER_QUOTA => Kind::OverQuota,
            code::NOT_ALLOWED => Kind::NotAllowed,
            code::NO_SUCH_MEMBER => Kind::Member,
            code::NO_SUCH_INVITE => Kind::Invite,
            code::NOT_A_MEMBER => Kind::NotAMember,
            code::BAD_NAME | code::INVALID_PARAMS => Kind::Usage,
            code::DISK => Kind::Disk,
            code::NETWORK => Kind::Network,
            code::RELAY_IN_USE => Kind::Relay,
            code::CANNOT_BIND => Kind::Home,
            _ => Kind::Daemon,
        };
        Self {
            hint: error.hint,
            ..Self::new(kind, error.message)
        }
    }
}

fn to_params(params: &impl Serialize) -> CliResult<Value> {
    serde_json::to_value(params).map_err(|error| {
        CliError::new(Kind::Usage, "a parameter cannot be told to the daemon").because(&error)
    })
}

fn answer_in(line: &mut Value) -> CliResult<Value> {
    match line.get("error") {
        Some(error) => Err(RpcError::from_json(error).into()),
        None => Ok(line["result"].take()),
    }
}

fn understood<R: DeserializeOwned>(method: &str, answer: Value) -> CliResult<R> {
    serde_json::from_value(answer).map_err(|error| {
        CliError::new(
            Kind::Daemon,
            format!("cannot understand the answer to {method}"),
        )
        .because(&error)
    })
}

fn as_notification(mut line: Value) -> Option<Notification> {
    let method = line.get("method")?.as_str()?.to_owned();
    Some(Notification {
        method,
        params: line["params"].take(),
    })
}

fn is_nobody(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused
    )
}

fn gone() -> CliError {
    CliError::new(Kind::Gone, "the daemon went away").hint("see daemon.log in the home folder")
}
