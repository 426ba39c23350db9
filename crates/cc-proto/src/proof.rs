//! Proofs for somebody who is in no room of ours: that an author signed two messages for one place,
//! or that a member wrote a message. `spec/proof.md` has the format and what each does not prove.
//!
//! A [`Proof`] is what somebody handed over and proves nothing; [`Proof::check`] gives what it does
//! prove. It needs neither a log nor a clock.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::codec::{self, CodecError};
use crate::id::{AuthorId, MessageId, RoomId};
use crate::identity::{self, MESSAGE_DOMAIN, Signature};
use crate::limits;
use crate::message::{Header, Message, MessageError, SignedMessage};
use crate::roster::Roster;

/// The version that a proof names.
pub const PROOF_VERSION: u8 = 1;
/// Longest proof, in bytes of its encoding.
pub const PROOF_BYTES_MAX: usize = 1024 * 1024;
/// Longest text in which a proof is looked for, in bytes of UTF-8.
pub const PROOF_TEXT_BYTES_MAX: usize = 2 * PROOF_BYTES_MAX;
/// Most headers of one run: a message is stored only where a signature within a segment vouches for it.
pub const RUN_HEADERS_MAX: usize = limits::SEGMENT_MESSAGES_HARD_MAX;

/// The line before a proof.
pub const PROOF_BEGIN: &str = "-----BEGIN CC-CONNECT PROOF-----";
/// The line after it.
pub const PROOF_END: &str = "-----END CC-CONNECT PROOF-----";
const LINE_CHARS: usize = 64;

/// A message's header, and the headers after it in its chain up to one whose signature vouches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// That of the message first; each next one names the one before it. At most [`RUN_HEADERS_MAX`].
    pub headers: Vec<Header>,
    /// The signature of the last.
    pub signature: Signature,
    /// The body of the first; absent where it was erased, or is not to be shown.
    pub body: Option<Vec<u8>>,
}

/// What somebody says to have proof of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// One author, two messages, one place.
    Fork {
        /// One of them.
        left: Run,
        /// The other.
        right: Run,
    },
    /// A member wrote a message.
    Message {
        /// The message.
        run: Run,
        /// The acts by which its author belonged, as in a hello.
        bundle: Vec<SignedMessage>,
    },
}

#[derive(Serialize, Deserialize)]
struct Wire {
    version: u8,
    proof: Proof,
}

/// A proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// There is no line that begins a proof.
    #[error("there is no proof in it")]
    Missing,
    /// The line that ends it is missing.
    #[error("the proof was cut: its last line is missing")]
    Cut,
    /// More than one proof is in the text.
    #[error("there is more than one proof in it")]
    Several,
    /// It is longer than any proof.
    #[error("it is longer than a proof may be")]
    TooLong,
    /// What stands between the lines is not base64.
    #[error("the proof was cut or altered: it is not base64")]
    NotBase64,
    /// It is of a later version.
    #[error("the proof is of version {version}, which this program does not know")]
    UnknownVersion {
        /// Which.
        version: u8,
    },
    /// It does not decode.
    #[error("the proof: {0}")]
    Encoding(#[from] CodecError),
    /// A run has no header, or more than it may; or the bundle has more messages than it may.
    #[error("the proof has {count} items in a list of 1 to {count_max}")]
    Count {
        /// How many there are.
        count: usize,
        /// How many there may be.
        count_max: usize,
    },
    /// A header or a message of the bundle is refused.
    #[error("the proof: {0}")]
    Message(#[from] MessageError),
    /// A header does not name the one before it in its chain.
    #[error("a header does not follow the one before it")]
    BrokenLink,
    /// The two messages are of two authors, chains, places or rooms.
    #[error("the two messages are not for one place of one chain")]
    OtherPlace,
    /// The two messages are one.
    #[error("the two messages are the same")]
    SameMessage,
    /// The bundle does not show that the author belonged.
    #[error("it does not show that the author was a member")]
    NotAMember,
}

/// A message that a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Its id.
    pub id: MessageId,
    /// Its header.
    pub header: Header,
    /// What it says; absent where the proof does not show it, or its kind or version is not known.
    pub body: Option<Body>,
    /// How many places after it the signature stands that vouches; 0 where it is its own.
    pub vouched_after: usize,
}

/// How the author of a message belonged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The room's name, as its maker wrote it.
    pub room_name: String,
    /// The room's maker.
    pub root: AuthorId,
    /// The author's nick, as far as these acts tell.
    pub nick: String,
    /// Who let the author in; nobody where the author made the room.
    pub doors: Vec<AuthorId>,
}

/// What a proof proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    /// The key of one author signed, or vouched for, two messages for one place.
    Fork {
        /// The room.
        room: RoomId,
        /// One of them.
        left: Excerpt,
        /// The other.
        right: Excerpt,
    },
    /// The message is its author's, at its place in the room, and the author was let into the room.
    Message {
        /// The room.
        room: RoomId,
        /// The message.
        message: Excerpt,
        /// How its author belonged.
        membership: Membership,
    },
}

impl Run {
    /// The run of a message and those after it in its chain, the last of which carries its own
    /// signature; `None` where that one does not, or there is none.
    pub fn of<'a>(
        messages: impl IntoIterator<Item = &'a Message>,
        with_body: bool,
    ) -> Option<Self> {
        let wires: Vec<&SignedMessage> = messages.into_iter().map(Message::wire).collect();
        Some(Self {
            signature: wires.last()?.signature?,
            body: wires.first()?.body.clone().filter(|_| with_body),
            headers: wires.into_iter().map(|wire| wire.header.clone()).collect(),
        })
    }

    fn room(&self) -> Result<RoomId, ProofError> {
        let first = self.headers.first().ok_or(ProofError::Count {
            count: 0,
            count_max: RUN_HEADERS_MAX,
        })?;
        Ok(bare(first, None).room())
    }

    fn check(&self, room: &RoomId) -> Result<Excerpt, ProofError> {
        counted(self.headers.len(), RUN_HEADERS_MAX)?;
        let mut before: Option<&Header> = None;
        for header in &self.headers {
            let body = self.body.as_ref().filter(|_| before.is_none());
            formed(header, body, room)?;
            if before.is_some_and(|before| !follows(before, header)) {
                return Err(ProofError::BrokenLink);
            }
            before = Some(header);
        }
        let (Some(first), Some(last)) = (self.headers.first(), before) else {
            return Err(ProofError::BrokenLink);
        };
        let signed = codec::encode(last);
        if !identity::verify(
            last.author.as_bytes(),
            MESSAGE_DOMAIN,
            &signed,
            &self.signature,
        ) {
            return Err(MessageError::BadSignature.into());
        }
        Ok(Excerpt {
            id: first.id(),
            header: first.clone(),
            body: formed(first, self.body.as_ref(), room)?,
            vouched_after: self.headers.len() - 1,
        })
    }
}

impl Proof {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&Wire {
            version: PROOF_VERSION,
            proof: self.clone(),
        })
    }

    /// Decodes a proof, which is not checked thereby.
    ///
    /// # Errors
    /// [`ProofError`] of length, version and encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(ProofError::TooLong);
        }
        match bytes.first() {
            Some(&version) if version != PROOF_VERSION => {
                Err(ProofError::UnknownVersion { version })
            }
            _ => Ok(codec::decode::<Wire>(bytes)?.proof),
        }
    }

    /// The lines from [`PROOF_BEGIN`] to [`PROOF_END`], each with a line feed.
    pub fn to_text(&self) -> String {
        let mut text = format!("{PROOF_BEGIN}\n");
        let digits = data_encoding::BASE64.encode(&self.encode());
        let mut rest = digits.as_str();
        while !rest.is_empty() {
            let (line, next) = rest.split_at(rest.len().min(LINE_CHARS));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
            rest = next;
        }
        text + PROOF_END + "\n"
    }

    /// Finds the one proof in a text, whatever stands around it. White space at the ends of lines is
    /// passed over, as mail adds it; at their beginnings it is not, so that a quoted text can stand
    /// before the proof, indented, and begin none.
    ///
    /// # Errors
    /// [`ProofError`] of finding and decoding.
    pub fn from_text(text: &str) -> Result<Self, ProofError> {
        if text.len() > PROOF_TEXT_BYTES_MAX {
            return Err(ProofError::TooLong);
        }
        let mut lines = text.lines().map(str::trim_end);
        if !lines.any(|line| line == PROOF_BEGIN) {
            return Err(ProofError::Missing);
        }
        let mut digits = String::new();
        loop {
            match lines.next() {
                None => return Err(ProofError::Cut),
                Some(PROOF_END) => break,
                Some(line) => digits.push_str(line),
            }
        }
        if lines.any(|line| line == PROOF_BEGIN) {
            return Err(ProofError::Several);
        }
        let bytes = data_encoding::BASE64
            .decode(digits.as_bytes())
            .map_err(|_| ProofError::NotBase64)?;
        Self::decode(&bytes)
    }

    /// What it proves, from nothing but itself.
    ///
    /// # Errors
    /// [`ProofError`] says why it proves nothing.
    pub fn check(&self) -> Result<Proven, ProofError> {
        match self {
            Self::Fork { left, right } => {
                let room = left.room()?;
                if right.room()? != room {
                    return Err(ProofError::OtherPlace);
                }
                let (left, right) = (left.check(&room)?, right.check(&room)?);
                let place = |header: &Header| (header.author, header.chain, header.seq);
                if place(&left.header) != place(&right.header) {
                    return Err(ProofError::OtherPlace);
                }
                if left.id == right.id {
                    return Err(ProofError::SameMessage);
                }
                Ok(Proven::Fork { room, left, right })
            }
            Self::Message { run, bundle } => {
                let room = run.room()?;
                let message = run.check(&room)?;
                let membership = membership(&room, &message.header.author, bundle)?;
                Ok(Proven::Message {
                    room,
                    message,
                    membership,
                })
            }
        }
    }
}

/// The acts by which an author was let in, of all those that are known: what may have ended the
/// membership since is left aside. Empty where nothing shows it.
pub fn bundle_of<'a>(
    room: RoomId,
    author: &AuthorId,
    acts: impl IntoIterator<Item = &'a Message>,
) -> Vec<SignedMessage> {
    let mut roster = Roster::new(room);
    for act in acts.into_iter().filter(|act| lets_in(act)) {
        roster.insert(act);
    }
    let bundle = roster.bundle(author);
    bundle.iter().map(|act| act.wire().clone()).collect()
}

fn lets_in(act: &Message) -> bool {
    match act.body() {
        Some(Body::Genesis(_) | Body::Invite(_) | Body::Join(_) | Body::Admit(_)) => true,
        Some(Body::Grant(grant)) => grant.admin,
        _ => false,
    }
}

fn membership(
    room: &RoomId,
    author: &AuthorId,
    bundle: &[SignedMessage],
) -> Result<Membership, ProofError> {
    if bundle.is_empty() {
        return Err(ProofError::NotAMember);
    }
    counted(bundle.len(), limits::BUNDLE_MESSAGES_MAX)?;
    let mut roster = Roster::new(*room);
    for act in bundle {
        roster.insert(&act.clone().verify(room)?);
    }
    let member = roster.members().get(author).ok_or(ProofError::NotAMember)?;
    let root = roster.members().iter().find(|(_, member)| member.root);
    Ok(Membership {
        room_name: roster.name().to_owned(),
        root: *root.ok_or(ProofError::NotAMember)?.0,
        nick: member.nick.clone(),
        doors: member.doors.iter().copied().collect(),
    })
}

fn counted(count: usize, count_max: usize) -> Result<(), ProofError> {
    if count == 0 || count > count_max {
        return Err(ProofError::Count { count, count_max });
    }
    Ok(())
}

fn follows(before: &Header, next: &Header) -> bool {
    (next.author, next.chain) == (before.author, before.chain)
        && before.seq.0.checked_add(1) == Some(next.seq.0)
        && next.prev == Some(before.id())
}

/// Checks the form of a header and of the body that is shown of it.
fn formed(
    header: &Header,
    body: Option<&Vec<u8>>,
    room: &RoomId,
) -> Result<Option<Body>, MessageError> {
    match bare(header, body.cloned()).check(room) {
        Ok(message) => Ok(message.body().cloned()),
        // The header is whole; what it says is not shown.
        Err(MessageError::BodyMissing) => Ok(None),
        Err(error) => Err(error),
    }
}

fn bare(header: &Header, body: Option<Vec<u8>>) -> SignedMessage {
    SignedMessage {
        header: header.clone(),
        signature: None,
        body,
    }
}
