//! One line of the protocol: read from a client, and written by either side.

use serde_json::{Value, json};

use super::code;

/// One line from a client, understood as far as it can be.
#[derive(Debug, PartialEq)]
pub struct Call {
    /// What the answer must carry; `None` for a notification.
    pub id: Option<Value>,
    /// The method.
    pub method: String,
    /// The parameters; an empty object where there are none.
    pub params: Value,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// From the table in [`code`].
    pub code: i64,
    /// For people; programs look at the code.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

impl RpcError {
    /// An error without a hint.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Reads the `error` member of an answer.
    pub fn from_json(error: &Value) -> Self {
        Self {
            code: error["code"].as_i64().unwrap_or(code::INTERNAL_ERROR),
            message: error["message"]
                .as_str()
                .unwrap_or("the daemon gave no reason")
                .to_owned(),
            hint: error["data"]["hint"].as_str().map(str::to_owned),
        }
    }

    fn to_json(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        let name = code::name(self.code);
        error["data"] = match &self.hint {
            Some(hint) => json!({"kind": name, "hint": hint}),
            None => json!({"kind": name}),
        };
        error
    }
}

/// Reads one line from a client. The error carries the id that its answer needs.
pub fn parse_call(line: &str) -> Result<Call, (Value, RpcError)> {
    let value: Value = serde_json::from_str(line).map_err(|error| {
        (
            Value::Null,
            RpcError::new(code::PARSE_ERROR, format!("not JSON: {error}")),
        )
    })?;
    let Value::Object(mut object) = value else {
        let what = if value.is_array() {
            "batches are not taken"
        } else {
            "a request is an object"
        };
        return Err((Value::Null, RpcError::new(code::INVALID_REQUEST, what)));
    };
    let id = object.remove("id");
    let answer_id = id.clone().filter(is_id).unwrap_or(Value::Null);
    let invalid = |what: &str| {
        (
            answer_id.clone(),
            RpcError::new(code::INVALID_REQUEST, what),
        )
    };
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid("\"jsonrpc\" must be \"2.0\""));
    }
    if id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err(invalid(
            "\"id\" must be a string or a whole number of 64 bits",
        ));
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return Err(invalid("\"method\" must be a string"));
    };
    let params = match object.remove("params") {
        None | Some(Value::Null) => json!({}),
        Some(params @ Value::Object(_)) => params,
        Some(_) => {
            let error = RpcError::new(code::INVALID_PARAMS, "\"params\" must be an object");
            return Err((answer_id, error));
        }
    };
    Ok(Call { id, method, params })
}

/// A number with a fraction, or beyond 64 bits, would be rounded, and the answer carry another.
fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64() || id.is_u64() || id.is_null()
}

/// The line that asks for `method`.
pub fn request_line(id: u64, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// The line that answers request `id`.
pub fn answer_line(id: &Value, outcome: &Result<Value, RpcError>) -> String {
    match outcome {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error.to_json()}),
    }
    .to_string()
}

/// The line of a notification.
pub fn notification_line(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (Value, i64) {
        let (id, error) = parse_call(line).unwrap_err();
        (id, error.code)
    }

    #[test]
    fn calls_and_notifications_are_told_apart() {
        let call = parse_call(r#"{"jsonrpc":"2.0","id":7,"method":"status"}"#).unwrap();
        assert_eq!(
            call,
            Call {
                id: Some(json!(7)),
                method: "status".into(),
                params: json!({})
            }
        );
        assert_eq!(
            parse_call(r#"{"jsonrpc":"2.0","method":"status","params":{}}"#)
                .unwrap()
                .id,
            None
        );
        assert_eq!(
            parse_call(r#"{"jsonrpc":"2.0","method":"status","id":null}"#)
                .unwrap()
                .id,
            Some(Value::Null)
        );
    }

    #[test]
    fn each_fault_has_its_standard_code_and_the_id_where_there_is_one() {
        assert_eq!(refused("noise"), (Value::Null, code::PARSE_ERROR));
        assert_eq!(refused("[]"), (Value::Null, code::INVALID_REQUEST));
        assert_eq!(refused("3"), (Value::Null, code::INVALID_REQUEST));
        assert_eq!(
            refused(r#"{"id":4,"method":"status"}"#),
            (json!(4), code::INVALID_REQUEST)
        );
        assert_eq!(
            refused(r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#),
            (Value::Null, code::INVALID_REQUEST)
        );
        for rounded in ["1.5", "1e30", "272000000000000000000000"] {
            assert_eq!(
                refused(&format!(
                    r#"{{"jsonrpc":"2.0","id":{rounded},"method":"x"}}"#
                )),
                (Value::Null, code::INVALID_REQUEST),
                "{rounded}"
            );
        }
        assert_eq!(
            refused(r#"{"jsonrpc":"2.0","id":"a","method":1}"#),
            (json!("a"), code::INVALID_REQUEST)
        );
        assert_eq!(
            refused(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#),
            (json!(1), code::INVALID_PARAMS)
        );
        assert_eq!(
            refused(&"[".repeat(100_000)),
            (Value::Null, code::PARSE_ERROR)
        );
    }

    #[test]
    fn an_error_survives_the_way_through_a_line() {
        let error = RpcError::new(code::NO_SUCH_ROOM, "no such room").hint("look at room.list");
        let line: Value =
            serde_json::from_str(&answer_line(&json!(1), &Err(error.clone()))).unwrap();
        assert_eq!(line["error"]["data"]["kind"], "no_such_room");
        assert_eq!(RpcError::from_json(&line["error"]), error);
    }
}
