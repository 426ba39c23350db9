//! The shapes that issuers give their keys.

/// What a secret of some issuer looks like.
pub struct Shape {
    /// What it is called in an error.
    pub name: &'static str,
    /// What it begins with; it is looked at where one of these stands. At least three bytes.
    pub words: &'static [&'static str],
    /// Whether the words are meant in any case.
    pub is_any_case: bool,
    /// What may stand before it.
    pub before: Before,
    /// The whole of it, one part after the other.
    parts: &'static [Part],
}

/// What stands before a credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Anything.
    Any,
    /// No letter, digit or underscore.
    NoWord,
    /// Eight to ten digits and then no letter or digit: a bot's number.
    Number,
}

/// A part of a shape.
enum Part {
    /// One of these.
    Text(&'static [&'static str]),
    /// These words in any case, with or without an underscore between them.
    Name(&'static [&'static str]),
    /// At least so many characters of a class, and then all that follow, up to so many.
    Run(fn(u8) -> bool, usize, usize),
    /// At most so many characters of a class, and then this.
    Until(fn(u8) -> bool, usize, &'static str),
    /// No letter, digit or underscore.
    End,
}

use Part::{End, Name, Run, Text, Until};

impl Shape {
    /// Whether `text` begins with it.
    pub fn matches(&self, text: &[u8]) -> bool {
        let mut rest = text;
        self.parts.iter().all(|part| match part.take(rest) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        })
    }
}

impl Part {
    /// What follows the part that `text` begins with.
    fn take<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Text(texts) => texts
                .iter()
                .find_map(|wanted| text.strip_prefix(wanted.as_bytes())),
            Name(words) => words.iter().try_fold(text, |text, word| {
                let text = text.strip_prefix(b"_").unwrap_or(text);
                let (begins, rest) = text.split_at_checked(word.len())?;
                begins.eq_ignore_ascii_case(word.as_bytes()).then_some(rest)
            }),
            Run(class, min, max) => {
                let run = text.iter().take(*max).take_while(|byte| class(**byte));
                let run = run.count();
                (run >= *min).then(|| &text[run..])
            }
            Until(class, max, wanted) => (0..=*max)
                .take_while(|len| *len == 0 || text.get(len - 1).is_some_and(|byte| class(*byte)))
                .find_map(|len| text.get(len..)?.strip_prefix(wanted.as_bytes())),
            End => text
                .first()
                .is_none_or(|byte| !is_word(*byte))
                .then_some(text),
        }
    }
}

impl Before {
    /// Whether it may stand there, before which `text` stands.
    pub fn allows(self, text: &[u8]) -> bool {
        let is_free = |text: &[u8]| text.last().is_none_or(|byte| !is_word(*byte));
        match self {
            Self::Any => true,
            Self::NoWord => is_free(text),
            Self::Number => {
                let digits = text.iter().rev().take(11);
                let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
                (8..=10).contains(&digits) && is_free(&text[..text.len() - digits])
            }
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
const fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}
const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}
const fn is_label(byte: u8) -> bool {
    is_upper(byte) || byte == b' '
}
const fn is_base32(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'2'..=b'7')
}
const fn is_base64(byte: u8) -> bool {
    is_letter(byte) || byte == b'/' || byte == b'+'
}
const fn is_url64(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}
const fn is_dashed(byte: u8) -> bool {
    is_letter(byte) || byte == b'-'
}
const fn is_path(byte: u8) -> bool {
    is_url64(byte) || byte == b'/'
}
const fn is_other(byte: u8) -> bool {
    !is_word(byte)
}

const fn shape(
    name: &'static str,
    words: &'static [&'static str],
    before: Before,
    parts: &'static [Part],
) -> Shape {
    Shape {
        name,
        words,
        is_any_case: false,
        before,
        parts,
    }
}

/// A key that begins with one of some words, and goes on with so many characters at least.
macro_rules! key {
    ($name:literal, [$($word:literal),+], $class:ident, $min:literal) => {
        shape($name, &[$($word),+], Before::NoWord, &[Text(&[$($word),+]), Run($class, $min, $min)])
    };
}

/// All of them; where one begins as another does, what is more particular stands first.
pub const SHAPES: &[Shape] = &[
    shape(
        "a private key",
        &["-----BEGIN "],
        Before::Any,
        &[Text(&["-----BEGIN "]), Until(is_label, 40, "PRIVATE KEY")],
    ),
    shape(
        "a PuTTY private key",
        &["PuTTY-User-Key-File-"],
        Before::Any,
        &[Text(&["PuTTY-User-Key-File-"]), Run(is_digit, 1, 1)],
    ),
    key!("an age secret key", ["AGE-SECRET-KEY-1"], is_upper, 20),
    key!("a cc-connect ticket", ["cc1-"], is_base32, 60),
    shape(
        "an AWS access key",
        &["AKIA", "ASIA"],
        Before::NoWord,
        &[Text(&["AKIA", "ASIA"]), Run(is_upper, 16, 16), End],
    ),
    Shape {
        is_any_case: true,
        ..shape(
            "an AWS secret key",
            &["aws"],
            Before::NoWord,
            &[
                Name(&["aws", "secret", "access", "key"]),
                Run(is_other, 1, 6),
                Run(is_base64, 40, 40),
            ],
        )
    },
    key!(
        "a GitHub token",
        ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        is_letter,
        36
    ),
    key!("a GitHub token", ["github_pat_"], is_word, 22),
    key!("a GitLab token", ["glpat-"], is_url64, 20),
    key!(
        "a Slack token",
        [
            "xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"
        ],
        is_dashed,
        10
    ),
    shape(
        "a Slack webhook",
        &["hooks.slack.com/"],
        Before::Any,
        &[
            Text(&["hooks.slack.com/services/", "hooks.slack.com/workflows/"]),
            Run(is_path, 20, 20),
        ],
    ),
    shape(
        "a Discord webhook",
        &["discord.com/", "discordapp.com/"],
        Before::Any,
        &[
            Text(&["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"]),
            Run(is_digit, 10, 40),
            Text(&["/"]),
            Run(is_url64, 20, 20),
        ],
    ),
    key!("a Google API key", ["AIza"], is_url64, 35),
    key!("a Google token", ["ya29."], is_url64, 20),
    key!("an Anthropic key", ["sk-ant-"], is_url64, 20),
    key!("an OpenAI key", ["sk-"], is_url64, 32),
    key!(
        "a Stripe key",
        ["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        is_letter,
        16
    ),
    key!("an npm token", ["npm_"], is_letter, 36),
    key!("a PyPI token", ["pypi-AgE"], is_url64, 40),
    shape(
        "a crates.io token",
        &["cio"],
        Before::NoWord,
        &[Text(&["cio"]), Run(is_letter, 32, 32), End],
    ),
    key!("a Hugging Face token", ["hf_"], is_letter, 30),
    shape(
        "a SendGrid key",
        &["SG."],
        Before::NoWord,
        &[
            Text(&["SG."]),
            Run(is_url64, 16, 128),
            Text(&["."]),
            Run(is_url64, 16, 16),
        ],
    ),
    shape(
        "a Telegram bot token",
        &[":AA"],
        Before::Number,
        &[Text(&[":AA"]), Run(is_url64, 33, 33)],
    ),
    shape(
        "a JSON web token",
        &["eyJ"],
        Before::NoWord,
        &[
            Text(&["eyJ"]),
            Run(is_url64, 10, 400),
            Text(&[".eyJ"]),
            Run(is_url64, 10, 10),
        ],
    ),
];

/// Names that say secret, or end in a word that does.
pub const NAMES: &[&str] = &[
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

/// Words that stand where a secret would.
pub const PLACEHOLDERS: [&[u8]; 28] = [
    b"access",
    b"an",
    b"api",
    b"apikey",
    b"change",
    b"changeme",
    b"dummy",
    b"example",
    b"goes",
    b"here",
    b"insert",
    b"it",
    b"key",
    b"me",
    b"my",
    b"pass",
    b"password",
    b"placeholder",
    b"private",
    b"redacted",
    b"replace",
    b"sample",
    b"secret",
    b"some",
    b"token",
    b"user",
    b"with",
    b"your",
];
