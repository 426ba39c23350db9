//! The command lines that we register, and how they are known again.

use std::path::Path;

/// What is written behind a hook's command line where a shell must not fail with words on standard error: to
/// such an agent they would be a reason to keep the human's prompt back.
const GUARD: &str = " 2>/dev/null || exit 0";

/// The shell command line that runs `program` with these arguments.
///
/// Quoted where a shell would take a character for its own. `None` where the path is not UTF-8, which settings
/// cannot hold.
pub fn command_line(program: &Path, arguments: &[&str]) -> Option<String> {
    let words = std::iter::once(program.to_str()?).chain(arguments.iter().copied());
    Some(join_quoted(words))
}

/// The program of a hook's command line, if it is one that we write for one of these names:
/// `…/cc-connect hook --agent NAME`, with `--event EVENT`, `--home DIR` behind it and nothing else, or `…/cc-hook-claude`.
pub(super) fn hook_program(line: &str, names: &[String]) -> Option<String> {
    let line = line.strip_suffix(GUARD).unwrap_or(line);
    let words = shell_words(line);
    // What stands otherwise than we write it may be more than a shell's words: somebody else's line.
    if join_quoted(words.iter().map(String::as_str)) != line {
        return None;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    is_hook(&words, names).then(|| words[0].to_owned())
}

fn is_hook(words: &[&str], names: &[String]) -> bool {
    let is_claude = names.iter().any(|name| name == "claude-code");
    let options = match words {
        [program, rest @ ..] if is_claude && is(program, "cc-hook-claude") => rest,
        [program, "hook", "--agent", name, rest @ ..] if is(program, "cc-connect") => {
            if !names.iter().any(|it| it == name) {
                return false;
            }
            rest
        }
        _ => return false,
    };
    matches!(
        options,
        [] | ["--home" | "--event", _] | ["--event", _, "--home", _]
    )
}

/// The program among the strings of an entry for our tools: `…/cc-connect`, then `mcp`.
pub(super) fn tools_program<'a>(words: &[&'a str]) -> Option<&'a str> {
    let two = words.windows(2);
    let mut ours = two.filter(|two| is(two[0], "cc-connect") && two[1] == "mcp");
    ours.next().map(|two| two[0])
}

fn is(program: &str, name: &str) -> bool {
    program.rsplit('/').next() == Some(name)
}

/// The words of a shell command line, quotes undone; enough for the lines that we write.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn join_quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.map(quote).collect();
    quoted.join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
