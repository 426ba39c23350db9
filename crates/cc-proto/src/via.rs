//! What stands in a message's `via`: which agent wrote it, and as what.
//!
//! On the wire `<agent>`, `<agent>/status` or `<agent>/error`; empty for a person. It is the author's claim, as all of a
//! message is. Implements `spec/conventions.md`.

/// What an agent's message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// It says something.
    #[default]
    Message,
    /// It tells how far the agent is; nobody is expected to answer.
    Status,
    /// It tells what went wrong.
    Error,
}

impl Role {
    /// The word for it on the wire and in a header; `None` for [`Role::Message`].
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Message => None,
            Self::Status => Some("status"),
            Self::Error => Some("error"),
        }
    }
}

/// Which agent wrote a message, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// The agent's name as it was claimed; not cleaned.
    pub agent: String,
    /// What the message is for.
    pub role: Role,
}

impl Via {
    /// Reads a header's `via`; `None` where a person wrote the message.
    ///
    /// Any text is a via: what is no known role belongs to the name.
    ///
    /// ```
    /// use cc_proto::via::{Role, Via};
    ///
    /// let via = Via::parse("codex/status").ok_or("written by a person")?;
    /// assert_eq!((via.agent.as_str(), via.role), ("codex", Role::Status));
    /// assert_eq!(via.encode(), "codex/status");
    /// assert_eq!(Via::parse(""), None);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn parse(via: &str) -> Option<Self> {
        if via.is_empty() {
            return None;
        }
        let with_role = [Role::Status, Role::Error].into_iter().find_map(|role| {
            let agent = via.strip_suffix(role.word()?)?.strip_suffix('/')?;
            Some((agent, role))
        });
        let (agent, role) = with_role.unwrap_or((via, Role::Message));
        Some(Self {
            agent: agent.to_owned(),
            role,
        })
    }

    /// The text for a header. Of an agent whose name itself ends in a role it is read as that role.
    pub fn encode(&self) -> String {
        match self.role.word() {
            None => self.agent.clone(),
            Some(role) => format!("{}/{role}", self.agent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_known_roles_are_roles() {
        for (wire, agent, role) in [
            ("codex", "codex", Role::Message),
            ("codex/error", "codex", Role::Error),
            ("a/b/status", "a/b", Role::Status),
            ("codex/Status", "codex/Status", Role::Message),
            ("codexstatus", "codexstatus", Role::Message),
            ("status", "status", Role::Message),
            ("/status", "", Role::Status),
            ("/", "/", Role::Message),
        ] {
            let via = Via::parse(wire).unwrap();
            assert_eq!((via.agent.as_str(), via.role), (agent, role), "{wire}");
            assert_eq!(via.encode(), wire);
        }
    }
}
