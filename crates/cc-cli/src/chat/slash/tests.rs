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

#[test]
fn only_a_single_line_is_a_command() {
    assert!(matches!(command("/members"), Slash::Members(_)));
    // What is pasted with a line break at its end is one line.
    assert!(matches!(command("/members\n"), Slash::Members(_)));
    for text in [
        "/members\nx",
        "/leave\n/leave",
        " /members",
        "members",
        "a /members",
        "",
    ] {
        assert_eq!(message(text), text);
    }
    // Two slashes stand for one, of however many lines the text is.
    assert_eq!(message("//etc/hosts\n//bin"), "/etc/hosts\n//bin");
    assert_eq!(message("///// a line\nof a box"), "//// a line\nof a box");
    assert_eq!(message("//etc/hosts"), "/etc/hosts");
    assert_eq!(message("//"), "/");
}

#[test]
fn what_is_mistyped_is_told_and_not_sent() {
    assert!(wrong("/drp x")[0].contains("/drop"));
    assert!(wrong("/")[0].contains("/help"));
    assert!(wrong("/etc/hosts is wrong")[1].contains("//"));
    assert!(wrong("/drop 'a b")[0].contains('\''));
    assert!(wrong("/drop").join("\n").contains("<PATH>"));
    assert!(wrong("/invite --uses 0").join("\n").contains("--uses"));
    assert!(wrong("/trust bob high").join("\n").contains("high"));
    for lines in [
        wrong("/drop"),
        wrong("/members --json"),
        wrong("/trust bob \u{1b}]0;x\u{7}"),
    ] {
        let all = lines.join(" ");
        assert!(!all.contains("--help") && !all.contains("error:"), "{all}");
        assert!(all.chars().all(cc_proto::text::is_shown_as_is), "{all:?}");
        assert!(lines.iter().all(|line| !line.is_empty()), "{lines:?}");
    }
}

#[test]
fn help_is_given_where_it_is_asked_for() {
    let Typed::Help(lines) = parse("/drop --help") else {
        panic!();
    };
    assert!(
        lines.iter().any(|line| line.starts_with("Usage: /drop")),
        "{lines:?}"
    );
}

#[test]
fn words_are_taken_as_they_are_typed_where_they_are_no_options() {
    let Slash::Find(words) = command("/find it's --all  of \"it") else {
        panic!();
    };
    assert_eq!(words.text(), "it's --all  of \"it");
}

proptest::proptest! {
    #[test]
    fn what_was_said_is_said_again_by_what_it_comes_back_as(text in "/{0,3}[a-z ]{0,6}(\n/{0,3}[a-z]{1,6}){0,2}") {
        let typed = as_typed(&text);
        proptest::prop_assert_eq!(message(&typed), text.as_str());
        proptest::prop_assert_eq!(said(&typed), text);
    }
}
