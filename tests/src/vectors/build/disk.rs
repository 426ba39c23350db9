//! Lines of the log, good and damaged.

use cc_proto::id::MessageId;
use cc_proto::message::{Message, SignedMessage};
use serde_json::{Value, json};

use super::Cases;
use super::world::{BOB, CAROL, NOW, Pen, ROOM};

pub(super) fn add(cases: &mut Cases) {
    good(cases);
    damaged(cases);
}

/// The line of a message, as a writer writes it.
fn line(n: u64, message: &Message) -> Value {
    let header = message.header();
    let mut line = json!({
        "n": n,
        "at": NOW + n,
        "id": message.id().to_hex(),
        "author": header.author.to_hex(),
        "nick": "bob",
        "chain": header.chain.0,
        "seq": header.seq.0,
        "ts": header.ts.0,
        "kind": message.kind().name(),
        "via": header.via,
        "raw": data_encoding::BASE64.encode(&message.to_raw()),
    });
    if let Some(re) = header.re {
        line["re"] = re.to_hex().into();
    }
    if let Some(text) = message.text() {
        line["text"] = text.into();
    }
    line
}

/// As text, with `n` first: a line that is searched for begins with it.
fn written(line: &Value) -> String {
    let fields = line.as_object().expect("a line is an object");
    let rest = fields.iter().filter(|(key, _)| *key != "n");
    let rest: Vec<String> = rest
        .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
        .collect();
    format!("{{\"n\":{},{}}}\n", line["n"], rest.join(","))
}

struct Lines {
    one: Message,
    two: Message,
    three: Message,
}

impl Lines {
    fn new() -> Self {
        let mut pen = Pen::new(BOB, ROOM);
        Self {
            one: pen.say("postgres, we have it"),
            two: pen.say("line one\nline \u{201c}two\u{201d}!"),
            three: pen.say("three"),
        }
    }

    /// The first and the third line as they should be, the second as given.
    fn around(&self, second: &str) -> Value {
        let file = [
            &written(&line(1, &self.one)),
            second,
            &written(&line(3, &self.three)),
        ]
        .concat();
        json!({ "file": file })
    }

    fn second(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut second = line(2, &self.two);
        change(&mut second);
        self.around(&written(&second))
    }
}

fn good(cases: &mut Cases) {
    let lines = Lines::new();
    let mut add =
        |name, about, input: Value, expect: Value| cases.ok("log", name, about, input, &expect);
    add(
        "empty",
        "A log without lines.",
        json!({ "file": "" }),
        json!({ "lines": [], "end": 0 }),
    );
    let whole = lines.second(|_| ());
    let length = whole["file"].as_str().map(str::len);
    add("good", "Three lines.", whole, json!({ "end": length }));
    add(
        "readable-fields-lie",
        "The readable fields say otherwise: the message is what `raw` holds.",
        lines.second(|line| {
            line["text"] = "mysql".into();
            line["author"] = "00".repeat(32).into();
            line["ts"] = 0.into();
            line["kind"] = "genesis".into();
            line["nick"] = "mallory".into();
            line["seq"] = 77.into();
        }),
        Value::Null,
    );
    add(
        "only-what-is-read",
        "A line needs n, at, id and raw; other fields are passed over.",
        lines.second(|line| {
            let fields = line.as_object_mut().expect("an object");
            fields.retain(|key, _| ["n", "at", "id", "raw"].contains(&key.as_str()));
            fields.insert("later".into(), json!([{ "x": null }]));
        }),
        Value::Null,
    );
    add(
        "n-lies",
        "A line's number is its place in the file.",
        lines.second(|line| line["n"] = 9.into()),
        Value::Null,
    );
    let spaced = serde_json::to_string(&line(2, &lines.two)).expect("JSON");
    add(
        "keys-in-any-order",
        "The order of a line's fields and the space between them do not matter.",
        lines.around(&format!(" {spaced} \n")),
        Value::Null,
    );
    let full = written(&line(1, &lines.one));
    let end = full.len();
    let mut torn = |name, about, rest: &str| {
        let input = json!({ "file": format!("{full}{rest}") });
        add(name, about, input, json!({ "end": end }));
    };
    let second = written(&line(2, &lines.two));
    torn(
        "torn",
        "The last line was not finished: it is not there yet.",
        &second[..second.len() / 2],
    );
    torn(
        "torn-newline",
        "Nothing but its newline is missing: it is not there yet.",
        second.trim_end(),
    );
    torn("torn-at-once", "One byte of a second line.", "{");
    add(
        "all-torn",
        "The only line was not finished.",
        json!({ "file": full.trim_end() }),
        json!({ "lines": [], "end": 0 }),
    );

    let mut pen = Pen::new(CAROL, ROOM);
    pen.new.via = "claude-code".into();
    pen.new.re = Some(lines.one.id());
    let answer = pen.say("agreed");
    let profile = pen.write(cc_proto::body::Body::Profile(cc_proto::body::Profile {
        nick: "carol".into(),
    }));
    let file = [written(&line(1, &answer)), written(&line(2, &profile))].concat();
    add(
        "other-kinds",
        "An agent's answer, and a profile, which has no text.",
        json!({ "file": file }),
        Value::Null,
    );
    let unsigned = SignedMessage {
        signature: None,
        ..lines.one.wire().clone()
    };
    let unsigned = Message::from_log(&unsigned.encode()).expect("a message of a log");
    add(
        "without-signature",
        "A message that a later one vouched for has no signature of its own, and is not verified again.",
        json!({ "file": written(&line(1, &unsigned)) }),
        Value::Null,
    );
    let erased = SignedMessage {
        body: None,
        ..lines.one.wire().clone()
    };
    let erased = Message::from_log(&erased.encode()).expect("a message of a log");
    add(
        "erased",
        "A message whose body was erased keeps its line, and has no text.",
        json!({ "file": written(&line(1, &erased)) }),
        Value::Null,
    );
}

fn damaged(cases: &mut Cases) {
    let lines = Lines::new();
    let mut refuse = |name, about, input: Value, verdict| {
        cases.refused("log", name, about, input, verdict);
        let expect = cases.last();
        let verdicts: Vec<&str> = expect["lines"]
            .as_array()
            .map(|lines| {
                lines
                    .iter()
                    .filter_map(|line| line["verdict"].as_str())
                    .collect()
            })
            .unwrap_or_default();
        assert_eq!(
            verdicts[..3],
            ["ok", verdict, "ok"],
            "{name}: the neighbours stay readable"
        );
    };
    let second = written(&line(2, &lines.two));
    refuse(
        "not-json",
        "The line is no JSON; the lines around it are read.",
        lines.around(&second.replace("\"at\"", "#at#")),
        "not-json",
    );
    refuse(
        "empty-line",
        "An empty line is a damaged one.",
        lines.around("\n"),
        "not-json",
    );
    refuse(
        "not-an-object",
        "JSON, but no object.",
        lines.around("[1,2]\n"),
        "not-json",
    );
    refuse(
        "no-raw",
        "`raw` is missing.",
        lines.second(|line| {
            line.as_object_mut().expect("an object").remove("raw");
        }),
        "not-json",
    );
    refuse(
        "no-id",
        "`id` is missing.",
        lines.second(|line| {
            line.as_object_mut().expect("an object").remove("id");
        }),
        "not-json",
    );
    refuse(
        "n-no-number",
        "`n` is a text.",
        lines.second(|line| line["n"] = "2".into()),
        "not-json",
    );
    refuse(
        "cut-in-the-middle",
        "The middle of the line is gone.",
        lines.around(&format!(
            "{}{}",
            &second[..60],
            &second[second.len() - 60..]
        )),
        "not-json",
    );
    refuse(
        "not-base64",
        "`raw` has a character that base64 has not.",
        lines.second(|line| line["raw"] = "AAA*".into()),
        "not-base64",
    );
    refuse(
        "base64-unpadded",
        "The `=` at the end of `raw` is missing.",
        lines.second(|line| {
            let raw = lines.two.to_raw();
            assert_ne!(raw.len() % 3, 0, "there is padding to leave out");
            line["raw"] = data_encoding::BASE64_NOPAD.encode(&raw).into();
        }),
        "not-base64",
    );
    refuse(
        "raw-cut",
        "`raw` is base64 of no message.",
        lines.second(|line| {
            let raw = lines.two.to_raw();
            line["raw"] = data_encoding::BASE64.encode(&raw[..raw.len() - 1]).into();
        }),
        "not-a-message",
    );
    refuse(
        "raw-body-altered",
        "One byte of the body in `raw` is another.",
        lines.second(|line| {
            let mut raw = lines.two.to_raw();
            *raw.last_mut().expect("bytes") ^= 1;
            line["raw"] = data_encoding::BASE64.encode(&raw).into();
        }),
        "not-a-message",
    );
    refuse(
        "raw-not-canonical",
        "`raw` has a padded varint.",
        lines.second(|line| {
            let mut raw = lines.two.to_raw();
            assert_eq!(raw[66], 2);
            raw.splice(66..67, [0x82, 0x00]);
            line["raw"] = data_encoding::BASE64.encode(&raw).into();
        }),
        "not-a-message",
    );
    refuse(
        "raw-of-another",
        "`raw` is a good message, but not the one that `id` names.",
        lines.second(|line| {
            line["raw"] = data_encoding::BASE64.encode(&lines.three.to_raw()).into();
        }),
        "id-mismatch",
    );
    refuse(
        "id-altered",
        "`id` is another.",
        lines.second(|line| {
            line["id"] = MessageId::from_bytes([7; 32]).to_hex().into();
        }),
        "id-mismatch",
    );
    refuse(
        "id-in-capitals",
        "`id` is printed in lower case.",
        lines.second(|line| {
            line["id"] = lines.two.id().to_hex().to_uppercase().into();
        }),
        "id-mismatch",
    );

    let mut repair = line(4, &lines.two);
    repair["repairs"] = 2.into();
    let mut input = lines.second(|line| line["raw"] = "AAA*".into());
    let file = input["file"]
        .as_str()
        .map(|file| format!("{file}{}", written(&repair)));
    input["file"] = file.into();
    refuse(
        "repaired",
        "A damaged line stays; its copy, fetched again, says which it repairs.",
        input,
        "not-base64",
    );
    let joined = format!("{}{}", second.trim_end(), written(&line(3, &lines.three)));
    let file = format!(
        "{}{}{}",
        written(&line(1, &lines.one)),
        joined.replacen("\"at\"", "#at#", 1),
        written(&line(4, &lines.two))
    );
    refuse(
        "newline-lost",
        "The newline between a damaged line and a good one is lost: the good one is found by how lines begin.",
        json!({ "file": file }),
        "not-json",
    );
}
