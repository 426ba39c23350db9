//! What the index says of a message by whose log it is.

use cc_proto::body::{BODY_VERSION, Body, Kind};
use cc_proto::id::AuthorId;
use cc_proto::message::Message;
use cc_proto::text;

use crate::line;
use crate::record::Flags;

/// Whose log this is: their own agent's messages are not injected, and texts may name them.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub author: AuthorId,
    /// The owner's nickname as of the last line.
    pub nick: Option<String>,
}

impl Owner {
    /// What the index says of a message.
    pub fn flags(&self, message: &Message) -> Flags {
        let header = message.header();
        let (chat, file) = (message.text().is_some(), message.file().is_some());
        let own_agent = header.author == self.author && !header.via.is_empty();
        let named = |text| {
            self.nick
                .as_deref()
                .is_some_and(|nick| text::names_reader(text, nick))
        };
        let flags = Flags::default()
            .with_chat(chat)
            .with_file(file)
            .with_injectable((chat || file) && !own_agent)
            .with_own_agent(own_agent)
            .with_shapes_roster(message.shapes_roster())
            .with_names_owner(message.text().is_some_and(named));
        if line::is_erased(message) {
            flags.with_erased()
        } else {
            flags
        }
    }

    /// Whether a message is injectable or was before its body was erased: so the counts of the index stay as they
    /// are when one is, and are the same when the index is made anew.
    pub fn counts(&self, message: &Message) -> bool {
        let header = message.header();
        let told = if line::is_erased(message) {
            matches!(message.kind(), Kind::Chat | Kind::File) && header.v == BODY_VERSION
        } else {
            message.text().is_some() || message.file().is_some()
        };
        told && (header.author != self.author || header.via.is_empty())
    }

    /// The nickname that a message gives the owner.
    pub fn nick_in(&self, message: &Message) -> Option<String> {
        if message.header().author != self.author {
            return None;
        }
        match message.body() {
            Some(Body::Genesis(body)) => Some(body.nick.clone()),
            Some(Body::Join(body)) => Some(body.nick.clone()),
            Some(Body::Profile(body)) => Some(body.nick.clone()),
            _ => None,
        }
    }
}
