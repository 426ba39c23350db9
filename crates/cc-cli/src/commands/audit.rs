//! `audit`: which messages went into which prompt of which session, when.

use std::fmt::Write as _;

use cc_hook_generic::audit::{AuditEvent, AuditLine};
use cc_hook_generic::{Profile, audit};
use cc_proto::id::Timestamp;
use cc_proto::text::clean_line;

use super::objects::{Audited, object};
use crate::args::AuditArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Printer;
use crate::rooms::{self, KnownRoom};
use crate::when::{self, Since};

/// The longest name of a session that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 64;

/// Lists them, the oldest first.
pub fn run(home: &Home, args: &AuditArgs, output: Printer<'_>) -> CliResult {
    let rooms = match &args.of.room {
        Some(name) => vec![rooms::find(home, Some(name))?],
        None => rooms::all(home)?,
    };
    let agent = args
        .agent
        .as_ref()
        .map(|name| Profile::named(name).map_or_else(|| name.clone(), |profile| profile.name));
    let since = since(args.since.as_deref())?;
    let mut told: Vec<(&KnownRoom, AuditLine)> = Vec::new();
    for room in &rooms {
        let lines = audit::read(&rooms::dir(home, &room.id));
        let asked_for = lines.filter(|line| {
            line.at >= since.0
                && agent.as_ref().is_none_or(|agent| line.agent == *agent)
                && args
                    .session
                    .as_ref()
                    .is_none_or(|session| line.session == *session)
        });
        told.extend(asked_for.map(|line| (room, line)));
    }
    told.sort_by_key(|(_, line)| line.at);
    if told.is_empty() {
        output.note("no agent was told anything");
    }
    for (room, line) in told {
        let text = sentence(room, &line);
        output.data(&object(&audited(room, line)), text);
    }
    Ok(())
}

fn since(asked: Option<&str>) -> CliResult<Timestamp> {
    match asked
        .map(|text| when::parse_since(text, when::now()))
        .transpose()?
    {
        None => Ok(Timestamp(0)),
        Some(Since::Time(time)) => Ok(time),
        Some(Since::Line(_)) => Err(CliError::new(Kind::Usage, "--since takes a time here")
            .hint("90s, 10m, 2h, 3d, 2026-11-22, 2026-11-22T10:00Z")),
    }
}

fn audited(room: &KnownRoom, line: AuditLine) -> Audited {
    Audited {
        room: room.id.to_hex(),
        at: line.at,
        agent: line.agent,
        session: line.session,
        event: line.event,
        from: line.from,
        through: line.through,
        shown: line.shown,
        counted: line.counted,
    }
}

fn sentence(room: &KnownRoom, line: &AuditLine) -> String {
    let how = match line.event {
        AuditEvent::Prompt => "with a prompt",
        AuditEvent::Start => "at its start",
        AuditEvent::Tool => "after a tool call",
        AuditEvent::Read => "when it asked",
    };
    let mut text = format!(
        "{}  {} {}  {}, {how}: ",
        when::long_time(Timestamp(line.at)),
        clean_line(&line.agent, SHOWN_CHARS_MAX),
        clean_line(&line.session, SHOWN_CHARS_MAX),
        room.shown_name(),
    );
    match line.shown.as_slice() {
        [] => text.push_str("no message shown"),
        [one] => {
            let _ = write!(text, "line {one}");
        }
        several => {
            let _ = write!(text, "lines {}", ranges(several));
        }
    }
    if line.counted > 0 {
        let _ = write!(text, ", {} only counted", line.counted);
    }
    text
}

/// `3, 5-9, 12`
fn ranges(numbers: &[u64]) -> String {
    let mut text = String::new();
    for run in numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let _ = match run {
            [first, .., last] => write!(text, "{first}-{last}"),
            _ => write!(text, "{}", run[0]),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(
            ranges(&[3, 5, 6, 7, 9, u64::MAX]),
            format!("3, 5-7, 9, {}", u64::MAX)
        );
        assert_eq!(ranges(&[]), "");
    }
}
