//! Typed access to the JSON of a case. A field that is missing or of another type is a fault of
//! the vector, and panics with its name.

use serde_json::Value;

/// The largest whole number that every JSON reader keeps exactly, 2^53 - 1.
const EXACT_MAX: u64 = (1 << 53) - 1;

/// A number; as a text of decimal digits where other readers of JSON would round it.
pub fn number(value: u64) -> Value {
    if value > EXACT_MAX {
        value.to_string().into()
    } else {
        value.into()
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> Value {
    data_encoding::HEXLOWER.encode(bytes).into()
}

/// The field `name`; null where it is missing.
pub fn field<'a>(input: &'a Value, name: &str) -> &'a Value {
    input.get(name).unwrap_or(&Value::Null)
}

/// A text.
pub fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    let text = field(input, name).as_str();
    text.unwrap_or_else(|| panic!("`{name}` must be a text"))
}

/// A number, by either spelling.
pub fn u64_of(input: &Value, name: &str) -> u64 {
    let value = field(input, name);
    let number = value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    number.unwrap_or_else(|| panic!("`{name}` must be a whole number"))
}

/// True or false; false where it is missing.
pub fn flag(input: &Value, name: &str) -> bool {
    match field(input, name) {
        Value::Null => false,
        value => value
            .as_bool()
            .unwrap_or_else(|| panic!("`{name}` must be true or false")),
    }
}

/// A list; empty where it is missing.
pub fn list<'a>(input: &'a Value, name: &str) -> &'a [Value] {
    match field(input, name) {
        Value::Null => &[],
        value => value
            .as_array()
            .unwrap_or_else(|| panic!("`{name}` must be a list")),
    }
}

/// Bytes.
pub fn bytes(input: &Value, name: &str) -> Vec<u8> {
    unhex(text(input, name))
}

/// Exactly `N` bytes.
pub fn array<const N: usize>(input: &Value, name: &str) -> [u8; N] {
    let bytes = bytes(input, name);
    bytes
        .try_into()
        .unwrap_or_else(|_| panic!("`{name}` must be {N} bytes"))
}

/// A list of bytes.
pub fn bytes_list(input: &Value, name: &str) -> Vec<Vec<u8>> {
    let unhex = |item: &Value| unhex(item.as_str().expect("hexadecimal digits"));
    list(input, name).iter().map(unhex).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER
        .decode(text.as_bytes())
        .unwrap_or_else(|error| panic!("`{text}` must be lower-case hexadecimal: {error}"))
}
