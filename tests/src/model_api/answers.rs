//! One short text, said in each of the four ways, streamed or whole.

use std::fmt::Write as _;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{ANSWER, Dialect, Request};

/// What a request is answered with.
pub(super) fn answer(request: &Request) -> Response {
    let body = &request.body;
    let streamed = body["stream"] == true || request.path.ends_with(":streamGenerateContent");
    match request.dialect() {
        Some(Dialect::Messages) if streamed => events(&message_events(&body["model"]), true),
        Some(Dialect::Messages) => whole(StatusCode::OK, &message(&body["model"])),
        // Only ever asked for as a stream.
        Some(Dialect::Responses) => events(&response_events(), true),
        Some(Dialect::ChatCompletions) if streamed => {
            let [said, end] = chunks(&body["model"]);
            let mut stream = stream(&[said, end], false);
            stream.push_str("data: [DONE]\n\n");
            event_stream(stream)
        }
        Some(Dialect::ChatCompletions) => whole(StatusCode::OK, &chat_completion(&body["model"])),
        Some(Dialect::Gemini) if streamed => events(&[content()], false),
        Some(Dialect::Gemini) => whole(StatusCode::OK, &content()),
        None => other(request),
    }
}

/// Whatever else an agent may want to know.
fn other(request: &Request) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/v1/messages/count_tokens") => whole(StatusCode::OK, &json!({"input_tokens": 1})),
        ("HEAD", _) => StatusCode::OK.into_response(),
        _ => {
            let error = json!({"type": "not_found_error", "message": "not offered here"});
            whole(
                StatusCode::NOT_FOUND,
                &json!({"type": "error", "error": error}),
            )
        }
    }
}

fn whole(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body.to_string()).into_response()
}

fn events(events: &[Value], named: bool) -> Response {
    event_stream(stream(events, named))
}

fn event_stream(stream: String) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], stream).into_response()
}

/// Server-sent events, where `named` each by the `type` of its data.
fn stream(events: &[Value], named: bool) -> String {
    events.iter().fold(String::new(), |mut stream, event| {
        // Writing to a string cannot fail.
        if let Some(name) = event["type"].as_str().filter(|_| named) {
            let _ = writeln!(stream, "event: {name}");
        }
        let _ = write!(stream, "data: {event}\n\n");
        stream
    })
}

fn message(model: &Value) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    })
}

fn message_events(model: &Value) -> [Value; 6] {
    let mut opening = message(model);
    opening["content"] = json!([]);
    opening["stop_reason"] = Value::Null;
    [
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
    ]
}

fn response_events() -> [Value; 3] {
    let text = json!({"type": "output_text", "text": ANSWER, "annotations": []});
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": [text]});
    let usage = json!({"input_tokens": 1, "output_tokens": 1, "total_tokens": 2});
    [
        json!({"type": "response.created", "response": {"id": "resp_1"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "usage": usage}}),
    ]
}

fn chat_completion(model: &Value) -> Value {
    let message = json!({"role": "assistant", "content": ANSWER});
    json!({
        "id": "c1", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    })
}

fn chunks(model: &Value) -> [Value; 2] {
    let chunk = |delta: Value, finish: Value| {
        json!({
            "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        })
    };
    let said = json!({"role": "assistant", "content": ANSWER});
    let mut end = chunk(json!({}), json!("stop"));
    end["usage"] = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    [chunk(said, Value::Null), end]
}

fn content() -> Value {
    let said = json!({"role": "model", "parts": [{"text": ANSWER}]});
    let usage = json!({"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2});
    json!({
        "candidates": [{"content": said, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage,
    })
}
