//! Under which name somebody is shown, where others may be taken for them.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection;

use super::{clean_nick, fold_case};
use crate::id::AuthorId;

/// The short form of a key that tells two like names apart: its first ten hex digits.
pub fn fingerprint(author: &AuthorId) -> String {
    author.to_hex()[..10].to_owned()
}

/// What is known of a member's name.
#[derive(Clone, Copy, Debug)]
pub struct MemberName<'a> {
    /// The member's key.
    pub author: AuthorId,
    /// The nick the member claims; any text.
    pub nick: &'a str,
    /// The name the reader gave the member, which outranks every claim.
    pub petname: Option<&'a str>,
}

/// The name under which each member is shown, without the `@`; `me` is the reader's own key.
///
/// The petname where there is one, else the nick, both through [`clean_nick`]; a member left
/// without either is shown as the [`fingerprint`]. A nick that [looks like](look_alike) another's nick, petname or
/// fingerprint becomes `nick#fingerprint`, whether or not that other is shown by it. A petname, and the reader's own nick,
/// stay as they are. A nick never holds `#`, so it cannot pass for that form.
///
/// `members`: those who belong and those who did, each once, as a nick that somebody left behind is one to be mistaken for.
pub fn display_names(
    members: &[MemberName<'_>],
    me: Option<AuthorId>,
) -> BTreeMap<AuthorId, String> {
    struct Named {
        author: AuthorId,
        petname: Option<String>,
        nick: Option<String>,
    }
    let named = members.iter().map(|member| Named {
        author: member.author,
        petname: member.petname.and_then(clean_nick),
        nick: clean_nick(member.nick),
    });
    let named: Vec<Named> = named.collect();
    // By look: whose names have it; `None` where more than one has.
    let mut looks: BTreeMap<String, Option<AuthorId>> = BTreeMap::new();
    for member in &named {
        let print = fingerprint(&member.author);
        let names = [
            member.petname.as_deref(),
            member.nick.as_deref(),
            Some(&print),
        ];
        for look in names.into_iter().flatten().flat_map(look_alike_keys) {
            looks
                .entry(look)
                .and_modify(|whose| *whose = whose.filter(|one| *one == member.author))
                .or_insert(Some(member.author));
        }
    }
    let shown = named.into_iter().map(|member| {
        let print = fingerprint(&member.author);
        let shared = |nick: &String| {
            let mut of_nick = look_alike_keys(nick).into_iter();
            of_nick.any(|look| looks.get(&look) == Some(&None))
        };
        let name = match (member.petname, member.nick) {
            (Some(petname), _) => petname,
            (None, Some(nick)) if me != Some(member.author) && shared(&nick) => {
                format!("{nick}#{print}")
            }
            (None, Some(nick)) => nick,
            (None, None) => print,
        };
        (member.author, name)
    });
    shown.collect()
}

/// Whether two names are easily taken for each other: for display only, nothing is refused by it.
///
/// The skeletons of the names as written, or in lower case, or one of each, are equal. The confusables of
/// UTS #39 know of case, and a reader often does not: `I` looks like `l` and is the same as `i`.
pub fn look_alike(one: &str, other: &str) -> bool {
    let others = look_alike_keys(other);
    look_alike_keys(one)
        .iter()
        .any(|look| others.contains(look))
}

fn look_alike_keys(name: &str) -> [String; 2] {
    let compatible: String = name.nfkc().collect();
    [skeleton(&compatible), skeleton(&fold_case(&compatible))]
}

/// The skeleton of UTS #39 (`skeleton(X)`, by [`LOOK_ALIKE_UNICODE`]'s `confusables.txt`), then folded by
/// [`fold_case`] and put into NFD, without combining marks, `-`, `_` and `.`.
fn skeleton(name: &str) -> String {
    let skeleton: String = confusable_detection::skeleton(name).collect();
    fold_case(&skeleton)
        .nfd()
        .filter(|c| !matches!(c, '-' | '_' | '.') && !is_combining_mark(*c))
        .collect()
}

/// The version of Unicode whose confusables [`look_alike`] goes by.
pub const LOOK_ALIKE_UNICODE: (u64, u64, u64) = unicode_security::UNICODE_VERSION;

#[cfg(test)]
mod tests {
    use super::*;

    fn author(byte: u8) -> AuthorId {
        AuthorId::from_bytes([byte; 32])
    }

    #[test]
    fn names_that_look_alike_carry_a_fingerprint() {
        let member = |byte, nick, petname| MemberName {
            author: author(byte),
            nick,
            petname,
        };
        let names = display_names(
            &[
                member(1, "Alice", None),
                member(2, "аlice", None),
                member(3, "bob", None),
                member(4, "mallory", Some("B0B")),
                member(5, "]", None),
                member(6, "me", None),
                member(7, "ME_", None),
                member(8, "o5o5o5o5o5", None),
            ],
            Some(author(6)),
        );
        assert_eq!(names[&author(1)], "Alice#0101010101");
        assert_eq!(names[&author(2)], "аlice#0202020202");
        assert_eq!(names[&author(3)], "bob#0303030303");
        assert_eq!(names[&author(4)], "B0B");
        assert_eq!(names[&author(5)], "0505050505");
        assert_eq!(names[&author(8)], "o5o5o5o5o5#0808080808");
        assert_eq!(names[&author(6)], "me");
        assert_eq!(names[&author(7)], "ME_#0707070707");
    }

    #[test]
    fn letters_of_one_shape_look_alike_and_others_do_not() {
        let alike = [
            ("bob", "BOB"),
            ("bob", "b\u{43e}b"),
            ("b0b1l", "boblI"),
            ("modem", "rnodern"),
            ("Ian", "lan"),
            ("ann-lee", "ann_l\u{e9}e"),
            ("scope", "\u{455}\u{441}\u{43e}\u{440}\u{435}"),
            ("bob", "\u{ff42}\u{ff4f}\u{ff42}"),
        ];
        for (one, other) in alike {
            assert!(
                look_alike(one, other) && look_alike(other, one),
                "{one} {other}"
            );
        }
        for (one, other) in [("bob", "rob"), ("bob", "bobo"), ("", "a")] {
            assert!(!look_alike(one, other), "{one} {other}");
        }
        assert_eq!(
            LOOK_ALIKE_UNICODE,
            (18, 0, 0),
            "spec/conventions.md names the version"
        );
    }
}
