//! The log of a room as people read it: its lines, the names of who wrote them, what counts and what acts mean.
//!
//! Read straight from the files, without the daemon and without a lock. What is done with a line is the caller's:
//! `history` prints it, the chat shows it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use cc_log::{Line, LogReader, RosterView, ViewMember};
use cc_proto::body::{Body, Kind as MessageKind};
use cc_proto::id::{ArrivalNo, AuthorId, ChainId, RoomId, Seq};
use cc_proto::message::Message;
use cc_proto::roster::Roster;
use cc_proto::text::{MemberName, fingerprint};

use crate::error::{CliError, CliResult, Kind};
use crate::names;
use crate::rooms::short;

/// The last place of each chain that was met. One at or before it is a second branch.
pub type Tips = HashMap<(AuthorId, ChainId), Seq>;

/// A log that is open for reading, and who is who in it.
pub struct Reading {
    reader: LogReader,
    view: Option<RosterView>,
    names: BTreeMap<AuthorId, String>,
    /// Of the acts through `acts_through`: it knows who came over an invite's uses.
    roster: Roster,
    acts_through: ArrivalNo,
}

impl Reading {
    /// Opens the log in a room's folder; an error before anything has arrived. Reads the acts that shape the roster and
    /// nothing else, however long the log is.
    pub fn open(dir: &Path, room: RoomId) -> CliResult<Self> {
        let reader = LogReader::open(dir).map_err(|error| unreadable(&error))?;
        let mut reading = Self {
            reader,
            view: None,
            names: BTreeMap::new(),
            roster: Roster::new(room),
            acts_through: ArrivalNo(0),
        };
        reading.refresh_names()?;
        Ok(reading)
    }

    /// The log itself.
    pub const fn log(&self) -> &LogReader {
        &self.reader
    }

    /// The view of the roster, where there is one.
    pub const fn view(&self) -> Option<&RosterView> {
        self.view.as_ref()
    }

    /// The number of the newest line at the last look.
    pub fn len(&self) -> ArrivalNo {
        self.reader.len()
    }

    /// One line.
    pub fn line(&self, n: ArrivalNo) -> CliResult<Line> {
        self.reader.line(n).map_err(|error| unreadable(&error))
    }

    /// Everybody's name.
    pub fn names(&self) -> impl Iterator<Item = (&AuthorId, &str)> {
        self.names
            .iter()
            .map(|(author, name)| (author, name.as_str()))
    }

    /// What marks our own lines in the index.
    pub fn own_tag(&self) -> Option<u64> {
        let me = self.view.as_ref()?.me;
        let first = me.as_bytes().first_chunk()?;
        Some(u64::from_le_bytes(*first))
    }

    /// Looks how far the log goes now. The names stay as they are.
    pub fn look(&mut self) -> CliResult {
        self.reader.refresh().map_err(|error| unreadable(&error))
    }

    /// Looks for what has arrived after `last`, and then reads the names anew; gives the number of the newest line.
    pub fn refresh(&mut self, last: ArrivalNo) -> CliResult<ArrivalNo> {
        self.look()?;
        if self.len() > last {
            self.refresh_names()?;
        }
        Ok(self.len().max(last))
    }

    /// The lines after `last` up to `end`, the oldest first.
    pub fn lines_between(
        &self,
        last: ArrivalNo,
        end: ArrivalNo,
    ) -> CliResult<impl Iterator<Item = Result<Line, cc_log::ReadError>> + '_> {
        self.reader
            .range(ArrivalNo(last.0 + 1), end)
            .map_err(|error| unreadable(&error))
    }

    /// Whether a line counts for nothing, such as what a removed member wrote after the removal.
    pub fn is_void(&self, line: &Line) -> bool {
        match (&self.view, &line.message) {
            (Some(view), Ok(message)) => view.voids(message.header(), &message.id()),
            _ => false,
        }
    }

    /// Reads the names anew; on a view that cannot be read, the old ones stay.
    pub fn refresh_names(&mut self) -> CliResult {
        self.take_in_acts()?;
        let Ok(Some(view)) = RosterView::load(self.reader.dir()) else {
            return Ok(());
        };
        let (members, former) = (named(&view.members), named(&view.former));
        self.names = names::shown(&members, &former, Some(view.me));
        self.view = Some(view);
        Ok(())
    }

    fn take_in_acts(&mut self) -> CliResult {
        let is_first = self.acts_through == ArrivalNo(0);
        let mut acts = Vec::new();
        loop {
            let next = self.reader.first_roster_line_after(self.acts_through);
            let Some(n) = next.map_err(|error| unreadable(&error))? else {
                break;
            };
            self.acts_through = n;
            // A damaged line is told where it is printed.
            acts.extend(self.line(n)?.message.ok());
        }
        if is_first {
            self.roster = Roster::load(self.roster.room(), &acts);
        } else {
            for act in &acts {
                self.roster.insert(act);
            }
        }
        Ok(())
    }

    /// The name under which an author is shown.
    pub fn name(&self, author: &AuthorId) -> String {
        self.names
            .get(author)
            .cloned()
            .unwrap_or_else(|| fingerprint(author))
    }

    fn is_over(&self, author: &AuthorId) -> bool {
        let member = self.roster.members().get(author);
        member.is_some_and(|member| member.over)
    }

    /// What an act did, to stand after its author's name; none of those that nobody has to know of.
    pub fn deed(&self, body: &Body) -> Option<String> {
        Some(match body {
            Body::Genesis(_) => "made the room".to_owned(),
            Body::Admit(admit) if self.is_over(&admit.joiner) => format!(
                "let @{} in, over the uses of the invite {}",
                self.name(&admit.joiner),
                admit.invite.short()
            ),
            Body::Admit(admit) => format!("let @{} in", self.name(&admit.joiner)),
            Body::Remove(remove) => format!("removed @{}", self.name(&remove.member)),
            Body::Grant(grant) if grant.admin => {
                format!("made @{} an admin", self.name(&grant.member))
            }
            Body::Grant(grant) => {
                format!(
                    "made @{} an ordinary member again",
                    self.name(&grant.member)
                )
            }
            Body::InviteRevoke(revoke) => {
                format!("revoked the invite {}", short(&revoke.invite.to_hex()))
            }
            Body::Retract(retract) => {
                format!("took a message of @{} back", self.name(&retract.author))
            }
            Body::Leave => "left".to_owned(),
            _ => return None,
        })
    }
}

fn named(people: &[ViewMember]) -> Vec<MemberName<'_>> {
    let names = people.iter().map(|person| MemberName {
        author: person.author,
        nick: &person.nick,
        petname: person.petname.as_deref(),
    });
    names.collect()
}

/// Whether a message was taken back.
pub fn is_erased(message: &Message) -> bool {
    let is_said = matches!(message.kind(), MessageKind::Chat | MessageKind::File);
    is_said && message.body().is_none()
}

/// Whether another line holds a message for the same place; lines arrive in the order of their chain, so the place is
/// not beyond the last. A repair is the same message again.
pub fn is_fork(tips: &mut Tips, line: &Line) -> bool {
    let Ok(message) = &line.message else {
        return false;
    };
    if line.repairs.is_some() {
        return false;
    }
    let header = message.header();
    let tip = tips.entry((header.author, header.chain)).or_insert(Seq(0));
    let fork = header.seq <= *tip;
    *tip = header.seq.max(*tip);
    fork
}

/// Says that the log cannot be read.
pub fn unreadable(error: &dyn std::error::Error) -> CliError {
    CliError::new(Kind::Home, "cannot read the room's log").because(error)
}
