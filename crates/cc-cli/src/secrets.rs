//! What looks like a credential: an agent must not say such a thing to a room, and nobody shares a file that holds one
//! without being asked, for neither can be taken back.
//!
//! By the shapes that issuers give their keys, and by assignments of long random values to names such as `password`. A
//! secret without such a shape is not noticed, nor one that is packed or encrypted: this is a net, not a wall.
//!
//! One pass finds the words that a credential cannot do without, at the speed at which files are read; only what stands
//! at such a word is looked at. Text comes in pieces of any size, and memory does not grow with it.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::Regex;

/// The longest credential that is found, in bytes: where its word stands, so much after it is looked at.
const AFTER_BYTES: usize = 1024;
/// As much before its word: the beginning of a bot's token, or of a URL.
const BEFORE_BYTES: usize = 32;
/// Small pieces are put together until there are so many bytes: what is kept of one for the next is looked at twice.
const PIECE_BYTES: usize = 64 * 1024;

/// What a secret of some issuer looks like.
struct Shape {
    /// What it is called in an error.
    name: &'static str,
    /// What it begins with, in any case; it is looked at where one of these stands.
    words: &'static [&'static str],
    /// The whole of it, from the word on.
    pattern: &'static str,
    /// What may stand before the word.
    before: Before,
}

/// What stands before the word by which a credential is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Anything.
    Any,
    /// No letter, digit or underscore.
    NoWord,
    /// Eight to ten digits and then no letter or digit: a bot's number.
    Number,
}

const fn shape(
    name: &'static str,
    words: &'static [&'static str],
    before: Before,
    pattern: &'static str,
) -> Shape {
    Shape {
        name,
        words,
        pattern,
        before,
    }
}

const SHAPES: &[Shape] = &[
    shape(
        "a private key",
        &["-----BEGIN "],
        Before::Any,
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY",
    ),
    shape(
        "a PuTTY private key",
        &["PuTTY-User-Key-File-"],
        Before::Any,
        r"PuTTY-User-Key-File-[0-9]",
    ),
    shape(
        "an age secret key",
        &["AGE-SECRET-KEY-1"],
        Before::NoWord,
        r"AGE-SECRET-KEY-1[0-9A-Z]{20}",
    ),
    shape(
        "a cc-connect ticket",
        &["cc1-"],
        Before::NoWord,
        r"cc1-[a-z2-7]{60}",
    ),
    shape(
        "an AWS access key",
        &["AKIA", "ASIA"],
        Before::NoWord,
        r"(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    ),
    shape(
        "an AWS secret key",
        &["aws_secret", "awssecret"],
        Before::NoWord,
        r"(?i:aws_?secret_?access_?key)\W{1,6}[A-Za-z0-9/+]{40}",
    ),
    shape(
        "a GitHub token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        Before::NoWord,
        r"gh[pousr]_[A-Za-z0-9]{36}",
    ),
    shape(
        "a GitHub token",
        &["github_pat_"],
        Before::NoWord,
        r"github_pat_[A-Za-z0-9_]{22}",
    ),
    shape(
        "a GitLab token",
        &["glpat-"],
        Before::NoWord,
        r"glpat-[A-Za-z0-9_-]{20}",
    ),
    shape(
        "a Slack token",
        &["xox"],
        Before::NoWord,
        r"xox[abeoprs]-[A-Za-z0-9-]{10}",
    ),
    shape(
        "a Slack webhook",
        &["hooks.slack.com/"],
        Before::Any,
        r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20}",
    ),
    shape(
        "a Discord webhook",
        &["discord.com/", "discordapp.com/"],
        Before::Any,
        r"discord(?:app)?\.com/api/webhooks/[0-9]{10,}/[A-Za-z0-9_-]{20}",
    ),
    shape(
        "a Google API key",
        &["AIza"],
        Before::NoWord,
        r"AIza[0-9A-Za-z_-]{35}",
    ),
    shape(
        "a Google token",
        &["ya29."],
        Before::NoWord,
        r"ya29\.[0-9A-Za-z_-]{20}",
    ),
    shape(
        "an Anthropic key",
        &["sk-ant-"],
        Before::NoWord,
        r"sk-ant-[A-Za-z0-9_-]{20}",
    ),
    shape(
        "an OpenAI key",
        &["sk-"],
        Before::NoWord,
        r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32}",
    ),
    shape(
        "a Stripe key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        Before::NoWord,
        r"(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16}",
    ),
    shape(
        "an npm token",
        &["npm_"],
        Before::NoWord,
        r"npm_[A-Za-z0-9]{36}",
    ),
    shape(
        "a PyPI token",
        &["pypi-AgE"],
        Before::NoWord,
        r"pypi-AgE[A-Za-z0-9_-]{40}",
    ),
    shape(
        "a crates.io token",
        &["cio"],
        Before::NoWord,
        r"cio[A-Za-z0-9]{32}\b",
    ),
    shape(
        "a Hugging Face token",
        &["hf_"],
        Before::NoWord,
        r"hf_[A-Za-z0-9]{30}",
    ),
    shape(
        "a SendGrid key",
        &["SG."],
        Before::NoWord,
        r"SG\.[A-Za-z0-9_-]{16,128}\.[A-Za-z0-9_-]{16}",
    ),
    shape(
        "a Telegram bot token",
        &[":AA"],
        Before::Number,
        r":AA[A-Za-z0-9_-]{33}",
    ),
    shape(
        "a JSON web token",
        &["eyJ"],
        Before::NoWord,
        r"eyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10}",
    ),
];

/// Names that say secret, or end in a word that does.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "access-key",
    "privatekey",
    "private_key",
    "private-key",
];
/// What is assigned to such a name.
const ASSIGNED: &str = r#"^["'`]?\s{0,3}(?:=>?|:=?)\s{0,3}["'`]?([^\s"'`,;]{16,512})"#;
/// Where a URL says who asks.
const AFTER_SCHEME: &str = "://";

/// The longest name and password in a URL, in bytes.
const URL_NAME_BYTES_MAX: usize = 128;
const URL_PASSWORD_BYTES_MAX: usize = 256;

/// What is looked for at a word.
#[derive(Clone, Copy)]
enum Look {
    Shape(usize),
    Assigned,
    UrlPassword,
}

struct Patterns {
    words: AhoCorasick,
    /// What to look for, by the number of the word.
    looks: Vec<Look>,
    shapes: Vec<Regex>,
    assigned: Regex,
}

// None where a pattern is wrong, which a test rules out.
static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| Patterns::new().ok());

impl Patterns {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let mut words: Vec<&str> = Vec::new();
        let mut looks = Vec::new();
        for (at, shape) in SHAPES.iter().enumerate() {
            words.extend(shape.words);
            looks.resize(words.len(), Look::Shape(at));
        }
        words.extend(NAMES);
        looks.resize(words.len(), Look::Assigned);
        words.push(AFTER_SCHEME);
        looks.push(Look::UrlPassword);
        // Keys are of ASCII, and so are the tables that look for them.
        let of = |pattern: &str| Regex::new(&format!("(?-u){pattern}"));
        let shapes = SHAPES
            .iter()
            .map(|shape| of(&format!("^(?:{})", shape.pattern)));
        Ok(Self {
            words: AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::DFA))
                .build(&words)?,
            looks,
            shapes: shapes.collect::<Result<_, _>>()?,
            assigned: of(ASSIGNED)?,
        })
    }

    /// What stands in `bytes` at a word that begins at `from` or later, and before `to`.
    fn find(&self, bytes: &[u8], from: usize, to: usize) -> Option<&'static str> {
        let words = self.words.find_overlapping_iter(bytes);
        words
            .filter(|word| (from..to).contains(&word.start()))
            .find_map(|word| {
                let (start, end) = (word.start(), word.end());
                match self.looks[word.pattern().as_usize()] {
                    // The first of those whose words begin there: what is more particular stands before it.
                    Look::Shape(at) if self.is_shape(at, bytes, start) => (0..=at)
                        .find(|first| self.is_shape(*first, bytes, start))
                        .map(|first| SHAPES[first].name),
                    Look::Shape(_) => None,
                    Look::Assigned => self
                        .is_assigned(span(bytes, end))
                        .then_some("a password or key"),
                    Look::UrlPassword => (is_scheme(&bytes[..start])
                        && has_password(span(bytes, end)))
                    .then_some("a password in a URL"),
                }
            })
    }

    fn is_shape(&self, shape: usize, bytes: &[u8], start: usize) -> bool {
        stands_after(SHAPES[shape].before, &bytes[..start])
            && self.shapes[shape].is_match(span(bytes, start))
    }

    fn is_assigned(&self, after: &[u8]) -> bool {
        // Most such words are followed by something else, and this is cheaper than the pattern.
        let next = after.iter().take(4).any(|byte| b"=:".contains(byte));
        next && self
            .assigned
            .captures(after)
            .and_then(|found| found.get(1))
            .is_some_and(|value| is_random(value.as_bytes()))
    }
}

/// What is looked at from there on.
fn span(bytes: &[u8], from: usize) -> &[u8] {
    &bytes[from..bytes.len().min(from + AFTER_BYTES)]
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn stands_after(before: Before, text: &[u8]) -> bool {
    let is_free = |text: &[u8]| text.last().is_none_or(|byte| !is_word(*byte));
    match before {
        Before::Any => true,
        Before::NoWord => is_free(text),
        Before::Number => {
            let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit());
            let digits = digits.take(11).count();
            (8..=10).contains(&digits) && is_free(&text[..text.len() - digits])
        }
    }
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
    let bytes = text.as_bytes();
    PATTERNS.as_ref()?.find(bytes, 0, bytes.len())
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
        // At the end of this piece a credential may be cut: a word there waits for what follows.
        let to = self.kept.len() - AFTER_BYTES;
        let found = PATTERNS.as_ref()?.find(&self.kept, self.looked_at, to);
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
        PATTERNS.as_ref()?.find(&kept, from, kept.len())
    }
}

/// Whether a value is no word, path, call or placeholder: letters and digits mixed, and many different ones.
fn is_random(value: &[u8]) -> bool {
    let has = |what: fn(&u8) -> bool| value.iter().any(what);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    let mut different = [false; 256];
    for byte in value {
        different[usize::from(*byte)] = true;
    }
    let different = different.iter().filter(|seen| **seen).count();
    let looks_like_code = value
        .iter()
        .any(|byte| b"(){}[]<>$".contains(byte) || !byte.is_ascii_graphic());
    mixed && different >= 8 && !looks_like_code && !is_placeholder(value)
}

/// What people write where a secret would stand.
fn is_placeholder(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    let holds = |word: &[u8]| value.windows(word.len()).any(|part| part == word);
    let words: [&[u8]; 12] = [
        b"example",
        b"xxxx",
        b"****",
        b"changeme",
        b"password",
        b"secret",
        b"your",
        b"${",
        b"<",
        b"...",
        b"redacted",
        b"placeholder",
    ];
    words.into_iter().any(holds) || value == b"pass" || value == b"user"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that no scanner takes this file for a leak.
    fn key(before: &str, with: &str, times: usize) -> String {
        format!("{before}{}", with.repeat(times))
    }

    #[test]
    fn every_pattern_compiles() {
        assert!(PATTERNS.is_some());
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
