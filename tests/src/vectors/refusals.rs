//! The errors of the crates, by their names in `spec/`: the one place where the two meet.

use cc_log::DamagedLine;
use cc_proto::frames::FrameError;
use cc_proto::message::MessageError;
use cc_proto::proof::ProofError;
use cc_proto::receipt::ReceiptError;
use cc_proto::roster::DoorError;
use cc_proto::ticket::TicketError;
use serde_json::{Value, json};

/// What an error without a name is: the vectors never hold it, so such a case fails.
const UNNAMED: &str = "unnamed";

/// A refusal by name, with what else is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The name.
    pub verdict: &'static str,
    /// An object, or null.
    pub details: Value,
}

impl Refused {
    /// Nothing but the name.
    pub fn plain(verdict: &'static str) -> Self {
        Self {
            verdict,
            details: Value::Null,
        }
    }

    /// The same, at a place in a list.
    pub fn at(self, index: usize) -> Self {
        Self {
            details: json!({ "index": index }),
            ..self
        }
    }
}

/// `spec/message.md`, "Wire form".
impl From<MessageError> for Refused {
    fn from(error: MessageError) -> Self {
        Self::plain(match error {
            MessageError::Encoding(_) => "encoding",
            MessageError::Body(_) => "body",
            MessageError::BodyMismatch => "body-mismatch",
            MessageError::BodyTooLong { .. } => "body-too-long",
            MessageError::ViaTooLong { .. } => "via-too-long",
            MessageError::BadLink { .. } => "bad-link",
            MessageError::WrongRoom => "wrong-room",
            MessageError::Unsigned => "unsigned",
            MessageError::BadSignature => "bad-signature",
            MessageError::BodyMissing => "body-missing",
            _ => UNNAMED,
        })
    }
}

/// `spec/identity-and-ticket.md`, "Ticket".
impl From<TicketError> for Refused {
    fn from(error: TicketError) -> Self {
        let (verdict, details) = match error {
            TicketError::NoPrefix => ("no-prefix", Value::Null),
            TicketError::TooLong => ("too-long", Value::Null),
            TicketError::BadCharacter { position } => {
                ("bad-character", json!({ "position": position }))
            }
            TicketError::BadChecksum => ("bad-checksum", Value::Null),
            TicketError::UnknownVersion { version } => {
                ("unknown-version", json!({ "version": version }))
            }
            TicketError::Malformed => ("malformed", Value::Null),
            _ => (UNNAMED, Value::Null),
        };
        Self { verdict, details }
    }
}

/// `spec/proof.md`, "Refusals".
impl From<ProofError> for Refused {
    fn from(error: ProofError) -> Self {
        Self::plain(match error {
            ProofError::Missing => "no-proof",
            ProofError::Cut => "cut",
            ProofError::Several => "several",
            ProofError::TooLong => "too-long",
            ProofError::NotBase64 => "not-base64",
            ProofError::UnknownVersion { version } => {
                return Self {
                    verdict: "unknown-version",
                    details: json!({ "version": version }),
                };
            }
            ProofError::Encoding(_) => "encoding",
            ProofError::Count { .. } => "count",
            ProofError::Message(error) => return error.into(),
            ProofError::BrokenLink => "broken-link",
            ProofError::OtherPlace => "other-place",
            ProofError::SameMessage => "same-message",
            ProofError::NotAMember => "not-a-member",
            _ => UNNAMED,
        })
    }
}

/// `spec/receipts.md`, "What is refused".
impl From<ReceiptError> for Refused {
    fn from(error: ReceiptError) -> Self {
        Self::plain(match error {
            ReceiptError::Encoding(_) => "encoding",
            ReceiptError::TooLong { .. } => "too-long",
            ReceiptError::WrongRoom => "wrong-room",
            ReceiptError::Disorder => "disorder",
            ReceiptError::Agent => "agent",
            ReceiptError::BadSignature => "bad-signature",
            _ => UNNAMED,
        })
    }
}

/// `spec/membership.md`, "The door".
impl From<DoorError> for Refused {
    fn from(error: DoorError) -> Self {
        Self::plain(match error {
            DoorError::UnknownInvite => "refused",
            DoorError::Expired => "expired",
            DoorError::UsedUp => "used-up",
            DoorError::Revoked => "revoked",
            DoorError::Removed => "removed",
            _ => UNNAMED,
        })
    }
}

/// `spec/sync.md`, frames.
impl From<FrameError> for Refused {
    fn from(error: FrameError) -> Self {
        Self::plain(match error {
            FrameError::TooLong { .. } => "too-long",
            FrameError::Encoding(_) => "encoding",
            _ => UNNAMED,
        })
    }
}

/// `spec/log.md`, damaged lines.
impl From<DamagedLine> for Refused {
    fn from(error: DamagedLine) -> Self {
        Self::plain(match error {
            DamagedLine::NotJson => "not-json",
            DamagedLine::NotBase64 => "not-base64",
            DamagedLine::NotAMessage(_) => "not-a-message",
            DamagedLine::IdMismatch { .. } => "id-mismatch",
            DamagedLine::TooLong { .. } => "too-long",
            DamagedLine::Swallowed => "swallowed",
            _ => UNNAMED,
        })
    }
}
