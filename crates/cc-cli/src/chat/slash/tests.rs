use super::*;

fn command(text: &str) -> Slash {
    match parse(text) {
        Typed::Command(slash) => slash,
        other => panic!("{text}: {other:?}"),
    }
}

fn message(text: &str) -> String {
    match parse(text) {
        Typed::Message(text) => text,
        other => panic!("{text}: {other:?}"),
    }
}

fn wrong(text: &str) -> Vec<String> {
    match parse(text) {
        Typed::Wrong(lines) => lines,
        other => panic!("{text}: {other:?}"),
    }
}
