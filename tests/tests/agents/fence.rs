//! How a message has to stand in a prompt.

use cc_tests::model_api::PromptText;

use crate::stage::LINE;

/// How often something stands in a prompt.
pub fn occurrences(prompt: &[PromptText], wanted: &str) -> usize {
    let pieces = prompt.iter();
    pieces.map(|piece| piece.text.matches(wanted).count()).sum()
}

/// Bob's line stands once, with his name and a time, and with the room's it is all that stands between two lines with
/// the same nonce.
pub fn assert_line_is_fenced(prompt: &[PromptText]) {
    assert_eq!(occurrences(prompt, LINE), 1, "{prompt:#?}");
    let piece = prompt.iter().find(|piece| piece.text.contains(LINE));
    let inside = inside(&piece.expect("it occurs once").text, LINE);
    let [room, message] = inside[..] else {
        panic!("not one message: {inside:#?}");
    };
    assert!(room.starts_with("room \"project\" "), "{room}");
    let time = message.strip_prefix("[chatroom @bob ");
    let time = time.and_then(|rest| rest.strip_suffix(LINE)?.strip_suffix("Z] "));
    let time = time.unwrap_or_else(|| panic!("{message:?} is not Bob's line"));
    // A file view numbers its lines besides.
    let time = time.rsplit(' ').next().unwrap_or_default();
    let digits = time.split(':').map(str::parse::<u8>);
    assert_eq!(digits.flatten().count(), 2, "{message}");
}

/// The lines inside the fence that holds `wanted`. There may be others: the orientation at a session's start has its own.
pub fn inside<'a>(text: &'a str, wanted: &str) -> Vec<&'a str> {
    // Gemini CLI puts the end of its own wrapping right behind the last line.
    let lines = text
        .lines()
        .map(|line| line.strip_suffix("</hook_context>").unwrap_or(line));
    let lines: Vec<&str> = lines.collect();
    let fences: Vec<usize> = (0..lines.len()).filter(|at| is_fence(lines[*at])).collect();
    let (pairs, rest) = fences.as_chunks::<2>();
    assert!(rest.is_empty(), "a fence without its end: {lines:#?}");
    let mut holding = Vec::new();
    for [first, last] in pairs {
        assert_eq!(lines[*first], lines[*last]);
        let inside = &lines[first + 1..*last];
        if inside.iter().any(|line| line.contains(wanted)) {
            holding.push(inside.to_vec());
        }
    }
    assert_eq!(holding.len(), 1, "{wanted} is not in one fence: {lines:#?}");
    holding.remove(0)
}

/// `----- NONCE -----`, where the nonce is 8 bytes as hex digits.
fn is_fence(line: &str) -> bool {
    let nonce = line.strip_prefix("----- ");
    let nonce = nonce.and_then(|rest| rest.strip_suffix(" -----"));
    nonce.is_some_and(|nonce| nonce.len() == 16 && nonce.bytes().all(|b| b.is_ascii_hexdigit()))
}
