//! A line cut into words, as a shell does: quotes hold what has spaces together, a backslash makes the next character
//! stand for itself. Nothing is expanded but a `~/` at the beginning of a word that is not quoted.

use std::ops::Range;

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says, without quotes.
    pub text: String,
    /// Where it stands in the line, quotes and all.
    pub at: Range<usize>,
}

/// The words of a line; the quote that is not closed where one is.
pub fn words(line: &str) -> Result<Vec<Word>, char> {
    let (words, open) = read(line);
    match open {
        Some(quote) => Err(quote),
        None => Ok(words
            .into_iter()
            .map(|(word, is_plain)| if is_plain { with_home(word) } else { word })
            .collect()),
    }
}

/// The word that ends where the line does: what is being typed, quote closed or not. Empty after a space.
pub fn last(line: &str) -> Word {
    let (mut words, _) = read(line);
    match words.pop() {
        Some((word, _)) if word.at.end == line.len() => word,
        _ => Word {
            text: String::new(),
            at: line.len()..line.len(),
        },
    }
}

/// A text as one word.
pub fn quoted(text: &str) -> String {
    let is_special = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    // At the beginning it would stand for the home folder.
    if out.starts_with('~') {
        out.insert(0, '\\');
    }
    out
}

/// The words, each with whether its first character was neither quoted nor escaped, and the quote that stayed open.
fn read(line: &str) -> (Vec<(Word, bool)>, Option<char>) {
    let mut words = Vec::new();
    // What is being read: its text, where it begins, whether it begins plainly.
    let mut word: Option<(String, usize, bool)> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            if let Some((text, start, is_plain)) = word.take() {
                let at = start..at;
                words.push((Word { text, at }, is_plain));
            }
            continue;
        }
        let is_plain = !matches!(c, '\'' | '"' | '\\');
        let (text, ..) = word.get_or_insert_with(|| (String::new(), at, is_plain));
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            // In single quotes everything stands for itself.
            (None | Some('"'), '\\') => match chars.next() {
                Some((_, escaped)) => text.push(escaped),
                None => text.push('\\'),
            },
            _ => text.push(c),
        }
    }
    if let Some((text, start, is_plain)) = word {
        let at = start..line.len();
        words.push((Word { text, at }, is_plain));
    }
    (words, quote)
}

fn with_home(mut word: Word) -> Word {
    if (word.text == "~" || word.text.starts_with("~/"))
        && let Some(home) = user_home()
    {
        word.text.replace_range(..1, &home);
    }
    word
}

/// The folder that `~` stands for.
pub fn user_home() -> Option<String> {
    let home = std::env::var("HOME").ok()?;
    (!home.is_empty()).then_some(home)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let words = words(line).unwrap();
        words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_cut_as_a_shell_does() {
        for (line, wanted) in [
            ("", vec![]),
            ("  a  b\t", vec!["a", "b"]),
            ("'a b' \"c d\"", vec!["a b", "c d"]),
            ("a\\ b c\\\\d", vec!["a b", "c\\d"]),
            ("a'b c'd", vec!["ab cd"]),
            ("\"it's\" 'a \"b\"' '\\'", vec!["it's", "a \"b\"", "\\"]),
            ("\"a \\\" b\" ''", vec!["a \" b", ""]),
            ("end\\", vec!["end\\"]),
        ] {
            assert_eq!(texts(line), wanted, "{line}");
        }
        assert_eq!(words("a 'b").unwrap_err(), '\'');
        assert_eq!(words("\"").unwrap_err(), '"');
    }

    #[test]
    fn only_a_plain_tilde_stands_for_the_home_folder() {
        let home = user_home().unwrap();
        assert_eq!(
            texts("~ ~/a '~/b' \\~/c x~/d ~bob"),
            [&home, &format!("{home}/a"), "~/b", "~/c", "x~/d", "~bob"]
        );
    }

    #[test]
    fn the_last_word_is_what_is_being_typed() {
        for (line, text, at) in [
            ("", "", 0..0),
            ("drop ", "", 5..5),
            ("drop a", "a", 5..6),
            ("drop 'a b", "a b", 5..9),
            ("drop a\\ b", "a b", 5..9),
            ("drop 'a' ", "", 9..9),
        ] {
            let text = text.to_owned();
            assert_eq!(last(line), Word { text, at }, "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_text_is_one_word(text in "[^\u{0}]{1,20}", other in "[a-z]{1,5}") {
            let line = format!("{} {other}", quoted(&text));
            prop_assert_eq!(texts(&line), [text, other]);
        }

        #[test]
        fn any_line_can_be_cut(line in any::<String>()) {
            let _ = words(&line);
            prop_assert!(last(&line).at.end == line.len());
        }
    }
}
