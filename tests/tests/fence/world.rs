//! Rooms of any names and words, and the four ways in which an agent is shown them.

use std::collections::BTreeMap;

use cc_proto::files::{FilePlace, SharedFile, file_path};
use cc_proto::id::{ArrivalNo, AuthorId, Hash, RoomId, Timestamp};
use cc_proto::render::{
    self, Candidate, Excerpt, FileView, FileViewMessage, FileViewRoom, Orientation, OrientedMember,
    Quote, Request, RoomOrientation, RoomUnread,
};
use cc_proto::text::{MemberName, display_names, names_reader};
use cc_proto::via::Via;

use crate::checker::{Form, Found, Shown, take_apart};

/// 2026-11-22T00:00:00Z: the first message is of this minute, each further one of the next.
const DAY: u64 = 1_795_305_600_000;
const MINUTE_MS: u64 = 60_000;
pub const NONCE: [u8; 8] = *b"\x5f\x3a\x9c\x0e\x1b\x2d\x4f\x60";
pub const FENCE: &str = "----- 5f3a9c0e1b2d4f60 -----";
const ROOMS_PATH: &str = "/home/al/.cc-connect/rooms";

/// Somebody: the first is the reader.
#[derive(Debug, Clone)]
pub struct Person {
    pub nick: String,
    pub petname: Option<String>,
}

/// A message, its author by place among the people.
#[derive(Debug, Clone)]
pub struct Said {
    pub author: usize,
    pub via: String,
    pub text: String,
    /// Where it announces a file, which is then all it says.
    pub file: Option<Announced>,
}

/// A file that somebody announces.
#[derive(Debug, Clone)]
pub struct Announced {
    pub name: String,
    pub folder: bool,
    pub here: bool,
}

#[derive(Debug, Clone)]
pub struct Room {
    pub name: String,
    pub people: Vec<Person>,
    pub said: Vec<Said>,
    pub summary: Option<Said>,
}

/// What is shown of a message, by the minute it is of.
struct Real {
    name: String,
    said: Said,
}

#[derive(Debug, Clone)]
pub struct World {
    pub rooms: Vec<Room>,
    pub bytes_max: usize,
}

impl Room {
    fn names(&self) -> Vec<String> {
        let key = |at: usize| AuthorId::from_bytes([at as u8 + 1; 32]);
        let people = self.people.iter().enumerate();
        let members: Vec<MemberName<'_>> = people
            .map(|(at, person)| MemberName {
                author: key(at),
                nick: &person.nick,
                petname: person.petname.as_deref(),
            })
            .collect();
        let names = display_names(&members, Some(key(0)));
        (0..self.people.len())
            .map(|at| names[&key(at)].clone())
            .collect()
    }

    fn reader_nick(&self) -> &str {
        &self.people[0].nick
    }
}

impl World {
    /// As many rooms, where nobody wrote anything but a letter.
    fn plain(&self) -> Self {
        let said = Said {
            author: 0,
            via: String::new(),
            text: "x".into(),
            file: None,
        };
        let room = Room {
            name: "x".into(),
            people: vec![Person {
                nick: "x".into(),
                petname: None,
            }],
            said: vec![said],
            summary: None,
        };
        Self {
            rooms: vec![room; self.rooms.len()],
            bytes_max: self.bytes_max,
        }
    }

    fn id(at: usize) -> RoomId {
        RoomId::from_bytes([at as u8 + 0x1a; 32])
    }

    /// Every message with its number, which is also the minute it is of, by room; summaries come last.
    fn quotes(&self) -> Vec<Vec<(ArrivalNo, Quote)>> {
        let mut minutes = 1..;
        let mut quotes = Vec::new();
        for room in &self.rooms {
            let names = room.names();
            let quote = |(n, said): (u64, &Said)| (ArrivalNo(n), quote(&names, said, n));
            quotes.push(minutes.by_ref().zip(&room.said).map(quote).collect());
        }
        quotes
    }

    fn summaries(&self) -> Vec<Option<Quote>> {
        let rooms = self.rooms.iter().zip(1000..);
        rooms
            .map(|(room, n)| Some(quote(&room.names(), room.summary.as_ref()?, n)))
            .collect()
    }

    fn real(&self) -> BTreeMap<String, Real> {
        let mut real = BTreeMap::new();
        for (at, (room, quotes)) in self.rooms.iter().zip(self.quotes()).enumerate() {
            let names = room.names();
            let summary = room.summary.iter().map(|said| (1000 + at as u64, said));
            let chats = quotes.iter().map(|(n, _)| n.0).zip(&room.said);
            for (n, said) in chats.chain(summary) {
                let one = Real {
                    name: names[said.author].clone(),
                    said: said.clone(),
                };
                real.insert(clock(n), one);
            }
        }
        real
    }

    /// What an agent is shown; none where there is nothing to show.
    pub fn render(&self, form: Form) -> String {
        match form {
            Form::Injection => self.injection(),
            Form::Orientation => self.orientation(),
            Form::Excerpt => self.excerpt(),
            Form::FileView => self.file_view(),
        }
    }

    fn injection(&self) -> String {
        let quotes = self.quotes();
        let rooms = self.rooms.iter().zip(&quotes).enumerate();
        let rooms = rooms.map(|(at, (room, quotes))| RoomUnread {
            room: Self::id(at),
            name: &room.name,
            reader_nick: room.reader_nick(),
            unread: quotes.len() as u64 + 3,
            arrived: Vec::new(),
            noticed: noticed(room),
            candidates: quotes
                .iter()
                .zip(&room.said)
                .map(|((n, quote), said)| Candidate {
                    n: *n,
                    author_tag: said.author as u64,
                    addressed: names_reader(&quote.text, room.reader_nick()),
                })
                .collect(),
        });
        let request = Request {
            nonce: NONCE,
            now: Timestamp(DAY),
            rooms_path: ROOMS_PATH,
            bytes_max: render::INJECTION_BYTES_MAX,
            rooms: rooms.collect(),
        };
        let all: BTreeMap<ArrivalNo, Quote> = quotes.iter().flatten().cloned().collect();
        let injection = render::render(&request, |_, n| all.get(&n).cloned());
        let injection = injection.expect("something is unread");
        assert!(injection.text.len() <= render::INJECTION_BYTES_MAX);
        injection.text
    }

    fn orientation(&self) -> String {
        let rooms = self.rooms.iter().zip(self.summaries()).enumerate();
        let rooms = rooms.map(|(at, (room, summary))| RoomOrientation {
            room: Self::id(at),
            name: &room.name,
            reader_nick: room.reader_nick(),
            members: (room.names().into_iter().zip(0..))
                .map(|(name, at)| OrientedMember {
                    name,
                    own: at == 0,
                    admin: at % 2 == 0,
                })
                .collect(),
            unread: room.said.len() as u64,
            addressed: at as u64,
            summary,
        });
        let text = render::orientation(&Orientation {
            nonce: NONCE,
            now: Timestamp(DAY),
            rooms: rooms.collect(),
        });
        let text = text.expect("there is a room");
        assert!(text.len() <= render::ORIENTATION_BYTES_MAX);
        text
    }

    fn excerpt(&self) -> String {
        let room = &self.rooms[0];
        let excerpt = render::excerpt(
            &Excerpt {
                nonce: NONCE,
                now: Timestamp(DAY),
                room: Self::id(0),
                name: &room.name,
                reader_nick: room.reader_nick(),
                summaries: false,
                bytes_max: self.bytes_max,
            },
            &self.quotes()[0],
        );
        assert!(excerpt.text.len() <= self.bytes_max.max(render::EXCERPT_BYTES_MIN));
        assert_eq!(
            excerpt.shown.len() as u64 + excerpt.left_out,
            room.said.len() as u64
        );
        assert!(!excerpt.shown.is_empty());
        excerpt.text
    }

    fn file_view(&self) -> String {
        let quotes = self.quotes();
        let rooms = self.rooms.iter().zip(&quotes).enumerate();
        let rooms = rooms.map(|(at, (room, quotes))| FileViewRoom {
            room: Self::id(at),
            name: &room.name,
            reader_nick: room.reader_nick(),
            all: quotes.len() as u64 + 4,
            noticed: noticed(room),
            messages: quotes
                .iter()
                .zip(&room.said)
                .map(|((n, quote), said)| FileViewMessage {
                    n: *n,
                    author_tag: said.author as u64,
                    quote: quote.clone(),
                })
                .collect(),
        });
        let text = render::file_view(&FileView {
            nonce: NONCE,
            now: Timestamp(DAY),
            rooms: rooms.collect(),
            paused: false,
        });
        assert!(text.len() <= render::FILE_VIEW_BYTES_MAX);
        text
    }

    /// Renders, takes apart what came out, and holds each message against the one that was written.
    pub fn check(&self, form: Form) -> Result<Shown, String> {
        let shown = take_apart(form, &self.render(form), FENCE)?;
        let plain = take_apart(form, &self.plain().render(form), FENCE)?;
        if shown.introduction != plain.introduction {
            return Err("the line outside the fence hangs on what peers wrote".into());
        }
        if shown.rooms != plain.rooms {
            return Err("other rooms than there are".into());
        }
        let real = self.real();
        for found in &shown.messages {
            let real = real
                .get(&found.time)
                .ok_or_else(|| format!("nobody wrote this: {found:?}"))?;
            is_of(found, real)?;
        }
        Ok(shown)
    }
}

/// Whether what was found says of whom it is.
fn is_of(found: &Found, real: &Real) -> Result<(), String> {
    let has = |mark: &str| found.marks.iter().any(|known| known == mark);
    let via = found
        .marks
        .iter()
        .find_map(|mark| mark.strip_prefix("via "));
    let (own, agent) = (real.said.author == 0, Via::parse(&real.said.via));
    let role = agent.as_ref().and_then(|via| via.role.word());
    let told = via.map(|via| via.split_once(", ").map(|(_, role)| role));
    let right = found.name == real.name
        && has("from your user") == (own && agent.is_none())
        && has("from your user's agent") == (own && agent.is_some())
        && told == agent.as_ref().map(|_| role);
    if !right {
        return Err(format!("{found:?} is by {:?}", real.name));
    }
    match (&real.said.file, &found.file) {
        (Some(real), Some(found)) if (real.folder, real.here) != (found.folder, found.here) => {
            Err(format!("{found:?} is {real:?}"))
        }
        (Some(_), Some(_)) if has("for you") => Err(format!("a file calls the reader: {found:?}")),
        (Some(_), None) => Err(format!("not told of as a file: {found:?}")),
        (None, Some(line)) if line.path.is_some() => Err(format!("passes for a file: {found:?}")),
        _ => Ok(()),
    }
}

fn noticed(room: &Room) -> Vec<(String, u64)> {
    room.names().into_iter().rev().zip(1..).collect()
}

fn quote(names: &[String], said: &Said, minute: u64) -> Quote {
    let ts = Timestamp(DAY + minute * MINUTE_MS);
    Quote {
        name: names[said.author].clone(),
        own: said.author == 0,
        via: said.via.clone(),
        ts,
        at: ts,
        text: match said.file {
            Some(_) => String::new(),
            None => said.text.clone(),
        },
        file: said.file.as_ref().map(shared),
    }
}

/// As the hook would have it from the message and from where it lies.
fn shared(announced: &Announced) -> SharedFile {
    let hash = Hash::of(announced.name.as_bytes());
    let path = file_path(&hash, &announced.name);
    SharedFile {
        name: announced.name.clone(),
        size: 10_u64.pow(announced.name.len() as u32 % 20),
        folder: announced.folder,
        place: if announced.here {
            FilePlace::Here {
                path: Some(format!("{ROOMS_PATH}/1a/{path}")),
            }
        } else {
            FilePlace::NotHere
        },
    }
}

fn clock(minute: u64) -> String {
    format!("{:02}:{:02}Z", minute / 60, minute % 60)
}
