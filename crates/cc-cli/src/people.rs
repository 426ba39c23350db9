//! Which member is meant, by what a person types.
//!
//! A petname outranks every claim. A claimed nick names somebody only where no other nick looks like it: whoever types
//! what they see must not reach whom they did not mean. A fingerprint, or any beginning of a key, always does.

use std::fmt::Write as _;

use cc_proto::text::{clean_line, clean_nick};

use crate::error::{CliError, CliResult, Kind};
use crate::rpc::{FormerPerson, People, Person};

/// The longest of what was typed that is shown back, in characters.
const SHOWN_CHARS_MAX: usize = 64;
/// From so many hexadecimal digits on, which is a fingerprint, a key is meant rather than a name.
const FINGERPRINT_DIGITS: usize = 10;
/// So few digits are as likely a name, and name no key.
const PREFIX_DIGITS_MIN: usize = 4;

/// Somebody who belongs, or did.
#[derive(Debug, Clone)]
pub enum Somebody {
    /// Who belongs.
    Member(Person),
    /// Who belonged.
    Former(FormerPerson),
}

impl Somebody {
    /// The key.
    pub fn author(&self) -> &str {
        match self {
            Self::Member(person) => &person.author,
            Self::Former(person) => &person.author,
        }
    }

    /// The first ten digits of the key.
    pub fn fingerprint(&self) -> &str {
        match self {
            Self::Member(person) => &person.fingerprint,
            Self::Former(person) => &person.fingerprint,
        }
    }

    /// Name and fingerprint, where they must not be mistaken: `@bob (0123456789)`.
    pub fn with_fingerprint(&self) -> String {
        let (name, fingerprint) = (self.name(), self.fingerprint());
        if name.contains(fingerprint) {
            format!("@{name}")
        } else {
            format!("@{name} ({fingerprint})")
        }
    }

    /// The nick that they claim; not cleaned.
    pub fn nick(&self) -> &str {
        match self {
            Self::Member(person) => &person.nick,
            Self::Former(person) => &person.nick,
        }
    }

    fn petname(&self) -> Option<&str> {
        match self {
            Self::Member(person) => person.petname.as_deref(),
            Self::Former(person) => person.petname.as_deref(),
        }
    }

    /// The name under which they are shown, without `@`.
    pub fn name(&self) -> &str {
        match self {
            Self::Member(person) => &person.name,
            Self::Former(person) => &person.name,
        }
    }

    /// Whether the claimed nick looks like another's.
    fn is_lookalike(&self) -> bool {
        matches!(self, Self::Member(person) if person.lookalike)
    }
}

/// The member who is meant.
pub fn member(people: &People, asked: &str) -> CliResult<Person> {
    let members: Vec<Somebody> = members(people).collect();
    match named(&members, asked) {
        Ok(Somebody::Member(person)) => Ok(person),
        Ok(Somebody::Former(_)) => Err(nobody(&members, asked)),
        Err(error) => {
            // Whoever names somebody who is gone is told so.
            let gone: Vec<Somebody> = former(people).collect();
            match named(&gone, asked) {
                Ok(person) if named_exactly(&members, asked).is_empty() => Err(CliError::new(
                    Kind::Member,
                    format!(
                        "{} does not belong to the room any more",
                        person.with_fingerprint()
                    ),
                )),
                _ => Err(error),
            }
        }
    }
}

/// The member who is meant, or the former one where no member is.
pub fn anybody(people: &People, asked: &str) -> CliResult<Somebody> {
    let members: Vec<Somebody> = members(people).collect();
    if !named_exactly(&members, asked).is_empty() {
        return named(&members, asked);
    }
    let all: Vec<Somebody> = members.into_iter().chain(former(people)).collect();
    named(&all, asked)
}

fn members(people: &People) -> impl Iterator<Item = Somebody> {
    people.members.iter().cloned().map(Somebody::Member)
}

fn former(people: &People) -> impl Iterator<Item = Somebody> {
    people.former.iter().cloned().map(Somebody::Former)
}

fn named(people: &[Somebody], asked: &str) -> CliResult<Somebody> {
    let found = named_exactly(people, asked);
    match found.as_slice() {
        [] => Err(nobody(people, asked)),
        [one] if is_mere_claim(one, asked) && one.is_lookalike() => {
            let alike: Vec<Somebody> = people
                .iter()
                .filter(|person| person.is_lookalike() || person.author() == one.author())
                .cloned()
                .collect();
            Err(which(
                &alike,
                &format!("another member has a nick that looks like {}", shown(asked)),
            ))
        }
        [one] => Ok(one.clone()),
        several => Err(which(
            several,
            &format!("{} can mean several members", shown(asked)),
        )),
    }
}

fn named_exactly(people: &[Somebody], asked: &str) -> Vec<Somebody> {
    let asked = asked.trim().trim_start_matches('@');
    let of = |meant: &dyn Fn(&Somebody) -> bool| -> Vec<Somebody> {
        people
            .iter()
            .filter(|person| meant(person))
            .cloned()
            .collect()
    };
    let digits = asked.to_ascii_lowercase();
    let is_hex = digits.len() >= PREFIX_DIGITS_MIN && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let by_key = |person: &Somebody| is_hex && person.author().starts_with(&digits);
    if digits.len() >= FINGERPRINT_DIGITS && people.iter().any(by_key) {
        return of(&by_key);
    }
    let Some(name) = clean_nick(asked) else {
        return of(&by_key);
    };
    let by_petname = of(&|person| person.petname().and_then(clean_nick).as_ref() == Some(&name));
    if !by_petname.is_empty() {
        return by_petname;
    }
    // As shown, with its fingerprint, it names one alone.
    let as_shown = of(&|person| person.name() == asked && asked.contains('#'));
    if !as_shown.is_empty() {
        return as_shown;
    }
    of(&|person| by_key(person) || clean_nick(person.nick()).as_ref() == Some(&name))
}

/// Whether nothing but a claimed nick leads from `asked` to the person.
fn is_mere_claim(person: &Somebody, asked: &str) -> bool {
    let asked = asked.trim().trim_start_matches('@');
    let by_key = person.author().starts_with(&asked.to_ascii_lowercase());
    !by_key && person.petname().is_none() && !asked.contains('#')
}

fn nobody(people: &[Somebody], asked: &str) -> CliError {
    let clean = shown(asked);
    if clean.is_empty() {
        return which(people, "a member is named by petname, nick or fingerprint");
    }
    which(people, &format!("there is no member {clean}"))
}

fn shown(asked: &str) -> String {
    clean_line(asked, SHOWN_CHARS_MAX)
}

fn which(people: &[Somebody], message: &str) -> CliError {
    let mut hint = "name one by the fingerprint:".to_owned();
    for person in people {
        let fingerprint = &person.author()[..FINGERPRINT_DIGITS.min(person.author().len())];
        // Writing to a string cannot fail.
        let _ = write!(hint, "\n  {fingerprint}  {}", person.with_fingerprint());
    }
    CliError::new(Kind::Member, message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::Trust;

    fn person(byte: u8, nick: &str, petname: Option<&str>) -> Person {
        let author = format!("{byte:02x}").repeat(32);
        Person {
            fingerprint: author[..10].to_owned(),
            author,
            name: petname.unwrap_or(nick).to_owned(),
            nick: nick.to_owned(),
            petname: petname.map(str::to_owned),
            trust: Trust::Inline,
            root: false,
            admin: false,
            me: false,
            online: false,
            over: false,
            forked: false,
            lookalike: false,
            doors: Vec::new(),
            invites: Vec::new(),
        }
    }

    fn people(members: Vec<Person>) -> People {
        People {
            room: String::new(),
            members,
            former: Vec::new(),
        }
    }

    fn found(people: &People, asked: &str) -> String {
        member(people, asked).unwrap().author[..2].to_owned()
    }

    #[test]
    fn a_member_is_named_by_petname_nick_or_key() {
        let people = people(vec![
            person(0xab, "alice", None),
            person(0xac, "bob", Some("carol")),
            person(0xff, "carol", None),
        ]);
        for (asked, who) in [
            ("alice", "ab"),
            ("@alice", "ab"),
            ("bob", "ac"),
            ("carol", "ac"),
            ("FFFF", "ff"),
            ("abababab", "ab"),
        ] {
            assert_eq!(found(&people, asked), who, "{asked}");
        }
        for asked in ["", "dave", "ab", "cdcdcdcdcd", "Alice"] {
            let error = member(&people, asked).unwrap_err();
            assert_eq!(error.kind, Kind::Member, "{asked}");
            assert_eq!(error.hint.unwrap().lines().count(), 4, "{asked}");
        }
    }

    #[test]
    fn a_name_that_several_have_names_nobody() {
        let people = people(vec![
            person(0xab, "bob", None),
            person(0xac, "bob", None),
            person(0xff, "x", None),
        ]);
        let error = member(&people, "bob").unwrap_err();
        let hint = error.hint.unwrap();
        assert!(
            hint.contains("abababab") && hint.contains("acacacac"),
            "{hint}"
        );
        assert!(!hint.contains("ffff"), "{hint}");
    }

    #[test]
    fn a_nick_that_looks_like_another_names_nobody_but_its_fingerprint_does() {
        let mut twins = [person(0xab, "bob", None), person(0xac, "b0b", None)];
        for twin in &mut twins {
            twin.lookalike = true;
            twin.name = format!("{}#{}", twin.nick, twin.fingerprint);
        }
        let people = people(twins.to_vec());
        let hint = member(&people, "bob").unwrap_err().hint.unwrap();
        assert!(
            hint.contains("abababab") && hint.contains("acacacac"),
            "{hint}"
        );
        assert_eq!(found(&people, "bob#ababababab"), "ab");
        assert_eq!(found(&people, "acacacacac"), "ac");
    }

    #[test]
    fn a_nick_of_digits_does_not_take_the_place_of_a_fingerprint() {
        let people = people(vec![
            person(0xab, "alice", None),
            person(0xff, "ababababab", None),
        ]);
        assert_eq!(found(&people, "ababababab"), "ab");
        // Fewer digits can mean either.
        let with_short = super::People {
            members: vec![person(0xab, "alice", None), person(0xff, "abab", None)],
            ..people
        };
        assert!(member(&with_short, "abab").is_err());
    }

    #[test]
    fn who_is_gone_is_told_and_found_where_that_is_meant() {
        let mut people = people(vec![person(0xab, "alice", None)]);
        let gone = person(0xac, "bob", None);
        people.former.push(FormerPerson {
            author: gone.author,
            fingerprint: gone.fingerprint,
            name: "bob".to_owned(),
            nick: "bob".to_owned(),
            petname: None,
            trust: Trust::Inline,
            me: false,
            removed: true,
            left: false,
            by: Vec::new(),
            forked: false,
        });
        let error = member(&people, "bob").unwrap_err();
        assert_eq!(
            error.message,
            "@bob (acacacacac) does not belong to the room any more"
        );
        assert!(matches!(anybody(&people, "bob"), Ok(Somebody::Former(_))));
        assert!(matches!(anybody(&people, "alice"), Ok(Somebody::Member(_))));
    }
}
