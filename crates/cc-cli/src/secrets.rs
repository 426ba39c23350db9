//! What looks like a credential: an agent must not say such a thing to a room, from which it cannot be taken back.
//!
//! By the shapes that issuers give their keys, and by assignments of long random values to names such as `password`. A
//! secret without such a shape is not noticed: this is a net, not a wall.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexSet};

/// What a secret of some issuer looks like.
struct Shape {
    /// What it is called in an error.
    name: &'static str,
    pattern: &'static str,
}

const fn shape(name: &'static str, pattern: &'static str) -> Shape {
    Shape { name, pattern }
}

/// A pattern begins where no letter or digit stands before it.
const SHAPES: &[Shape] = &[
    shape("a private key", r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY"),
    shape("a PuTTY private key", r"PuTTY-User-Key-File-[0-9]"),
    shape("an age secret key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    shape("a cc-connect ticket", r"\bcc1-[a-z2-7]{60,}"),
    shape("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    shape(
        "an AWS secret key",
        r"(?i)\baws_?secret_?access_?key\W{1,6}[A-Za-z0-9/+]{40}",
    ),
    shape("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}"),
    shape("a GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{22,}"),
    shape("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    shape("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    shape(
        "a Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}",
    ),
    shape(
        "a Discord webhook",
        r"discord(?:app)?\.com/api/webhooks/[0-9]{10,}/[A-Za-z0-9_-]{20,}",
    ),
    shape("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
    shape("a Google token", r"\bya29\.[0-9A-Za-z_-]{20,}"),
    shape("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    shape(
        "an OpenAI key",
        r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}",
    ),
    shape(
        "a Stripe key",
        r"\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}",
    ),
    shape("an npm token", r"\bnpm_[A-Za-z0-9]{36}"),
    shape("a PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{40,}"),
    shape("a crates.io token", r"\bcio[A-Za-z0-9]{32}\b"),
    shape("a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}"),
    shape(
        "a SendGrid key",
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    ),
    shape("a Telegram bot token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    shape(
        "a JSON web token",
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    ),
];

/// A name that says secret, and what is assigned to it.
const ASSIGNED: &str = r#"(?i)\b[a-z0-9_.-]{0,40}(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)["'`]?\s{0,3}(?:=>?|:=?)\s{0,3}["'`]?([^\s"'`,;]{16,512})"#;
/// A password in a URL.
const URL_PASSWORD: &str =
    r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{1,128}:([^\s/:@]{3,256})@[A-Za-z0-9\[]";

struct Patterns {
    shapes: Option<RegexSet>,
    assigned: Option<Regex>,
    url_password: Option<Regex>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    shapes: RegexSet::new(SHAPES.iter().map(|shape| bytes_only(shape.pattern))).ok(),
    assigned: Regex::new(&bytes_only(ASSIGNED)).ok(),
    url_password: Regex::new(&bytes_only(URL_PASSWORD)).ok(),
});

/// Keys are of ASCII, and so are the tables that look for them.
fn bytes_only(pattern: &str) -> String {
    format!("(?-u){pattern}")
}

/// What kind of credential a text seems to hold, if any: `a GitHub token`.
pub fn find(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let shapes = PATTERNS.shapes.as_ref()?;
    if let Some(found) = shapes.matches(bytes).iter().next() {
        return Some(SHAPES[found].name);
    }
    let assigned = PATTERNS.assigned.as_ref()?.captures_iter(bytes);
    let mut values = assigned.filter_map(|found| found.get(1));
    if values.any(|value| is_random(value.as_bytes())) {
        return Some("a password or key");
    }
    let passwords = PATTERNS.url_password.as_ref()?.captures_iter(bytes);
    let mut passwords = passwords.filter_map(|found| found.get(1));
    passwords
        .any(|password| !is_placeholder(password.as_bytes()))
        .then_some("a password in a URL")
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
        assert!(PATTERNS.shapes.is_some());
        assert!(PATTERNS.assigned.is_some());
        assert!(PATTERNS.url_password.is_some());
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

    #[test]
    fn a_long_text_takes_no_long_time() {
        // Every bounded repetition of the patterns, over the longest text that is sent.
        let text = "token".repeat(16 * 1024 / 5);
        assert_eq!(find(&text), None);
    }
}
