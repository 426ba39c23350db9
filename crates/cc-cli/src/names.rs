//! The names under which members and former members are shown.

use std::collections::BTreeMap;

use cc_proto::id::AuthorId;
use cc_proto::text::{MemberName, display_names};

/// A name for each of them, without `@`. Who is gone is told apart from members and from others who are gone, and makes
/// no member's name longer: else a removed member would still mark those who stay.
pub fn shown(
    members: &[MemberName<'_>],
    former: &[MemberName<'_>],
    me: Option<AuthorId>,
) -> BTreeMap<AuthorId, String> {
    let all: Vec<MemberName<'_>> = members.iter().chain(former).copied().collect();
    let mut names = display_names(&all, me);
    names.extend(display_names(members, me));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_gone_is_marked_and_marks_no_member() {
        let author = |byte| AuthorId::from_bytes([byte; 32]);
        let name = |byte, nick| MemberName {
            author: author(byte),
            nick,
            petname: None,
        };
        let names = shown(
            &[name(1, "alice"), name(2, "bob")],
            &[name(3, "bob"), name(4, "carol")],
            None,
        );
        assert_eq!(names[&author(2)], "bob");
        assert_eq!(names[&author(3)], "bob#0303030303");
        assert_eq!(names[&author(4)], "carol");
    }
}
