//! What looks like a credential: an agent must not say such a thing to a room, and nobody shares a file that holds one
//! without being asked, for neither can be taken back.
//!
//! By the shapes that issuers give their keys, and by assignments of long random values to names such as `password`. A
//! secret without such a shape is not noticed, nor one that is packed or encrypted: this is a net, not a wall.
//!
//! One pass looks at three bytes at each place, at the speed at which files are read; only where a credential can begin
//! is looked at closely. Text comes in pieces of any size, and memory does not grow with it.
//! [`shapes`] is the list.

mod shapes;

use std::sync::LazyLock;

use self::shapes::{NAMES, PLACEHOLDERS, SHAPES};

/// What is looked at after the place where a credential begins, in bytes: the longest that is found.
const AFTER_BYTES: usize = 1024;
/// What is looked at before it: a bot's number, or the scheme of a URL.
const BEFORE_BYTES: usize = 32;
/// Small pieces are put together until there are so many bytes: what is kept of one for the next is copied twice.
const PIECE_BYTES: usize = 64 * 1024;

/// Where a URL says who asks.
const AFTER_SCHEME: &str = "://";
/// The longest name and password in a URL, in bytes.
const URL_NAME_BYTES_MAX: usize = 128;
const URL_PASSWORD_BYTES_MAX: usize = 256;
/// The fewest and the most bytes of a value that is assigned.
const VALUE_BYTES_MIN: usize = 16;
const VALUE_BYTES_MAX: usize = 512;

/// By how many bytes is told that a word may stand there; none is shorter.
const START_BYTES: usize = 3;
/// The numbers of starts, as a power of two; many more than there are words, so that few other texts share theirs.
const STARTS_BITS: u32 = 16;

/// A word by which a credential is found.
#[derive(Debug, Clone, Copy)]
struct Word {
    text: &'static str,
    look: Look,
}

/// What is looked for at a word.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// A shape, by its place in the list. The word begins it, in this case.
    Shape(usize),
    /// What is assigned to the word, in any case.
    Assigned,
    /// A password between the word and a host.
    UrlPassword,
}

/// All words, and which three bytes begin one.
struct Words {
    /// A bit for each number of three bytes.
    starts: Box<[u64; 1 << (STARTS_BITS - 6)]>,
    /// By the beginning in lower case.
    words: Vec<([u8; START_BYTES], Word)>,
}

static WORDS: LazyLock<Words> = LazyLock::new(Words::new);

impl Words {
    fn new() -> Self {
        let mut words = Vec::new();
        for (at, shape) in SHAPES.iter().enumerate() {
            let look = Look::Shape(at);
            words.extend(shape.words.iter().map(|text| Word { text, look }));
        }
        let look = Look::Assigned;
        words.extend(NAMES.iter().map(|text| Word { text, look }));
        words.push(Word {
            text: AFTER_SCHEME,
            look: Look::UrlPassword,
        });
        let words = words.into_iter().filter_map(|word| {
            let start = word.text.as_bytes().first_chunk()?;
            Some((start.map(|byte| byte.to_ascii_lowercase()), word))
        });
        let mut words: Vec<_> = words.collect();
        // What is more particular stands first in the list, and does here.
        words.sort_by_key(|(start, _)| *start);
        let mut starts = Box::new([0; 1 << (STARTS_BITS - 6)]);
        for (start, _) in &words {
            // In every mixture of cases.
            for cases in 0..1_u8 << START_BYTES {
                let mut cased = *start;
                for (at, byte) in cased.iter_mut().enumerate() {
                    if cases >> at & 1 == 1 {
                        byte.make_ascii_uppercase();
                    }
                }
                let number = number_of(u32::from_be_bytes([0, cased[0], cased[1], cased[2]]));
                starts[number >> 6] |= 1 << (number & 63);
            }
        }
        Self { starts, words }
    }

    /// What kind of credential begins at `from` or later, and before `to`.
    fn find(&self, bytes: &[u8], from: usize, to: usize) -> Option<&'static str> {
        let first = bytes.get(from..from + START_BYTES - 1)?;
        let mut last = u32::from(first[0]) << 8 | u32::from(first[1]);
        let end = bytes.len().min(to + START_BYTES - 1);
        let rest = bytes.get(from + START_BYTES - 1..end).unwrap_or_default();
        for (at, byte) in rest.iter().enumerate() {
            last = (last << 8 | u32::from(*byte)) & 0x00ff_ffff;
            let number = number_of(last);
            if self.starts[number >> 6] >> (number & 63) & 1 == 1
                && let Some(found) = self.look(bytes, from + at)
            {
                return Some(found);
            }
        }
        None
    }

    /// What kind of credential begins exactly there.
    fn look(&self, bytes: &[u8], at: usize) -> Option<&'static str> {
        let (before, after) = bytes.split_at(at);
        let start: [u8; START_BYTES] = *after.first_chunk()?;
        let start = start.map(|byte| byte.to_ascii_lowercase());
        let first = self.words.partition_point(|(other, _)| *other < start);
        let mut words = self.words[first..]
            .iter()
            .take_while(|(other, _)| *other == start);
        let after = &after[..after.len().min(AFTER_BYTES)];
        words.find_map(|(_, word)| word.look(before, after))
    }
}

/// A number for three bytes, under which few others stand.
const fn number_of(bytes: u32) -> usize {
    (bytes.wrapping_mul(0x9e37_79b1) >> (32 - STARTS_BITS)) as usize
}

impl Word {
    fn look(&self, before: &[u8], after: &[u8]) -> Option<&'static str> {
        let text = self.text.as_bytes();
        match self.look {
            Look::Shape(at) => {
                let shape = &SHAPES[at];
                let is_it = shape.is_any_case || after.starts_with(text);
                (is_it && shape.before.allows(before) && shape.matches(after)).then_some(shape.name)
            }
            Look::Assigned => {
                let (name, rest) = after.split_at_checked(text.len())?;
                let is_password = self.text.starts_with("pass");
                let assigned = name.eq_ignore_ascii_case(text) && is_assigned(rest, is_password);
                assigned.then_some("a password or key")
            }
            Look::UrlPassword => {
                let rest = after.strip_prefix(text)?;
                (has_password(rest) && is_scheme(before)).then_some("a password in a URL")
            }
        }
    }
}

/// Whether a long random value is assigned: `="…"`, `: …`, ` := …`, `' => '…'`. To a password also words in quotes.
fn is_assigned(text: &[u8], is_password: bool) -> bool {
    let quote = |byte: &u8| b"\"'`".contains(byte);
    let text = match text {
        [first, rest @ ..] if quote(first) => rest,
        text => text,
    };
    let ([b'=', b'>', text @ ..] | [b':', b'=', text @ ..] | [b'=' | b':', text @ ..]) =
        skip_space(text)
    else {
        return false;
    };
    let (text, is_quoted) = match skip_space(text) {
        [first, rest @ ..] if quote(first) => (rest, true),
        text => (text, false),
    };
    let ends = |byte: &u8| byte.is_ascii_whitespace() || quote(byte) || b",;".contains(byte);
    let text = &text[..text.len().min(VALUE_BYTES_MAX)];
    let value = &text[..text.iter().position(ends).unwrap_or(text.len())];
    let is_secret = is_random(value) || (is_password && is_quoted && is_of_words(value));
    value.len() >= VALUE_BYTES_MIN && is_secret
}

fn skip_space(text: &[u8]) -> &[u8] {
    let spaces = text
        .iter()
        .take(3)
        .take_while(|it| it.is_ascii_whitespace());
    &text[spaces.count()..]
}

/// Whether what ends there is the scheme of a URL.
fn is_scheme(text: &[u8]) -> bool {
    let of_scheme = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+.-".contains(byte);
    let scheme = text.iter().rev().take(BEFORE_BYTES).take_while(of_scheme);
    scheme.skip(1).any(u8::is_ascii_alphabetic)
}

/// Whether `name:password@host` follows, with a password that is none of an example.
fn has_password(after: &[u8]) -> bool {
    let part = |bytes: &[u8], max: usize| {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/:@".contains(byte);
        bytes.iter().take(max + 1).position(ends)
    };
    let Some(name) = part(after, URL_NAME_BYTES_MAX).filter(|len| *len > 0) else {
        return false;
    };
    if after[name] != b':' {
        return false;
    }
    let rest = &after[name + 1..];
    let Some(len) = part(rest, URL_PASSWORD_BYTES_MAX).filter(|len| *len >= 3) else {
        return false;
    };
    let host = rest.get(len + 1);
    rest[len] == b'@'
        && host.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[')
        && !is_placeholder(&rest[..len])
}

/// What kind of credential a text seems to hold, if any: `a GitHub token`.
pub fn find(text: &str) -> Option<&'static str> {
    WORDS.find(text.as_bytes(), 0, text.len())
}

/// Looks through a text that comes in pieces. What spans two of them is found as well.
#[derive(Debug, Default)]
pub struct Scanner {
    /// What was not looked at with all that follows it, and a little before it.
    kept: Vec<u8>,
    /// So many of the kept bytes were looked at.
    looked_at: usize,
}

impl Scanner {
    /// Takes the next piece; gives what kind of credential stands in what came so far, if one does.
    pub fn feed(&mut self, piece: &[u8]) -> Option<&'static str> {
        self.kept.extend_from_slice(piece);
        if self.kept.len() < PIECE_BYTES {
            return None;
        }
        // At the end of this piece a credential may be cut: what begins there waits for what follows.
        let to = self.kept.len() - AFTER_BYTES;
        let found = WORDS.find(&self.kept, self.looked_at, to);
        let from = to - BEFORE_BYTES;
        self.kept.copy_within(from.., 0);
        self.kept.truncate(self.kept.len() - from);
        self.looked_at = BEFORE_BYTES;
        found
    }

    /// The text is over: gives what stands in the rest of it, and is ready for another text.
    pub fn end(&mut self) -> Option<&'static str> {
        let (kept, from) = (std::mem::take(&mut self.kept), self.looked_at);
        self.looked_at = 0;
        WORDS.find(&kept, from, kept.len())
    }
}

/// Whether a value is no word, path, call or placeholder: letters and digits mixed, and many different ones.
fn is_random(value: &[u8]) -> bool {
    let has = |what: fn(&u8) -> bool| value.iter().any(what);
    if !has(u8::is_ascii_digit) || !has(u8::is_ascii_alphabetic) {
        return false;
    }
    let looks_like_code = value
        .iter()
        .any(|byte| b"(){}[]<>$".contains(byte) || !byte.is_ascii_graphic());
    let different = |value: &[u8]| {
        let seen = value
            .iter()
            .fold(0_u128, |seen, byte| seen | 1 << (byte & 127));
        seen.count_ones()
    };
    !looks_like_code && different(value) >= 8 && !is_placeholder(value)
}

/// Whether a value in quotes is a password of words: four or more of them.
fn is_of_words(value: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let words = value.split(|byte| b"-_.".contains(byte));
    let long = words.filter(|word| word.len() >= 3).count();
    value.iter().all(is_plain) && long >= 4 && !is_placeholder(value)
}

/// Whether a value is what people write where a secret would stand: such words and nothing else.
fn is_placeholder(value: &[u8]) -> bool {
    if value.starts_with(b"${") || value.starts_with(b"<") {
        return true;
    }
    let value = value.to_ascii_lowercase();
    let mut words = value.split(|byte| !byte.is_ascii_alphanumeric());
    words.all(|word| {
        let is_one = |first: &u8| word.iter().all(|byte| byte == first);
        let is_number = word.len() <= 4 && word.iter().all(u8::is_ascii_digit);
        is_number || word.first().is_none_or(is_one) || PLACEHOLDERS.contains(&word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that no scanner takes this file for a leak.
    fn key(before: &str, with: &str, times: usize) -> String {
        format!("{before}{}", with.repeat(times))
    }

    #[test]
    fn every_word_begins_as_its_shape_does_and_is_looked_for() {
        let count: usize = SHAPES.iter().map(|shape| shape.words.len()).sum();
        // None was too short.
        assert_eq!(WORDS.words.len(), count + NAMES.len() + 1);
    }

    #[test]
    fn credentials_are_found_wherever_they_stand() {
        let cases = [
            (
                key("-----BEGIN OPENSSH PRIV", "ATE KEY-----", 1),
                "a private key",
            ),
            (key("cc1-", "abcdefgh", 10), "a cc-connect ticket"),
            (key("AKIA", "Q3EX", 4), "an AWS access key"),
            (
                key("aws_secret_access_key = ", "aB3/", 10),
                "an AWS secret key",
            ),
            (key("ghp_", "aB3d", 9), "a GitHub token"),
            (key("github_pat_", "aB3d", 9), "a GitHub token"),
            (key("glpat-", "aB3d", 5), "a GitLab token"),
            (key("xoxb-", "12345-", 3), "a Slack token"),
            (key("AIza", "aB3dE", 7), "a Google API key"),
            (key("sk-ant-", "api03", 8), "an Anthropic key"),
            (key("sk-proj-", "aB3d", 12), "an OpenAI key"),
            (key("sk_live_", "aB3d", 6), "a Stripe key"),
            (key("npm_", "aB3d", 9), "an npm token"),
            (key("hf_", "aB3d", 9), "a Hugging Face token"),
            (
                format!("{0}.{0}.{0}", key("eyJ", "hbGciOi", 3)),
                "a JSON web token",
            ),
            (
                "DB_PASSWORD=\"k3Jx9_qLm2vR8tYz\"".to_owned(),
                "a password or key",
            ),
            (
                "api_key: 9f8e7d6c5b4a39281706".to_owned(),
                "a password or key",
            ),
            (
                "postgres://app:hunter2x@db:5432/app".to_owned(),
                "a password in a URL",
            ),
            (
                "postgres://admin:Password123!@prod-db:5432/app".to_owned(),
                "a password in a URL",
            ),
            (
                "DB_PASSWORD=\"prodSecret-9f8e7d6c5b4a39281706\"".to_owned(),
                "a password or key",
            ),
            (
                "password: \"correct-horse-battery-staple\"".to_owned(),
                "a password or key",
            ),
        ];
        for (secret, kind) in cases {
            for text in [
                secret.clone(),
                format!("it is {secret} now"),
                format!("```\nexport K={secret}\n```"),
                format!("schön: {secret}"),
            ] {
                assert_eq!(find(&text), Some(kind), "{text}");
            }
        }
    }

    #[test]
    fn what_people_talk_about_is_left_alone() {
        for text in [
            "postgres, we have it",
            "the password is in the vault, ask @bob",
            "set DB_PASSWORD=<your password> and TOKEN=${TOKEN}",
            "api_key: your-api-key-goes-here-123",
            "let token = self.next_token(input)?;",
            "password: &'static str, secret_access_key: Option<String>",
            "fn token(&self) -> Result<Token, Error> { tokens.pop() }",
            "commit 3f786850e387550fdab836ed7e6dc881de23001b fixes it",
            "room 1a2b3c4d5e, key 10b22e0b4f9d82219dd366c777b9639800a9b399273115192893319e7f80d91e",
            "https://example.com/a:b@c and git@github.com:owner/repo.git",
            "redis://user:password@localhost/0",
            "redis://user:your-password-here@localhost/0 and redis://u:xxxx@h and redis://u:<pw>@h",
            "password: \"your-secret-password-goes-here\", token: \"the-name-of-a-token\"",
            "password: \"auth.forgotten\"",
            "sk-learn is a library, cio is a word, AKIA is a prefix",
            "eyJ is how a JWT begins",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    fn scanned(text: &[u8], piece: usize) -> Option<&'static str> {
        let mut scanner = Scanner::default();
        for piece in text.chunks(piece) {
            if let Some(found) = scanner.feed(piece) {
                return Some(found);
            }
        }
        scanner.end()
    }

    #[test]
    fn what_spans_two_pieces_is_found_wherever_it_is_cut() {
        let secret = key("ghp_", "aB3d", 9);
        let bot = key("123456789:AA", "aB3", 11);
        for (secret, kind) in [(secret, "a GitHub token"), (bot, "a Telegram bot token")] {
            for before in [
                0,
                PIECE_BYTES - AFTER_BYTES - BEFORE_BYTES,
                PIECE_BYTES - AFTER_BYTES - 1,
                PIECE_BYTES - AFTER_BYTES,
                PIECE_BYTES - 20,
                PIECE_BYTES,
                3 * PIECE_BYTES - 7,
            ] {
                let mut text = vec![0xff; before];
                text.extend_from_slice(secret.as_bytes());
                text.extend(vec![b'\n'; 5000]);
                for piece in [1000, PIECE_BYTES - 1, PIECE_BYTES + 1, 1 << 20] {
                    assert_eq!(scanned(&text, piece), Some(kind), "{before} {piece}");
                }
            }
        }
    }

    #[test]
    fn what_is_part_of_a_longer_word_is_no_credential_wherever_it_is_cut() {
        let word = format!("x{}", key("AKIA", "Q3EX", 4));
        let longer = format!("{}b", key("AKIA", "Q3EX", 4));
        for before in PIECE_BYTES - AFTER_BYTES - 60..PIECE_BYTES - AFTER_BYTES + 60 {
            for word in [&word, &longer] {
                let mut text = vec![b' '; before];
                text.extend_from_slice(word.as_bytes());
                text.extend(vec![b' '; PIECE_BYTES]);
                assert_eq!(scanned(&text, 4096), None, "{before}");
            }
        }
    }

    #[test]
    fn a_scanner_keeps_no_more_than_two_pieces() {
        let mut scanner = Scanner::default();
        for _ in 0..64 {
            scanner.feed(&[b'a'; 4096]);
            assert!(scanner.kept.len() <= PIECE_BYTES + 4096);
        }
        assert_eq!(scanner.end(), None);
        assert!(scanner.kept.is_empty());
    }

    #[test]
    fn a_long_text_takes_no_long_time() {
        // Every bounded repetition of the patterns, over the longest text that is sent.
        let text = "token".repeat(16 * 1024 / 5);
        assert_eq!(find(&text), None);
    }
}
