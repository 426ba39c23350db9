//! Cleaning texts, and names.

use cc_proto::id::AuthorId;
use cc_proto::text::{self, MemberName};
use serde_json::{Map, Value, json};

use super::Outcome;
use crate::vectors::input;
use crate::vectors::refusals::Refused;

/// `text`, of any number of lines.
pub fn clean_text(input: &Value) -> Value {
    let clean = text::clean_text(input::text(input, "text"));
    assert_eq!(text::clean_text(&clean), clean, "cleaning twice is as once");
    json!({ "text": clean })
}

/// `text`, to be one line of at most `chars_max`.
pub fn clean_line(input: &Value) -> Value {
    let chars_max = input::u64_of(input, "chars_max") as usize;
    let clean = text::clean_line(input::text(input, "text"), chars_max);
    assert_eq!(
        text::clean_line(&clean, chars_max),
        clean,
        "cleaning twice is as once"
    );
    json!({ "line": clean })
}

/// `nick`, as it is claimed.
pub fn nick(input: &Value) -> Outcome {
    let nick = text::clean_nick(input::text(input, "nick"));
    let nick = nick.ok_or_else(|| Refused::plain("nothing-left"))?;
    Ok(json!({ "nick": nick }))
}

/// `name`, as a file is claimed to have it.
pub fn file_name(input: &Value) -> Value {
    let name = text::file_name(input::text(input, "name"));
    assert_eq!(text::file_name(&name), name, "what is safe stays as it is");
    json!({ "name": name })
}

/// `text` and the reader's `nick`.
pub fn mention(input: &Value) -> Value {
    let names = text::names_reader(input::text(input, "text"), input::text(input, "nick"));
    json!({ "names_reader": names })
}

/// `members` and, perhaps, which of them is `me`.
pub fn names(input: &Value) -> Value {
    let members: Vec<MemberName<'_>> = input::list(input, "members")
        .iter()
        .map(|member| MemberName {
            author: AuthorId::from_bytes(input::array(member, "author")),
            nick: input::text(member, "nick"),
            petname: input::field(member, "petname").as_str(),
        })
        .collect();
    let me = (!input::field(input, "me").is_null())
        .then(|| AuthorId::from_bytes(input::array(input, "me")));
    let names: Map<String, Value> = text::display_names(&members, me)
        .into_iter()
        .map(|(author, name)| (author.to_hex(), name.into()))
        .collect();
    json!({ "names": names })
}
