//! Members after an `@`. What goes into the text is the nick that a member claims, as that is what their hook looks for; it
//! is found by a petname, too. Of two who look alike the list tells the fingerprints, but a mention calls both: it is a word
//! in a text, and no address.

use cc_proto::text::{clean_nick, names_reader};

use super::{Candidate, fits, sorted};
use crate::chat::types::Member;

/// How many digits of a key tell two members apart.
const FINGERPRINT_DIGITS: usize = 10;

/// The members that the word before the cursor can mean, and where it begins.
pub fn candidates(before: &str, members: &[Member]) -> Option<(usize, Vec<Candidate>)> {
    let from = before.rfind('@')?;
    let typed = &before[from + 1..];
    if typed.contains(char::is_whitespace) || !begins(before, from) {
        return None;
    }
    let mut others: Vec<&Member> = members.iter().filter(|member| !member.me).collect();
    // Who is online comes first, of those that fit as well.
    others.sort_by_key(|member| !member.online);
    let found = sorted(others, |member| {
        let nick = clean_nick(&member.nick)?;
        // The better of both.
        [fits(&nick, typed), fits(&member.name, typed)]
            .into_iter()
            .flatten()
            .max()
    });
    let candidates = found.into_iter().filter_map(candidate).collect();
    Some((from, candidates))
}

/// Whether an `@` there begins a mention, by the rule that hooks go by.
fn begins(before: &str, at: usize) -> bool {
    names_reader(&format!("{}@a", &before[..at]), "a") && {
        // An earlier mention of the same name must not stand for this one.
        let last = before[..at].chars().next_back();
        let alone = last.map_or_else(|| "@a".to_owned(), |last| format!("{last}@a"));
        names_reader(&alone, "a")
    }
}

fn candidate(member: &Member) -> Option<Candidate> {
    let nick = clean_nick(&member.nick)?;
    let print = member
        .author
        .get(..FINGERPRINT_DIGITS)
        .unwrap_or(&member.author);
    let mut detail = Vec::new();
    if member.name != nick {
        // A petname, or a nick with its fingerprint.
        if member.name.contains(print) {
            detail.push(print.to_owned());
        } else {
            detail.push(format!("your {}", member.name));
        }
    }
    if member.online {
        detail.push("online".to_owned());
    }
    Some(Candidate {
        shown: format!("@{nick}"),
        detail: detail.join(", "),
        insert: format!("@{nick} "),
    })
}
