//! What was sent before, to be sent again or changed. The draft that one came from is at the end of it.

use std::collections::VecDeque;

/// So much of what was sent is kept.
const SENT_MAX: usize = 100;

/// What was sent in a room, in memory alone.
#[derive(Debug, Default)]
pub struct Sent {
    texts: VecDeque<String>,
    looking: Option<Looking>,
}

/// While one looks back: a copy in which each text is as it was last seen, so that a change to one is not lost either.
#[derive(Debug)]
struct Looking {
    texts: Vec<String>,
    at: usize,
}

impl Sent {
    /// Keeps what was sent, and looks back no more.
    pub fn push(&mut self, text: String) {
        self.looking = None;
        if self.texts.back() == Some(&text) {
            return;
        }
        if self.texts.len() == SENT_MAX {
            self.texts.pop_front();
        }
        self.texts.push_back(text);
    }

    /// What was not sent as it is: the copies that were changed, and last the draft. Nothing of it is blank.
    pub fn drafts<'a>(&'a self, shown: &'a str) -> Vec<&'a str> {
        let Some(looking) = &self.looking else {
            return not_blank([shown]);
        };
        let copies = looking.texts.iter().enumerate();
        let now = copies.map(|(at, copy)| {
            let text = if at == looking.at { shown } else { copy };
            (self.texts.get(at).map(String::as_str), text)
        });
        let changed = now.filter(|(sent, text)| *sent != Some(*text));
        not_blank(changed.map(|(_, text)| text))
    }

    /// What was sent of which a copy is shown, changed or not; none while the draft is.
    pub fn begun_from(&self) -> Option<&str> {
        let looking = self.looking.as_ref()?;
        self.texts.get(looking.at).map(String::as_str)
    }

    /// Undo made the text this one: where that takes back a step through the texts, the one it began at is shown again.
    pub fn went_back_to(&mut self, shown: &str) {
        if let Some(looking) = &mut self.looking
            && looking.texts[looking.at] != shown
            && let Some(at) = looking.texts.iter().rposition(|text| text == shown)
        {
            looking.at = at;
        }
    }

    /// The text before the one that is shown.
    pub fn older(&mut self, shown: &str) -> Option<String> {
        let looking = self.looking.get_or_insert_with(|| {
            let mut texts: Vec<String> = self.texts.iter().cloned().collect();
            texts.push(String::new());
            Looking {
                at: texts.len() - 1,
                texts,
            }
        });
        let to = looking.at.checked_sub(1)?;
        Some(looking.go(to, shown))
    }

    /// The text after the one that is shown; the last is the draft.
    pub fn newer(&mut self, shown: &str) -> Option<String> {
        let looking = self.looking.as_mut()?;
        let to = looking.at + 1;
        (to < looking.texts.len()).then(|| looking.go(to, shown))
    }
}

impl Looking {
    fn go(&mut self, to: usize, shown: &str) -> String {
        shown.clone_into(&mut self.texts[self.at]);
        self.at = to;
        self.texts[to].clone()
    }
}

fn not_blank<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let texts = texts.into_iter();
    texts.filter(|text| !text.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draft_and_every_change_are_found_again() {
        let mut sent = Sent::default();
        assert_eq!(sent.older("draft"), None);
        for text in ["one", "two", "two"] {
            sent.push(text.to_owned());
        }
        assert_eq!(sent.drafts("draft"), ["draft"]);
        assert_eq!(sent.older("draft").unwrap(), "two");
        assert_eq!(sent.drafts("two"), ["draft"]);
        assert_eq!(sent.drafts("two!"), ["two!", "draft"]);
        assert_eq!(sent.older("two!").unwrap(), "one");
        assert_eq!(sent.drafts("one"), ["two!", "draft"]);
        assert_eq!(sent.older("one"), None);
        assert_eq!(sent.newer("one").unwrap(), "two!");
        assert_eq!(sent.newer("two!").unwrap(), "draft");
        assert_eq!(sent.newer("draft"), None);
        sent.push("draft".to_owned());
        assert_eq!(sent.older("").unwrap(), "draft");
        assert_eq!(sent.older("draft").unwrap(), "two");
    }

    #[test]
    fn a_step_that_is_undone_is_none() {
        let mut sent = Sent::default();
        sent.push("one".to_owned());
        assert_eq!(sent.begun_from(), None);
        sent.older("draft");
        assert_eq!(sent.begun_from(), Some("one"));
        // What was changed and changed back is still begun from it.
        sent.went_back_to("one");
        assert_eq!(
            (sent.begun_from(), sent.drafts("one")),
            (Some("one"), vec!["draft"])
        );
        sent.went_back_to("draft");
        assert_eq!(sent.begun_from(), None);
        assert_eq!(sent.drafts("draft"), ["draft"]);
        sent.went_back_to("one");
        assert_eq!(sent.begun_from(), Some("one"));
    }

    #[test]
    fn only_so_much_is_kept() {
        let mut sent = Sent::default();
        for n in 0..=SENT_MAX {
            sent.push(n.to_string());
        }
        let mut shown = String::new();
        let mut found = 0;
        while let Some(older) = sent.older(&shown) {
            shown = older;
            found += 1;
        }
        assert_eq!((found, shown.as_str()), (SENT_MAX, "1"));
    }
}
