//! What a command comes to where it is typed: something that the chat does itself, or a command to be carried out, with
//! the selected message filled in where none is named.

use cc_proto::text::{clean_line, clean_text};

use super::{Slash, help};
use crate::chat::app::Answered;
use crate::chat::types::{Entry, What};
use crate::files::shown_path;
use crate::rpc::FileState;

/// How much of a message that is answered is shown, in characters.
const ANSWERED_CHARS_MAX: usize = 60;

/// Where a command is typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Here<'a> {
    /// The message that is selected.
    pub selected: Option<&'a Entry>,
    /// The last message of our own that is loaded.
    pub own: Option<&'a Entry>,
    /// The last message of somebody else that is loaded.
    pub others: Option<&'a Entry>,
}

/// What to do.
#[derive(Debug)]
pub enum Plan {
    /// Carry it out: [`super::run()`].
    Run(Box<Slash>),
    /// Answer this message with what is typed next, or with this.
    Answer {
        /// The message.
        answered: Answered,
        /// The answer, where it was typed at once.
        text: Option<String>,
    },
    /// Put this into the clipboard.
    Copy(String),
    /// Look for this in the room; for nothing yet where it is empty.
    Find(String),
    /// Go to the room that this names.
    Room(String),
    /// Show the keys and the commands: [`super::overview`].
    Help,
    /// Show these lines.
    Tell(Vec<String>),
    /// Leave the chat.
    Quit,
}

/// Says what a command comes to; in words, clean, why it comes to nothing.
pub fn plan(mut slash: Slash, here: &Here<'_>) -> Result<Plan, String> {
    match &mut slash {
        Slash::Get(args) => choose(&mut args.get.file, || this_file(here))?,
        Slash::Cancel(args) => choose(&mut args.file, || this_file(here))?,
        Slash::Retract(args) => choose(&mut args.message, || this_message(here))?,
        Slash::Copy => return copied(here).map(Plan::Copy),
        Slash::Reply(words) => return answer(&words.text(), here),
        Slash::Find(words) => return Ok(Plan::Find(words.text())),
        Slash::Room(args) => return Ok(Plan::Room(std::mem::take(&mut args.room))),
        Slash::Quit => return Ok(Plan::Quit),
        Slash::Help(args) => {
            return Ok(args.command.as_deref().map_or(Plan::Help, |command| {
                let told = help::usage(command);
                Plan::Tell(told.unwrap_or_else(|| help::no_such(command.trim_start_matches('/'))))
            }));
        }
        _ => {}
    }
    Ok(Plan::Run(Box::new(slash)))
}

fn choose(
    named: &mut Option<String>,
    this: impl FnOnce() -> Result<String, String>,
) -> Result<(), String> {
    if named.is_none() {
        *named = Some(this()?);
    }
    Ok(())
}

fn this_file(here: &Here<'_>) -> Result<String, String> {
    let selected = here
        .selected
        .filter(|entry| matches!(entry.what, What::File(_)));
    selected
        .and_then(|entry| entry.id.clone())
        .ok_or_else(|| "name the file, or select it with Alt+Up: /files lists them".to_owned())
}

/// By its line, which is found at once, however long the log is.
fn this_message(here: &Here<'_>) -> Result<String, String> {
    let entry = here
        .selected
        .or(here.own)
        .ok_or_else(|| "there is no message of yours here: select one with Alt+Up".to_owned())?;
    Ok(entry.n.to_string())
}

fn answer(text: &str, here: &Here<'_>) -> Result<Plan, String> {
    let entry = here
        .selected
        .or(here.others)
        .ok_or_else(|| "there is nothing to answer yet".to_owned())?;
    let Some(id) = entry.id.clone() else {
        return Err("the selected line is damaged".to_owned());
    };
    let beginning = match &entry.what {
        What::Said(text) | What::Summary(text) => text.as_str(),
        What::File(card) => card.name.as_str(),
        _ => "",
    };
    let answered = Answered {
        n: entry.n,
        id,
        name: entry.name.clone(),
        text: clean_line(beginning, ANSWERED_CHARS_MAX),
    };
    Ok(Plan::Answer {
        answered,
        text: (!text.is_empty()).then(|| text.to_owned()),
    })
}

/// The words of a message, or the whole path of a file.
fn copied(here: &Here<'_>) -> Result<String, String> {
    let entry = here
        .selected
        .or(here.others)
        .ok_or_else(|| "there is nothing to copy: select a message with Alt+Up".to_owned())?;
    match &entry.what {
        What::Said(text) | What::Summary(text) => Ok(clean_text(text)),
        What::File(card) => match &card.path {
            Some(path) if card.state == FileState::Here => Ok(shown_path(path)),
            _ => Err("the file is not here yet: /get fetches it".to_owned()),
        },
        _ => Err("there is nothing to copy in the selected line".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::slash::{Typed, parse};
    use crate::chat::types::{FileCard, Marks};

    fn entry(n: u64, what: What) -> Entry {
        Entry {
            n,
            id: Some(format!("{n:064}")),
            author: "bb".to_owned(),
            name: "bob".to_owned(),
            mine: false,
            via: None,
            ts: 0,
            skewed: false,
            fork: false,
            for_me: false,
            re: None,
            what,
            marks: Marks::default(),
        }
    }

    fn file() -> What {
        What::File(FileCard {
            name: "a b.png".to_owned(),
            size: 1,
            folder: false,
            state: FileState::Announced,
            have: 0,
            path: None,
            fault: None,
        })
    }

    fn at(text: &str, here: &Here<'_>) -> Result<Plan, String> {
        match parse(text) {
            Typed::Command(slash) => plan(slash, here),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_selected_message_is_meant_where_none_is_named() {
        let (said, dropped) = (entry(3, What::Said("one".to_owned())), entry(5, file()));
        let here = Here {
            selected: Some(&dropped),
            own: Some(&said),
            others: Some(&dropped),
        };
        let none = Here {
            selected: None,
            ..here
        };
        let meant = |text: &str, here: &Here<'_>| -> Result<Option<String>, String> {
            match at(text, here)? {
                Plan::Run(slash) => match *slash {
                    Slash::Get(args) => Ok(args.get.file),
                    Slash::Cancel(args) => Ok(args.file),
                    Slash::Retract(args) => Ok(args.message),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        };
        for text in ["/get", "/cancel"] {
            assert_eq!(meant(text, &here), Ok(dropped.id.clone()), "{text}");
        }
        assert_eq!(meant("/retract", &here), Ok(Some("5".to_owned())));
        assert_eq!(meant("/retract", &none), Ok(Some("3".to_owned())));
        assert_eq!(meant("/get a.png", &here), Ok(Some("a.png".to_owned())));
        assert!(meant("/get", &none).is_err());
        assert!(meant("/retract", &Here::default()).is_err());
    }

    #[test]
    fn an_answer_is_taken_as_it_is_typed() {
        let last = entry(5, file());
        let here = Here {
            others: Some(&last),
            ..Here::default()
        };
        let answer = |text: &str| match at(text, &here) {
            Ok(Plan::Answer { answered, text }) if answered.n == 5 => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(answer("/reply"), None);
        assert_eq!(
            answer("/reply it's \"fine\"  --yes ").as_deref(),
            Some("it's \"fine\"  --yes")
        );
        assert!(at("/reply", &Here::default()).is_err());
    }

    #[test]
    fn the_words_of_a_message_or_the_path_of_a_file_are_copied() {
        let said = entry(3, What::Said("one\ntwo".to_owned()));
        let mut dropped = entry(5, file());
        let copied = |selected: Option<&Entry>| -> Result<String, String> {
            let others = Some(&said);
            let here = Here {
                selected,
                others,
                own: None,
            };
            match at("/copy", &here)? {
                Plan::Copy(text) => Ok(text),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(copied(None).as_deref(), Ok("one\ntwo"));
        assert!(copied(Some(&dropped)).unwrap_err().contains("/get"));
        if let What::File(card) = &mut dropped.what {
            card.state = FileState::Here;
            card.path = Some("/home/a/rooms/00/files/11/a b.png".into());
        }
        assert_eq!(
            copied(Some(&dropped)).as_deref(),
            Ok("/home/a/rooms/00/files/11/a b.png")
        );
        assert!(at("/copy", &Here::default()).is_err());
    }

    #[test]
    fn what_the_chat_does_itself_is_told() {
        let plan = |text| at(text, &Here::default()).unwrap();
        assert!(matches!(plan("/find  a 'b"), Plan::Find(text) if text == "a 'b"));
        assert!(matches!(plan("/find"), Plan::Find(text) if text.is_empty()));
        assert!(matches!(plan("/room 'my plan'"), Plan::Room(name) if name == "my plan"));
        assert!(matches!(plan("/quit"), Plan::Quit));
        assert!(matches!(plan("/exit"), Plan::Quit));
        assert!(matches!(plan("/help"), Plan::Help));
        assert!(
            matches!(plan("/help /drop"), Plan::Tell(lines) if lines.join(" ").contains("--force"))
        );
        assert!(matches!(plan("/help drp"), Plan::Tell(lines) if lines[0].contains("/drop")));
        assert!(matches!(plan("/members"), Plan::Run(_)));
    }
}
