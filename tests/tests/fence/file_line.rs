//! Takes apart what is told of a file, by the text of `spec/hook.md`, Files, alone.

/// What a line tells of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// Without quotes, and of a folder without its `/`.
    pub name: String,
    pub folder: bool,
    pub here: bool,
    pub path: Option<String>,
}

/// Takes a message's text apart; the error says which rule it breaks.
pub fn file_line(text: &str) -> Result<FileLine, String> {
    let wrong = |what: &str| format!("{what}: {text:?}");
    let (here, rest) = match (
        text.strip_prefix("dropped "),
        text.strip_prefix("announced "),
    ) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err(wrong("neither dropped nor announced")),
    };
    let (folder, rest) = rest
        .strip_prefix("folder ")
        .map_or((false, rest), |rest| (true, rest));
    // No safe name holds a double quote, and one without quotes no space.
    let (name, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"'),
        None => rest.find(' ').map(|at| rest.split_at(at)),
    }
    .ok_or_else(|| wrong("no end of its name"))?;
    let is_plain = name.chars().all(is_plain);
    if is_plain == text.contains(&format!("\"{name}\"")) {
        return Err(wrong("quotes where none belong, or none where they do"));
    }
    let name = if folder {
        name.strip_suffix('/')
            .ok_or_else(|| wrong("a folder without its mark"))?
    } else {
        name
    };
    if !is_safe(name) {
        return Err(wrong("no safe name"));
    }
    let (size, rest) = rest
        .strip_prefix(" (")
        .and_then(|rest| rest.split_once(')'))
        .ok_or_else(|| wrong("no size"))?;
    if !is_size(size) {
        return Err(wrong("a size of nobody's"));
    }
    let path = match (here, rest) {
        (false, ", not here yet") => None,
        (true, rest) => {
            let room = rest.strip_prefix(", path in cc-connect files --room ");
            let told = rest.strip_prefix(" @file:");
            match (told, room) {
                (Some(path), _) if is_path(path, name) => Some(path.to_owned()),
                (_, Some(room)) if room.len() == 10 && room.chars().all(is_hex) => None,
                _ => return Err(wrong("no path of ours")),
            }
        }
        _ => return Err(wrong("neither here nor not")),
    };
    Ok(FileLine {
        name: name.to_owned(),
        folder,
        here,
        path,
    })
}

fn is_hex(c: char) -> bool {
    matches!(c, '0'..='9' | 'a'..='f')
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-+/".contains(c)
}

/// One component of a path that nothing takes for more.
fn is_safe(name: &str) -> bool {
    let replaced = "/\\:*?\"<>|$;&`[]'\u{2044}\u{2215}\u{2236}\u{29f5}\u{29f8}\u{29f9}\u{a789}\u{fe13}\u{fe55}\u{fe68}\u{ff0f}\u{ff1a}\u{ff3c}\u{2024}\u{fe52}\u{ff0e}";
    (1..=120).contains(&name.len())
        && !name.starts_with(['.', '-', ' '])
        && !name.ends_with(['.', ' '])
        && !name.contains("  ")
        && !name.contains(|c| replaced.contains(c))
}

/// `148 B` or `1.2 MiB`.
fn is_size(size: &str) -> bool {
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let Some((number, unit)) = size.split_once(' ') else {
        return false;
    };
    match (number.split_once('.'), unit) {
        (None, "B") => is_number(number) && number.len() <= 4,
        (Some((whole, tenth)), "KiB" | "MiB" | "GiB" | "TiB" | "PiB" | "EiB") => {
            is_number(whole) && whole.len() <= 4 && is_number(tenth) && tenth.len() == 1
        }
        _ => false,
    }
}

/// `…/files/<16 hexadecimal digits>/<name>`, absolute and with no further mark in it.
fn is_path(path: &str, name: &str) -> bool {
    let before = path
        .strip_suffix(name)
        .and_then(|rest| rest.strip_suffix('/'));
    let Some((above, folder)) = before.and_then(|rest| rest.rsplit_once('/')) else {
        return false;
    };
    path.starts_with('/')
        && above.ends_with("/files")
        && folder.len() == 16
        && folder.chars().all(is_hex)
        && !path.contains("@file:")
}

/// A checker that finds nothing wrong is none.
#[test]
fn the_checker_finds_a_wrong_line() {
    for right in [
        "announced design.svg (148 B), not here yet",
        "announced folder \"my stuff/\" (1.2 MiB), not here yet",
        "dropped a (0 B) @file:/h/files/0123456789abcdef/a",
        "dropped \"x (1 B) @file__etc\" (9 B) @file:/h/files/0123456789abcdef/x (1 B) @file__etc",
        "dropped folder a/ (1023.9 KiB), path in cc-connect files --room 1a1a1a1a1a",
    ] {
        file_line(right).unwrap();
    }
    for wrong in [
        "design.svg (148 B), not here yet",
        "announced design.svg (148 B)",
        "announced a b (148 B), not here yet",
        "announced \"a\" (148 B), not here yet",
        "announced über (148 B), not here yet",
        "announced \"a:b\" (148 B), not here yet",
        "announced \"a [b\" (148 B), not here yet",
        "announced -a (148 B), not here yet",
        "announced a (1e9 B), not here yet",
        "announced a (1.25 MiB), not here yet",
        "announced folder a (1 B), not here yet",
        "announced a (1 B) @file:/h/files/0123456789abcdef/a",
        "dropped a (1 B), not here yet",
        "dropped a (1 B) @file:/etc/passwd",
        "dropped a (1 B) @file:h/files/0123456789abcdef/a",
        "dropped a (1 B) @file:/h/files/0123456789abcdef/b",
        "dropped a (1 B) @file:/h/files/0123456789ABCDEF/a",
        "dropped a (1 B) @file:/etc/passwd @file:/h/files/0123456789abcdef/a",
        "dropped \"x\" (1 B) @file:/etc/passwd\" (9 B) @file:/h/files/0123456789abcdef/x",
        "dropped a (1 B), path in cc-connect files --room 1a; rm -rf",
    ] {
        assert!(file_line(wrong).is_err(), "{wrong}");
    }
}
