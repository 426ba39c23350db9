//! The chat without a terminal: keys in, and what is to be done out. Long, as every part of it is tried through the same few
//! hands at the top.

mod cards;
mod left;
mod people;
mod texts;

use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::window::ENTRIES_MAX;
use super::*;
use crate::chat::slash::{Reply, Slash, Typed, parse};
use crate::chat::theme::{Hints, Theme};
use crate::chat::types::{Entry, Marks, What};

const NOW: u64 = 1_795_341_600_000;

/// A chat with a clock that does not go by itself.
struct Chat {
    app: App,
    now: u64,
}

fn room(id: &str, name: &str) -> RoomEntry {
    RoomEntry {
        room: id.repeat(32),
        name: name.to_owned(),
        nick: "alice".to_owned(),
        state: State::Joined,
        members: 2,
        online: 2,
        looking: false,
        unread: 0,
        mentions: 0,
    }
}

fn said(n: u64, name: &str, text: &str) -> Entry {
    Entry {
        n,
        id: Some(format!("{n:064x}")),
        author: name.to_owned(),
        name: name.to_owned(),
        mine: name == "alice",
        via: None,
        ts: NOW + n,
        skewed: false,
        fork: false,
        for_me: false,
        re: None,
        what: What::Said(text.to_owned()),
        marks: Marks::default(),
    }
}

impl Chat {
    /// Two rooms, of which the first is open with lines `1..=len` by bob.
    fn new(len: u64) -> Self {
        let rooms = vec![room("aa", "kitchen"), room("bb", "garden")];
        let app = App::new(rooms, None, Places::default(), NOW);
        let mut chat = Self { app, now: NOW };
        chat.app.take_asks();
        chat.lines(Came::Opened(None), 1.max(len.saturating_sub(199)), len, len);
        chat.app.connection = Connection::Up;
        chat.draw();
        chat
    }

    fn put(&mut self, input: Input) -> Vec<Ask> {
        self.app.handle(input, self.now)
    }

    fn told(&mut self, told: Told) -> Vec<Ask> {
        self.put(Input::Told(told))
    }

    fn press(&mut self, code: KeyCode, held: KeyModifiers) -> Vec<Ask> {
        self.put(Input::Key(KeyEvent::new(code, held)))
    }

    fn ctrl(&mut self, letter: char) -> Vec<Ask> {
        self.press(KeyCode::Char(letter), KeyModifiers::CONTROL)
    }

    fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.press(KeyCode::Char(c), KeyModifiers::NONE);
        }
    }

    fn say(&mut self, text: &str) -> Vec<Ask> {
        self.write(text);
        self.press(KeyCode::Enter, KeyModifiers::NONE)
    }

    fn lines(&mut self, came: Came, first: u64, last: u64, len: u64) -> Vec<Ask> {
        let entries = (first..=last).map(|n| said(n, "bob", &format!("line {n}")));
        self.told(Told::Lines(Lines {
            room: "aa".repeat(32),
            came,
            entries: entries.collect(),
            first,
            last,
            len,
        }))
    }

    fn arrives(&mut self, entry: Entry) -> Vec<Ask> {
        let n = entry.n;
        self.told(Told::Lines(Lines {
            room: "aa".repeat(32),
            came: Came::New,
            entries: vec![entry],
            first: n,
            last: n,
            len: n,
        }))
    }

    /// Draws a frame; gives what is on it, and what is to be done.
    fn draw(&mut self) -> (String, Vec<Ask>) {
        let theme = Theme::new(
            false,
            Hints {
                term: "xterm",
                colorterm: "",
                locale: "C.UTF-8",
            },
        );
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| self.app.draw(theme, frame)).unwrap();
        (terminal.backend().to_string(), self.app.take_asks())
    }

    fn pane(&self) -> &Pane {
        self.app.pane().unwrap()
    }

    fn text(&self) -> &str {
        self.pane().editor.text()
    }
}

fn sends(asks: &[Ask]) -> Vec<&Draft> {
    let sent = asks.iter().filter_map(|ask| match ask {
        Ask::Work(Work::Send(draft)) => Some(draft),
        _ => None,
    });
    sent.collect()
}

fn loads(asks: &[Ask]) -> Vec<Load> {
    let loads = asks.iter().filter_map(|ask| match ask {
        Ask::Work(Work::Load { what, .. }) => Some(*what),
        _ => None,
    });
    loads.collect()
}

fn seen(asks: &[Ask]) -> Option<u64> {
    asks.iter().find_map(|ask| match ask {
        Ask::Work(Work::Seen { n, .. }) => Some(*n),
        _ => None,
    })
}

fn has(asks: &[Ask], is_it: impl Fn(&Ask) -> bool) -> bool {
    asks.iter().any(is_it)
}

#[test]
fn every_key_that_is_no_chord_goes_into_the_text() {
    let mut chat = Chat::new(3);
    let text: String = (' '..='~').chain("port 5432 x9 ßéЖ日👍".chars()).collect();
    // The candidates that a text offers take no key from it.
    chat.write(&text);
    assert_eq!(chat.text(), text);
    // Nor does what lies over the messages.
    chat.app.overlay = Some(Overlay::Text {
        title: String::new(),
        lines: vec![String::new()],
        scroll: 0,
    });
    chat.write("q1");
    assert_eq!(chat.text(), format!("{text}q1"));
    assert!(chat.app.overlay.is_none());
}

#[test]
fn what_is_sent_is_on_its_way_until_its_line_comes() {
    let mut chat = Chat::new(3);
    let asks = chat.say("port 5432 x9");
    let [draft] = sends(&asks)[..] else {
        panic!("{asks:?}")
    };
    assert_eq!(
        (draft.text.as_str(), draft.room.as_str()),
        ("port 5432 x9", "aa".repeat(32).as_str())
    );
    let local = draft.local;
    assert_eq!(chat.text(), "");
    assert!(chat.draw().0.contains("port 5432 x9"));
    assert_eq!(
        chat.app.unsent().collect::<Vec<_>>(),
        [("kitchen", "port 5432 x9")]
    );

    // Its line may come before the word that it was sent: it stands there once.
    chat.arrives(said(4, "alice", "port 5432 x9"));
    let shown = chat.draw().0;
    assert_eq!(shown.matches("port 5432 x9").count(), 1, "{shown}");
    assert_eq!(chat.app.unsent().count(), 0);
    chat.told(Told::Sent {
        local,
        room: "aa".repeat(32),
        n: 4,
    });
    assert!(chat.pane().pending.is_empty());

    // Or after it.
    let asks = chat.say("again");
    let local = sends(&asks)[0].local;
    chat.told(Told::Sent {
        local,
        room: "aa".repeat(32),
        n: 5,
    });
    assert_eq!(chat.draw().0.matches("again").count(), 1);
    chat.arrives(said(5, "alice", "again"));
    assert_eq!(chat.draw().0.matches("again").count(), 1);
    assert!(chat.pane().pending.is_empty());
}

#[test]
fn what_cannot_be_sent_goes_back_into_the_text() {
    let mut chat = Chat::new(3);
    let asks = chat.say("a word");
    let local = sends(&asks)[0].local;
    let why = "the disk is full".to_owned();
    let room = "aa".repeat(32);
    chat.told(Told::NotSent {
        local,
        room: room.clone(),
        why: why.clone(),
        again: true,
    });
    assert!(chat.draw().0.contains("the disk is full"));
    assert_eq!(chat.pane().pending.len(), 1);
    chat.told(Told::NotSent {
        local,
        room: room.clone(),
        why: why.clone(),
        again: false,
    });
    assert_eq!((chat.text(), chat.pane().pending.len()), ("a word", 0));

    // Where something else is being typed, that stays, and the words are shown.
    chat.ctrl('c');
    let asks = chat.say("another word");
    let local = sends(&asks)[0].local;
    chat.write("typed on");
    chat.told(Told::NotSent {
        local,
        room,
        why,
        again: false,
    });
    assert_eq!(chat.text(), "typed on");
    assert!(chat.draw().0.contains("another word"));
    chat.press(KeyCode::Esc, KeyModifiers::NONE);
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    assert_eq!(chat.text(), "another word", "and is found again");
    chat.press(KeyCode::Down, KeyModifiers::NONE);

    // Nothing is sent where nothing can be said.
    chat.app.panes[0].entry.state = State::Removed;
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    assert!(sends(&asks).is_empty());
    assert_eq!(chat.text(), "typed on");
}

#[test]
fn a_stopped_daemon_is_started_by_the_next_message() {
    let mut chat = Chat::new(3);
    chat.told(Told::Connection(Connection::Stopped));
    chat.write("go on");
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(sends(&asks).len(), 1);
    assert!(has(&asks, |ask| matches!(ask, Ask::Work(Work::Reconnect))));
}

#[test]
fn leaving_takes_two_where_something_would_be_lost() {
    let leaves = |asks: &[Ask]| {
        asks.iter().find_map(|ask| match ask {
            Ask::Leave { interrupted } => Some(*interrupted),
            _ => None,
        })
    };
    let mut chat = Chat::new(3);
    chat.write("x");
    assert_eq!(leaves(&chat.ctrl('c')), None);
    assert_eq!(chat.text(), "");
    chat.ctrl('z');
    assert_eq!(chat.text(), "x");
    chat.press(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(leaves(&chat.ctrl('c')), None);
    assert_eq!(leaves(&chat.ctrl('c')), Some(true));
    let mut chat = Chat::new(3);
    assert_eq!(leaves(&chat.ctrl('d')), Some(false));
    assert_eq!(leaves(&chat.say("/quit")), Some(false));
}

#[test]
fn older_and_newer_lines_are_loaded_where_somebody_goes_there() {
    let mut chat = Chat::new(1_000_000);
    assert_eq!(loads(&chat.draw().1), []);
    assert_eq!(chat.pane().first, 999_801);
    // Up to the top of what is loaded.
    let mut asked = Vec::new();
    for _ in 0..30 {
        chat.press(KeyCode::PageUp, KeyModifiers::NONE);
        asked.extend(loads(&chat.draw().1));
    }
    assert_eq!(asked, [Load::Older(999_801)], "once, until it has come");
    chat.lines(Came::Older, 999_601, 999_800, 1_000_000);
    assert_eq!(
        (chat.pane().first, chat.pane().entries.len()),
        (999_601, 400)
    );
    // Lines that were not asked for here leave no gap.
    chat.lines(Came::Older, 1, 200, 1_000_000);
    assert_eq!(chat.pane().first, 999_601);

    // To the oldest, and from there down again.
    let asks = chat.press(KeyCode::Home, KeyModifiers::CONTROL);
    assert_eq!(loads(&asks), [Load::Around(1)]);
    chat.lines(Came::Around(1), 1, 101, 1_000_000);
    assert!(chat.draw().0.contains("line 1"));
    assert!(chat.pane().has_newer() && !chat.pane().follows());
    let mut asked = Vec::new();
    for _ in 0..30 {
        chat.press(KeyCode::PageDown, KeyModifiers::NONE);
        asked.extend(loads(&chat.draw().1));
    }
    assert_eq!(asked, [Load::Newer(101)]);
    let asks = chat.press(KeyCode::End, KeyModifiers::CONTROL);
    assert_eq!(loads(&asks), [Load::End]);
    chat.lines(Came::End, 999_801, 1_000_000, 1_000_000);
    assert!(chat.draw().0.contains("line 1000000"));
    assert!(chat.pane().follows());
}

#[test]
fn so_much_is_kept_and_no_more() {
    let mut chat = Chat::new(200_000);
    for _ in 0..60 {
        let first = chat.pane().first;
        chat.lines(Came::Older, first - 200, first - 1, 200_000);
    }
    assert_eq!(chat.pane().entries.len(), ENTRIES_MAX);
    assert!(
        chat.pane().has_newer(),
        "what is furthest from there is gone"
    );
    let first = chat.pane().first;
    chat.app.panes[0].scroll.bottom = None;
    for _ in 0..10 {
        let last = chat.pane().last;
        chat.lines(Came::Newer, last + 1, last + 200, 200_000);
    }
    let pane = chat.pane();
    assert_eq!(pane.entries.len(), ENTRIES_MAX);
    assert!(pane.first > first);
    let numbers: Vec<u64> = pane.entries.iter().map(|entry| entry.n).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
}

#[test]
fn what_comes_is_seen_where_it_is_looked_at_and_counted_where_not() {
    let mut chat = Chat::new(3);
    assert_eq!(chat.pane().told_seen, 3);
    chat.arrives(said(4, "bob", "here"));
    assert_eq!(seen(&chat.draw().1), Some(4));
    assert_eq!(seen(&chat.draw().1), None, "once");

    // Without the person's attention it is not, and stands below the unread line afterwards.
    chat.put(Input::Focus(false));
    chat.arrives(said(5, "bob", "are you there?"));
    let (shown, asks) = chat.draw();
    assert_eq!(seen(&asks), None);
    assert_eq!(chat.pane().seen, Some(4), "{shown}");
    assert_eq!(seen(&chat.put(Input::Focus(true))), Some(5));

    // Nor is it where the view stands elsewhere.
    let mut chat = Chat::new(100);
    chat.press(KeyCode::PageUp, KeyModifiers::NONE);
    chat.draw();
    chat.arrives(said(101, "bob", "below"));
    let (_, asks) = chat.draw();
    assert_eq!((seen(&asks), chat.pane().news), (None, 1));
    chat.press(KeyCode::End, KeyModifiers::CONTROL);
    let (shown, asks) = chat.draw();
    assert_eq!((seen(&asks), chat.pane().news), (Some(101), 0), "{shown}");
}

#[test]
fn a_mention_is_told_elsewhere_and_not_too_often() {
    let mut chat = Chat::new(3);
    let mention = |chat: &mut Chat, room: &str| {
        let asks = chat.told(Told::Mention {
            room: room.repeat(32),
            name: "bob".to_owned(),
        });
        has(
            &asks,
            |ask| matches!(ask, Ask::Notify(text) if text.starts_with("@bob named you in")),
        )
    };
    assert!(!mention(&mut chat, "aa"), "it is on the screen");
    assert!(mention(&mut chat, "bb"));
    assert!(!mention(&mut chat, "bb"));
    chat.now += NOTIFY_INTERVAL_MS;
    chat.put(Input::Focus(false));
    assert!(mention(&mut chat, "aa"));
}

#[test]
fn rooms_keep_their_texts_and_their_places() {
    let mut chat = Chat::new(3);
    chat.write("in the kitchen");
    let asks = chat.press(KeyCode::Char('2'), KeyModifiers::ALT);
    assert_eq!(loads(&asks), [Load::End]);
    assert_eq!(chat.text(), "");
    chat.write("in the garden");
    chat.ctrl('n');
    assert_eq!(chat.text(), "in the kitchen");
    chat.ctrl('p');
    assert_eq!(chat.text(), "in the garden");
    // A room that is new comes last, and in front only where it was asked for.
    let rooms = || {
        vec![
            room("cc", "attic"),
            room("bb", "garden"),
            room("aa", "kitchen"),
        ]
    };
    chat.told(Told::Rooms(rooms()));
    let names = |chat: &Chat| {
        chat.app
            .panes
            .iter()
            .map(|pane| pane.entry.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&chat), ["kitchen", "garden", "attic"]);
    assert_eq!(chat.text(), "in the garden");
    chat.ctrl('c');
    let Typed::Command(slash) = parse("/join cc1-abc") else {
        panic!()
    };
    chat.app.run("aa".repeat(32), Box::new(slash));
    let mut rooms = rooms();
    rooms.push(room("dd", "cellar"));
    chat.told(Told::Rooms(rooms));
    assert_eq!(chat.app.pane().unwrap().entry.name, "cellar");
    chat.say("/room attic");
    assert_eq!(chat.app.pane().unwrap().entry.name, "attic");
}

#[test]
fn a_question_takes_no_key_that_was_meant_for_the_text() {
    let mut chat = Chat::new(3);
    let asks = chat.say("/remove bob");
    assert!(has(&asks, |ask| matches!(ask, Ask::Work(Work::Run { .. }))));
    let room = "aa".repeat(32);
    let confirm = |chat: &mut Chat| {
        let Typed::Command(then) = parse("/remove bob --yes") else {
            panic!()
        };
        let reply = Reply::Confirm {
            question: vec!["Remove @bob?".to_owned()],
            then: Box::new(then),
        };
        chat.told(Told::Replied {
            room: room.clone(),
            reply: Ok(reply),
        });
    };
    let runs = |asks: &[Ask]| {
        has(
            asks,
            |ask| matches!(ask, Ask::Work(Work::Run { slash, .. }) if matches!(**slash, Slash::Remove(_))),
        )
    };
    let typed = |chat: &mut Chat, text: &str| {
        let keys = text.chars().map(KeyCode::Char);
        let mut asks: Vec<Ask> = keys
            .flat_map(|key| chat.press(key, KeyModifiers::NONE))
            .collect();
        asks.extend(chat.press(KeyCode::Enter, KeyModifiers::NONE));
        asks
    };
    let sent = |asks: &[Ask], text: &str| {
        has(
            asks,
            |ask| matches!(ask, Ask::Work(Work::Send(draft)) if draft.text == text),
        )
    };
    // Whoever types on has not read it, whatever that begins with.
    confirm(&mut chat);
    let asks = typed(&mut chat, "y");
    assert!(!runs(&asks) && sent(&asks, "y"));
    assert!(!chat.app.is_asked());
    for text in ["hello all", "yesterday it was bob", "no"] {
        confirm(&mut chat);
        chat.now += 1000;
        let asks = typed(&mut chat, text);
        assert!(!runs(&asks) && sent(&asks, text), "{text}");
    }
    // What is no text is no answer either.
    confirm(&mut chat);
    chat.now += 1000;
    assert!(!runs(&chat.press(KeyCode::Enter, KeyModifiers::NONE)));
    assert!(!runs(
        &chat.press(KeyCode::Char('y'), KeyModifiers::CONTROL)
    ));
    chat.press(KeyCode::Esc, KeyModifiers::NONE);
    assert!(!chat.app.is_asked());
    for yes in ["y", "Yes"] {
        confirm(&mut chat);
        chat.now += 1000;
        let asks = typed(&mut chat, yes);
        assert!(runs(&asks) && !sent(&asks, yes));
        assert_eq!(chat.text(), "");
    }
}

#[test]
fn a_search_goes_on_while_its_hits_are_looked_at() {
    let mut chat = Chat::new(300);
    chat.ctrl('f');
    let asks = chat.say("postgres");
    assert!(has(
        &asks,
        |ask| matches!(ask, Ask::Work(Work::Search { text, .. }) if text == "postgres")
    ));
    assert_eq!(chat.text(), "", "the words are the search's");
    let hit = |n| Hit {
        n,
        name: "bob".to_owned(),
        ts: NOW,
        text: "postgres, we have it".to_owned(),
    };
    let found = |hits, done| Told::Found {
        room: "aa".repeat(32),
        text: "postgres".to_owned(),
        hits,
        looked: 200,
        of: 300,
        done,
    };
    chat.told(found(vec![hit(290), hit(20)], false));
    assert!(chat.draw().0.contains("we have it"));
    chat.press(KeyCode::Down, KeyModifiers::NONE);
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    // It is given up, and the line is loaded, as it is not there.
    assert!(has(&asks, |ask| matches!(ask, Ask::Work(Work::StopSearch))));
    assert_eq!(loads(&asks), [Load::Around(20)]);
    chat.lines(Came::Around(20), 1, 120, 300);
    assert_eq!(chat.pane().selected, Some(20));
    assert!(chat.draw().0.contains("line 20"));
}

#[test]
fn an_answer_names_what_it_answers_once() {
    let mut chat = Chat::new(3);
    chat.press(KeyCode::Up, KeyModifiers::ALT);
    chat.press(KeyCode::Up, KeyModifiers::ALT);
    assert_eq!(chat.pane().selected, Some(2));
    let asks = chat.say("/reply to that");
    assert_eq!(sends(&asks)[0].re, Some(format!("{:064x}", 2)));
    let asks = chat.say("and this to nobody");
    assert_eq!(sends(&asks)[0].re, None);
}

#[test]
fn receipts_are_asked_for_what_is_on_the_screen_and_once() {
    let mut chat = Chat::new(3);
    let asked = |asks: &[Ask]| {
        asks.iter().find_map(|ask| match ask {
            Ask::Work(Work::Receipts { after, through, .. }) => Some((*after, *through)),
            _ => None,
        })
    };
    chat.arrives(said(4, "alice", "mine"));
    assert_eq!(asked(&chat.draw().1), Some((3, 4)));
    assert_eq!(asked(&chat.draw().1), None);
    let marks = Marks {
        others: Some(1),
        reached: vec!["bob".to_owned()],
        offered: Vec::new(),
    };
    chat.told(Told::Receipts {
        room: "aa".repeat(32),
        marks: BTreeMap::from([(4, marks)]),
    });
    assert!(chat.draw().0.contains("✓✓ bob"));
    chat.told(Told::NewReceipts("aa".repeat(32)));
    assert_eq!(asked(&chat.draw().1), Some((3, 4)));
}

#[test]
fn words_to_the_person_go_away_by_themselves() {
    let mut chat = Chat::new(3);
    let reply = |lines: &[&str]| Told::Replied {
        room: "aa".repeat(32),
        reply: Err(lines.iter().map(|line| (*line).to_owned()).collect()),
    };
    chat.told(reply(&["not now"]));
    assert_eq!(chat.app.toasts.len(), 1);
    let at = chat.app.wakes_at().unwrap();
    assert!(at > chat.now);
    chat.now = at;
    chat.put(Input::Tick);
    assert_eq!((chat.app.toasts.len(), chat.app.wakes_at()), (0, None));
    // Longer ones are read in peace.
    chat.told(reply(&["a", "b"]));
    assert!(matches!(chat.app.overlay, Some(Overlay::Text { .. })));
    chat.press(KeyCode::Esc, KeyModifiers::NONE);
    assert!(chat.app.overlay.is_none());
}
