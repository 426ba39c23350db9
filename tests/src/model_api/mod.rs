//! A model API on loopback for agent CLIs: it answers every prompt with the same short text and
//! remembers each request, so that a test can read what would have reached a model.
//!
//! It speaks as much of four APIs as the agents need, streamed or whole: Anthropic's Messages (Claude Code), OpenAI's
//! Responses (Codex) and chat completions (opencode, Qwen Code, Copilot, Cline, aider), and Gemini's content generation.
//! All else (telemetry, feature flags, updates) is recorded too and answered with 404. It judges nothing: no key, model
//! or parameter is refused.

mod answers;
mod dialect;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, Uri},
    response::Response,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

pub use dialect::Dialect;

/// What the model says to every prompt.
pub const ANSWER: &str = "Noted.";

/// The running model API; it stops when this is dropped.
#[derive(Debug)]
pub struct ModelApi {
    address: SocketAddr,
    requests: Requests,
    /// Holds the server, so that dropping the API ends it.
    _server: JoinSet<()>,
}

/// What arrived so far, shared between the server's tasks and the test.
#[derive(Debug, Clone, Default)]
struct Requests(Arc<Mutex<Vec<Request>>>);

impl Requests {
    /// A push cannot be interrupted halfway, so a poisoned list is still whole.
    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that reached the model API.
#[derive(Debug, Clone)]
pub struct Request {
    /// The HTTP method, upper case.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The body as JSON, or null where there was none or it was not JSON.
    pub body: Value,
}

/// One piece of text of a prompt, in the order in which the model would read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptText {
    /// Whose words the API takes them for, in its own words: `user`, `assistant`, `system`, `developer` and the like.
    pub role: String,
    /// The text itself.
    pub text: String,
}

impl ModelApi {
    /// Starts the API on a free port of loopback.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let requests = Requests::default();
        let app = Router::new().fallback(handle).with_state(requests.clone());
        let mut server = JoinSet::new();
        server.spawn(async move {
            // Serving ends only with the task; accept errors are retried inside.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            address,
            requests,
            _server: server,
        })
    }

    /// The base URL to give to the agent, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().clone()
    }

    /// The prompts among [`ModelApi::requests`]: what was sent to be completed.
    pub fn prompts(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(Request::is_prompt);
        requests
    }
}

impl Request {
    /// Whether this asks the model for a completion.
    pub fn is_prompt(&self) -> bool {
        self.dialect().is_some()
    }

    /// In which way it asks for a completion; `None` where it does not.
    pub fn dialect(&self) -> Option<Dialect> {
        Dialect::of(&self.method, &self.path)
    }

    /// All text of the conversation, the top-level system prompt first.
    pub fn texts(&self) -> Vec<PromptText> {
        dialect::texts(self)
    }

    /// The names of the tools that the model may call.
    pub fn tools(&self) -> Vec<String> {
        dialect::tools(self)
    }
}

async fn handle(
    State(requests): State<Requests>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let request = Request {
        method: method.as_str().to_owned(),
        path: uri.path().to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let response = answers::answer(&request);
    requests.lock().push(request);
    response
}
