//! Ids, the encoding, time.

use serde_json::{Value, json};

use super::Cases;
use super::world::NOW;
use crate::vectors::input::number;

pub(super) fn add(cases: &mut Cases) {
    ids(cases);
    values(cases);
    time(cases);
}

fn ids(cases: &mut Cases) {
    let digits = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";
    let id = |text: &str| json!({ "text": text });
    cases.ok(
        "id",
        "lower",
        "64 lower-case digits are an id; its short form is the first 10.",
        id(digits),
        &json!({ "bytes": digits, "printed": digits, "short": "0011223344" }),
    );
    cases.ok(
        "id",
        "upper",
        "Capitals are read too, and printed in lower case.",
        id(&digits.to_uppercase()),
        &json!({ "printed": digits }),
    );
    let cut = &digits[..63];
    let bad = [
        ("empty", "Nothing is no id.", String::new()),
        ("one-digit-less", "63 digits are no id.", cut.to_owned()),
        (
            "one-byte-more",
            "66 digits are no id.",
            format!("{digits}00"),
        ),
        ("not-a-digit", "`g` is no digit.", format!("{cut}g")),
        (
            "prefix",
            "`0x` is not taken off.",
            format!("0x{}", &digits[2..]),
        ),
        ("space", "White space is not taken off.", format!(" {cut}")),
        (
            "short-form",
            "A short form is for people and names nothing.",
            digits[..10].to_owned(),
        ),
    ];
    for (name, about, text) in bad {
        cases.refused("id", name, about, id(&text), "not-an-id");
    }
}

/// A type, a name, what it shows, the bytes in hexadecimal, and the value or null where there is none.
type Encoded = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Value,
);

fn values(cases: &mut Cases) {
    let good: [Encoded; 19] = [
        (
            "u8",
            "u8-max",
            "A u8 is one byte, never a varint.",
            "ff",
            json!(255),
        ),
        ("bool", "bool-true", "True is 01.", "01", json!(true)),
        ("u16", "u16-zero", "Zero is one byte.", "00", json!(0)),
        (
            "u16",
            "u16-127",
            "127 is the last value of one byte.",
            "7f",
            json!(127),
        ),
        (
            "u16",
            "u16-128",
            "128 is the first value of two bytes, low seven bits first.",
            "8001",
            json!(128),
        ),
        (
            "u16",
            "u16-max",
            "The largest u16 takes three bytes.",
            "ffff03",
            json!(65535),
        ),
        ("u32", "u32-300", "300 is ac 02.", "ac02", json!(300)),
        (
            "u32",
            "u32-max",
            "The largest u32 takes five bytes.",
            "ffffffff0f",
            json!(4_294_967_295_u32),
        ),
        (
            "u64",
            "u64-2-pow-53",
            "A number above 2^53 - 1 is a text in these files.",
            "8080808080808010",
            json!("9007199254740992"),
        ),
        (
            "u64",
            "u64-max",
            "The largest u64 takes ten bytes.",
            "ffffffffffffffffff01",
            json!("18446744073709551615"),
        ),
        (
            "text",
            "text-empty",
            "An empty text is its length, 0.",
            "00",
            json!(""),
        ),
        (
            "text",
            "text-ascii",
            "A text is its length in bytes, then its bytes.",
            "026869",
            json!("hi"),
        ),
        (
            "text",
            "text-utf8",
            "The length counts bytes, not characters.",
            "03e282ac",
            json!("\u{20ac}"),
        ),
        (
            "bytes",
            "bytes",
            "Bytes of any length follow a varint of it.",
            "03000102",
            json!("000102"),
        ),
        (
            "option of u64",
            "option-absent",
            "An absent option is 00.",
            "00",
            json!(null),
        ),
        (
            "option of u64",
            "option-present",
            "A present option is 01 and the value.",
            "01ac02",
            json!(300),
        ),
        (
            "list of u64",
            "list-empty",
            "An empty list is its count, 0.",
            "00",
            json!([]),
        ),
        (
            "list of u64",
            "list",
            "A list is its count, then its items.",
            "0301ac0200",
            json!([1, 300, 0]),
        ),
        ("bool", "bool-false", "False is 00.", "00", json!(false)),
    ];
    for (kind, name, about, bytes, value) in good {
        let input = json!({ "type": kind, "bytes": bytes });
        cases.ok("encoding", name, about, input, &json!({ "value": value }));
    }
    let bad = [
        ("u16", "empty", "Nothing is no value.", ""),
        (
            "u16",
            "varint-padded",
            "1 in two bytes is not canonical.",
            "8100",
        ),
        (
            "u64",
            "varint-padded-zero",
            "0 in two bytes is not canonical.",
            "8000",
        ),
        (
            "u32",
            "varint-padded-long",
            "300 in five bytes is not canonical.",
            "ac82808000",
        ),
        ("u16", "u16-overflow", "65,536 is no u16.", "808004"),
        ("u32", "u32-overflow", "2^32 is no u32.", "8080808010"),
        (
            "u64",
            "u64-overflow",
            "2^64 is no u64.",
            "80808080808080808002",
        ),
        (
            "u64",
            "varint-endless",
            "An eleventh byte is no u64.",
            "8080808080808080808001",
        ),
        (
            "u32",
            "varint-cut",
            "The last byte says that another follows.",
            "ac",
        ),
        ("u8", "trailing-byte", "A byte is left over.", "0100"),
        ("bool", "bool-two", "02 is neither true nor false.", "02"),
        (
            "option of u64",
            "option-two",
            "02 is neither absent nor present.",
            "0201",
        ),
        (
            "option of u64",
            "option-cut",
            "The present value is missing.",
            "01",
        ),
        (
            "text",
            "text-cut",
            "The text is shorter than its length says.",
            "0368",
        ),
        (
            "text",
            "text-not-utf8",
            "ff is never part of UTF-8.",
            "01ff",
        ),
        (
            "text",
            "text-surrogate",
            "A surrogate is not UTF-8.",
            "03eda080",
        ),
        (
            "text",
            "text-overlong",
            "An overlong form is not UTF-8.",
            "02c0af",
        ),
        (
            "text",
            "text-length-padded",
            "The varint of the length is padded.",
            "82006869",
        ),
        (
            "list of u64",
            "list-cut",
            "The list has fewer items than its count says.",
            "0201",
        ),
        (
            "list of u64",
            "list-huge",
            "The count is far beyond the bytes there are.",
            "ffffffff0f01",
        ),
    ];
    for (kind, name, about, bytes) in bad {
        let input = json!({ "type": kind, "bytes": bytes });
        cases.refused("encoding", name, about, input, "encoding");
    }
}

fn time(cases: &mut Cases) {
    let skew = |ts: u64| json!({ "ts": number(ts), "wall": NOW });
    cases.ok(
        "skew",
        "at-the-limit",
        "600,000 ms ahead is not skewed.",
        skew(NOW + 600_000),
        &Value::Null,
    );
    cases.ok(
        "skew",
        "a-day-behind",
        "However far behind, it is only late.",
        skew(NOW - 86_400_000),
        &Value::Null,
    );
    cases.ok("skew", "zero", "1970 is only late.", skew(0), &Value::Null);
    cases.refused(
        "skew",
        "over-the-limit",
        "600,001 ms ahead is skewed.",
        skew(NOW + 600_001),
        "skewed",
    );
    cases.refused(
        "skew",
        "a-day-ahead",
        "A day ahead is skewed.",
        skew(NOW + 86_400_000),
        "skewed",
    );
    cases.refused(
        "skew",
        "the-last-moment",
        "The largest timestamp is skewed.",
        skew(u64::MAX),
        "skewed",
    );

    let write = |wall: u64| json!({ "wall": wall });
    let see = |ts: u64, wall: u64| json!({ "seen": number(ts), "wall": wall });
    let mut clock = |name, about, steps: Vec<Value>, written: Value| {
        let expect = json!({ "written": written });
        cases.ok("clock", name, about, json!({ "steps": steps }), &expect);
    };
    clock(
        "wall",
        "Without anything seen it is the wall clock.",
        vec![write(NOW), write(NOW + 5)],
        json!([NOW, NOW + 5]),
    );
    clock(
        "same-millisecond",
        "Two messages of one millisecond differ by one.",
        vec![write(NOW), write(NOW)],
        json!([NOW, NOW + 1]),
    );
    clock(
        "wall-goes-back",
        "A wall clock that jumps back does not take the clock with it.",
        vec![write(NOW), write(NOW - 5000)],
        json!([NOW, NOW + 1]),
    );
    clock(
        "seen-ahead",
        "A message seen from a little ahead is followed.",
        vec![see(NOW + 600_000, NOW), write(NOW)],
        json!([NOW + 600_001]),
    );
    clock(
        "seen-late",
        "A late message moves nothing.",
        vec![see(NOW - 86_400_000, NOW), write(NOW)],
        json!([NOW]),
    );
    clock(
        "seen-skewed",
        "A skewed message moves nothing.",
        vec![see(NOW + 600_001, NOW), see(u64::MAX, NOW), write(NOW)],
        json!([NOW]),
    );
    clock(
        "skewed-by-now",
        "Skew is judged by the wall clock of that moment: later, the same timestamp is not skewed.",
        vec![
            see(NOW + 600_001, NOW),
            see(NOW + 600_001, NOW + 1),
            write(NOW + 2),
        ],
        json!([NOW + 600_002]),
    );
}
