//! A model API on loopback for agent CLIs: it answers every prompt with the same short text and
//! remembers each request, so that a test can read what would have reached a model.
//!
//! It speaks as much of Anthropic's Messages API as Claude Code needs: `POST /v1/messages`,
//! streamed or whole, `POST /v1/messages/count_tokens`, and probes with `HEAD`. All else (telemetry,
//! feature flags, updates) is recorded too and answered with 404. It judges nothing: no key, model
//! or parameter is refused.

use std::{
    fmt::Write as _,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

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
    /// Whose words the API takes them for: `user`, `assistant` or `system`.
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
        let app = Router::new().fallback(answer).with_state(requests.clone());
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
        self.method == "POST" && self.path == "/v1/messages"
    }

    /// All text of the conversation, the top-level system prompt first.
    pub fn texts(&self) -> Vec<PromptText> {
        let mut texts = Vec::new();
        push_texts(&mut texts, "system", &self.body["system"]);
        for message in self.body["messages"].as_array().into_iter().flatten() {
            let role = message["role"].as_str().unwrap_or_default();
            push_texts(&mut texts, role, &message["content"]);
        }
        texts
    }
}

/// Content is either one string or a list of blocks, of which the text blocks matter here.
fn push_texts(texts: &mut Vec<PromptText>, role: &str, content: &Value) {
    let mut push = |text: &str| {
        texts.push(PromptText {
            role: role.to_owned(),
            text: text.to_owned(),
        });
    };
    match content {
        Value::String(text) => push(text),
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .for_each(push),
        _ => {}
    }
}

async fn answer(
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
    let response = respond(&request);
    requests.lock().push(request);
    response
}

fn respond(request: &Request) -> Response {
    let body = &request.body;
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/v1/messages") if body["stream"] == true => {
            let headers = [(header::CONTENT_TYPE, "text/event-stream")];
            (headers, streamed_completion(&body["model"])).into_response()
        }
        ("POST", "/v1/messages") => json_response(StatusCode::OK, &completion(&body["model"])),
        ("POST", "/v1/messages/count_tokens") => {
            json_response(StatusCode::OK, &json!({"input_tokens": 1}))
        }
        ("HEAD", _) => StatusCode::OK.into_response(),
        _ => {
            let error = json!({"type": "not_found_error", "message": "not offered here"});
            let body = json!({"type": "error", "error": error});
            json_response(StatusCode::NOT_FOUND, &body)
        }
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body.to_string()).into_response()
}

fn completion(model: &Value) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    })
}

/// The same completion as server-sent events, each named by the `type` of its data.
fn streamed_completion(model: &Value) -> String {
    let mut opening = completion(model);
    opening["content"] = json!([]);
    opening["stop_reason"] = Value::Null;
    let events = [
        json!({"type": "message_start", "message": opening}),
        json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": ANSWER}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ];
    events.iter().fold(String::new(), |mut stream, event| {
        let name = event["type"].as_str().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(stream, "event: {name}\ndata: {event}\n\n");
        stream
    })
}
