//! What `/help` says, made from the definitions of the commands and the table of chords.

use cc_proto::text::{clean_line, clean_text};
use clap::CommandFactory as _;

use super::Line;
use crate::chat::keys::{CHORDS, Group};

/// The longest of what was typed that is shown back, in characters.
const SHOWN_CHARS_MAX: usize = 40;
/// How many letters may differ for a name to be suggested.
const DISTANCE_MAX: usize = 2;

/// The commands by name, with what each does; other names of a command follow it.
pub fn names() -> Vec<(String, String)> {
    let line = Line::command();
    let mut names = Vec::new();
    for command in line.get_subcommands() {
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        names.push((command.get_name().to_owned(), about));
        for alias in command.get_visible_aliases() {
            names.push((
                alias.to_owned(),
                format!("the same as /{}", command.get_name()),
            ));
        }
    }
    names
}

/// Whether there is a command of this name.
pub fn is_name(name: &str) -> bool {
    Line::command().find_subcommand(name).is_some()
}

/// The options of a command, with what each does.
pub fn options(name: &str) -> Vec<(String, String)> {
    let line = Line::command();
    let Some(command) = line.find_subcommand(name) else {
        return Vec::new();
    };
    let options = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    options
        .filter_map(|option| {
            let long = option.get_long()?;
            let help = option
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            Some((format!("--{long}"), help))
        })
        .collect()
}

/// What a command takes and does, in lines; `None` where there is none of this name.
pub fn usage(name: &str) -> Option<Vec<String>> {
    let name = name.trim_start_matches('/');
    let line = Line::command();
    let command = line.find_subcommand(name)?.clone();
    let mut command = command
        .bin_name(format!("/{}", line.find_subcommand(name)?.get_name()))
        .disable_help_flag(true)
        .term_width(0);
    let text = command.render_help().to_string();
    Some(
        text.trim_end()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect(),
    )
}

/// The keys and the commands, in lines.
pub fn overview() -> Vec<String> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        lines.push(group.title().to_owned());
        let told = CHORDS
            .iter()
            .filter(|chord| chord.group == group && !chord.told.is_empty());
        lines.extend(told.map(|chord| format!("  {:<30}  {}", chord.shown, chord.told)));
        lines.push(String::new());
    }
    lines.push("Commands (/help COMMAND tells more)".to_owned());
    let names = names();
    lines.extend(
        names
            .iter()
            .map(|(name, about)| format!("  {:<30}  {about}", format!("/{name}"))),
    );
    lines.push(String::new());
    lines.push("A text that begins with // is sent with one slash.".to_owned());
    lines
}

/// That there is no command of this name, and which one may be meant.
pub fn no_such(name: &str) -> Vec<String> {
    let shown = clean_line(name, SHOWN_CHARS_MAX);
    let meant = nearest(name).map_or_else(
        || "/help lists them".to_owned(),
        |meant| format!("did you mean /{meant}?"),
    );
    vec![
        format!("there is no command /{shown}: {meant}"),
        "// at the beginning sends it as a text".to_owned(),
    ]
}

/// Why clap did not understand a command, in lines.
pub fn wrong(name: &str, error: &clap::Error) -> Vec<String> {
    let text = clean_text(&error.render().to_string());
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    // What follows is about the command line's own help.
    let text = text.split("\n\nUsage:").next().unwrap_or(text);
    let text = text
        .split("\n\nFor more information")
        .next()
        .unwrap_or(text);
    let mut lines: Vec<String> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    lines.push(format!("/help {name} tells what it takes"));
    lines
}

/// The command whose name is most like this one.
fn nearest(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    let all = names();
    let of = |wanted: &dyn Fn(&str) -> bool| {
        let mut found = all
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| wanted(name));
        found.next().map(str::to_owned)
    };
    if name.chars().count() >= 2
        && let Some(begun) = of(&|other| other.starts_with(&name))
    {
        return Some(begun);
    }
    // So short a name is like any other.
    let most = DISTANCE_MAX.min(name.chars().count() / 2);
    let near = all.iter().map(|(other, _)| (distance(&name, other), other));
    near.filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.clone())
}

/// How many letters must be put in, taken out, changed or swapped with the next to make one name of the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (
        one.chars().take(SHOWN_CHARS_MAX).collect(),
        other.chars().collect(),
    );
    let width = other.len() + 1;
    let mut table = vec![0; (one.len() + 1) * width];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            table[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(one[i - 1] != other[j - 1]);
                let mut least = (table[(i - 1) * width + j] + 1)
                    .min(table[i * width + j - 1] + 1)
                    .min(table[(i - 1) * width + j - 1] + change);
                if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                    least = least.min(table[(i - 2) * width + j - 2] + 1);
                }
                least
            };
        }
    }
    table[one.len() * width + other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changes() {
        for (one, other, wanted) in [
            ("", "", 0),
            ("invite", "invite", 0),
            ("invit", "invite", 1),
            ("invtie", "invite", 1),
            ("drap", "drop", 1),
            ("", "quit", 4),
        ] {
            assert_eq!(distance(one, other), wanted, "{one} {other}");
        }
    }

    #[test]
    fn a_mistyped_name_is_told_with_the_one_meant() {
        for (typed, meant) in [
            ("drp", Some("drop")),
            ("invtie", Some("invite")),
            ("mem", Some("members")),
            ("Quit", Some("quit")),
            ("etc/hosts", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed).as_deref(), meant, "{typed}");
        }
        let told = no_such("a\u{1b}[2J");
        assert!(told[0].contains("\\u{1b}"), "{told:?}");
    }

    #[test]
    fn help_has_every_chord_and_every_command() {
        let all = overview().join("\n");
        for (name, about) in names() {
            assert!(all.contains(&format!("/{name} ")), "{name}");
            assert!(!about.is_empty(), "{name}");
        }
        for chord in CHORDS {
            assert!(all.contains(chord.told), "{chord:?}");
        }
    }

    #[test]
    fn each_command_has_words_of_its_own() {
        for (name, _) in names() {
            let usage = usage(&name).unwrap();
            assert!(
                usage.iter().any(|line| line.starts_with("Usage: /")),
                "{usage:?}"
            );
            assert!(
                !usage.iter().any(|line| line.contains("--help")),
                "{usage:?}"
            );
        }
        assert_eq!(usage("/drop"), usage("drop"));
        assert_eq!(usage("nothing"), None);
        assert!(
            options("invite")
                .iter()
                .any(|(name, _)| name == "--expires")
        );
    }
}
