//! One line of the log as rows of the screen.
//!
//! The first column is ours: what somebody wrote is always behind a sign that nothing else has there, or two blanks further
//! in, so no text can look like a header, a mark, a card, a rule or something that happened.

use std::ops::Range;
use std::path::Path;

use cc_proto::text::{clean_line, clean_text};
use ratatui::style::Style;

use super::paint::{Run, run};
use super::{card, words};
use crate::chat::app::Pending;
use crate::chat::theme::{self, Theme};
use crate::chat::types::{Entry, What};
use crate::chat::wrap::{Glyph, fit, glyphs, wrap};
use crate::files::shown_path;
use crate::rpc::FileState;
use crate::when::long_time;

/// Messages of one author within this time stand under one header.
const GROUP_MS: u64 = 5 * 60 * 1000;
/// The most rows of one line of the log: a text of the longest has fewer.
const ROWS_MAX: usize = 60_000;
/// The columns of the sign before a row, and of the blank behind it.
const GUTTER: usize = 2;
/// The longest beginning of an answered message, in characters.
const QUOTE_CHARS_MAX: usize = 200;

/// A row of the screen.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// What is written from the left.
    pub runs: Vec<Run<'static>>,
    /// What stands at the right, where no text of others comes.
    pub mark: Option<Run<'static>>,
    /// Whether the rest is filled with a rule of this style.
    pub rule: Option<Style>,
    /// Whether it belongs to the card of a file.
    pub file: bool,
}

impl Row {
    /// A row of these pieces.
    pub fn of(runs: Vec<Run<'static>>) -> Self {
        Self {
            runs,
            ..Self::default()
        }
    }
}

/// What decides how a line looks beside the line itself.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Colours and signs.
    pub theme: &'a Theme,
    /// How many columns a row has.
    pub columns: usize,
    /// How many of them are kept for marks.
    pub mark_columns: usize,
    /// Whether there is room for blank rows.
    pub airy: bool,
    /// Our own nick.
    pub nick: &'a str,
    /// The last line that was seen before.
    pub seen: Option<u64>,
    /// The line that is selected.
    pub selected: Option<u64>,
    /// The person's own folder, which `~` stands for.
    pub user: Option<&'a Path>,
    /// Our newest message, where there is room to tell how far it has come.
    pub newest_mine: Option<u64>,
}

impl Look<'_> {
    /// The columns for what somebody wrote.
    pub fn text_columns(&self) -> usize {
        self.columns
            .saturating_sub(GUTTER + self.mark_columns)
            .max(2)
    }

    /// A text behind a sign: the sign on each row, and all rows of a line but the first further in by `hang`.
    pub fn behind(&self, gutter: &Run<'static>, runs: &[Run<'_>], hang: usize) -> Vec<Row> {
        let columns = self.text_columns();
        let hang = hang.min(columns / 2);
        let mut texts: Vec<(Vec<Glyph<'_>>, Style)> = Vec::new();
        for run in runs {
            texts.push((glyphs(&run.text), run.style));
        }
        let all: Vec<(&Glyph<'_>, Style)> = texts
            .iter()
            .flat_map(|(glyphs, style)| glyphs.iter().map(move |glyph| (glyph, *style)))
            .collect();
        let flat: Vec<Glyph<'_>> = all.iter().map(|(glyph, _)| (*glyph).clone()).collect();
        // All rows are as narrow as the ones further in: simple, and a card is rarely that wide.
        let rows = wrap(&flat, columns - hang);
        let mut out = Vec::with_capacity(rows.len());
        for (at, range) in rows.into_iter().enumerate() {
            let mut pieces = vec![gutter.clone(), run(" ", Style::new())];
            if at > 0 && hang > 0 {
                pieces.push(run(" ".repeat(hang), Style::new()));
            }
            push_styled(&mut pieces, &all[range]);
            out.push(Row::of(pieces));
        }
        out
    }
}

/// Puts glyphs behind one another, a piece for each change of style.
fn push_styled(pieces: &mut Vec<Run<'static>>, glyphs: &[(&Glyph<'_>, Style)]) {
    let first = pieces.len();
    for (glyph, style) in glyphs {
        if pieces.len() > first
            && let Some(last) = pieces.last_mut()
            && last.style == *style
        {
            last.text.to_mut().push_str(&glyph.symbol);
        } else {
            pieces.push(run(glyph.symbol.to_string(), *style));
        }
    }
}

/// The rows of a line of the log; none where there is nothing to show. `before`: the shown line before it, and the last
/// one before it whose clock can be trusted.
pub fn rows(
    look: &Look<'_>,
    entry: &Entry,
    before: Option<&Entry>,
    dated: Option<&Entry>,
) -> Vec<Row> {
    if entry.what == What::Nothing {
        return Vec::new();
    }
    let mut out = Vec::new();
    let day = words::day_number(entry.ts);
    if !entry.skewed && dated.is_none_or(|dated| words::day_number(dated.ts) != day) {
        out.push(rule(look, &words::day(entry.ts), theme::dim()));
    }
    let unread = look.seen.is_some_and(|seen| {
        entry.n > seen && !entry.mine && before.is_some_and(|before| before.n <= seen)
    });
    if unread {
        out.push(rule(look, "new", look.theme.mention()));
    }
    match &entry.what {
        What::Nothing => {}
        What::System(text) => out.extend(event(look, text)),
        What::Damaged => out.extend(event(look, &format!("line {} is damaged", entry.n))),
        What::TakenBack => {
            let who = words::name(&entry.name);
            let when = words::clock(entry.ts);
            out.extend(event(look, &format!("{who} took a message back, {when}")));
        }
        What::Said(_) | What::Summary(_) | What::File(_) => {
            let grouped = out.is_empty() && before.is_some_and(|before| is_grouped(before, entry));
            if !grouped {
                if look.airy && out.is_empty() && before.is_some() {
                    out.push(Row::default());
                }
                out.push(header(look, entry));
            }
            out.extend(said(look, entry));
        }
    }
    out.extend(foot(look, entry));
    out.truncate(ROWS_MAX);
    out
}

fn is_grouped(before: &Entry, entry: &Entry) -> bool {
    let has_header = matches!(
        before.what,
        What::Said(_) | What::Summary(_) | What::File(_)
    );
    let same =
        before.author == entry.author && before.name == entry.name && before.via == entry.via;
    let clocks = !before.skewed && !entry.skewed && before.ts.abs_diff(entry.ts) <= GROUP_MS;
    let plain = !entry.fork && !before.fork && !matches!(entry.what, What::Summary(_));
    has_header && same && clocks && plain && !matches!(before.what, What::Summary(_))
}

/// `── words ───────`
fn rule(look: &Look<'_>, words: &str, style: Style) -> Row {
    let sign = look.theme.signs().rule;
    Row {
        runs: vec![run(format!("{sign}{sign} {words} "), style)],
        rule: Some(style),
        ..Row::default()
    }
}

/// `— bob joined —`
fn event(look: &Look<'_>, text: &str) -> Vec<Row> {
    let sign = look.theme.signs().event;
    let dim = theme::dim();
    let text = clean_line(text, usize::MAX);
    let glyphs = glyphs(&text);
    let columns = look
        .columns
        .saturating_sub(2 * (sign.len().min(2) + 1))
        .max(2);
    let rows = wrap(&glyphs, columns);
    let last = rows.len() - 1;
    let row = |(at, range): (usize, Range<usize>)| {
        let text: String = glyphs[range].iter().map(|g| g.symbol.as_ref()).collect();
        let lead = if at == 0 { sign } else { " " };
        let end = if at == last { sign } else { "" };
        Row::of(vec![run(format!("{lead} {text} {end}"), dim)])
    };
    rows.into_iter().enumerate().map(row).collect()
}

/// `alice (you)  14:02Z  for you  via claude-code`: what others chose is a name without a space, and comes last.
fn header(look: &Look<'_>, entry: &Entry) -> Row {
    let theme = look.theme;
    let time = if entry.skewed {
        long_time(cc_proto::id::Timestamp(entry.ts))
    } else {
        words::clock(entry.ts)
    };
    let room = look.columns.saturating_sub(time.len() + 2).max(4);
    let mut runs = vec![run(
        fit(&words::name(&entry.name), room),
        theme.person(&entry.author),
    )];
    if entry.mine {
        runs.push(run(" (you)", theme::dim()));
    }
    runs.push(run(format!("  {time}"), theme::dim()));
    if entry.skewed {
        runs.push(run("  clock ahead", theme.warn()));
    }
    if entry.fork {
        runs.push(run("  forked", theme.bad()));
    }
    if matches!(entry.what, What::Summary(_)) {
        runs.push(run("  summed up the room", theme::bold()));
    }
    if entry.for_me {
        runs.push(run("  for you", theme.mention()));
    }
    if let Some(via) = &entry.via {
        let via = clean_line(via, 48);
        runs.push(run(format!("  via {via}"), theme.agent()));
    }
    Row::of(runs)
}

/// What was said or shared, and what it answers.
fn said(look: &Look<'_>, entry: &Entry) -> Vec<Row> {
    let theme = look.theme;
    let signs = theme.signs();
    let mut out = Vec::new();
    if let Some((whom, text)) = &entry.re {
        let text = clean_line(text, QUOTE_CHARS_MAX);
        let room = look.columns.saturating_sub(GUTTER);
        let quote = fit(&format!("{}: {text}", words::name(whom)), room);
        out.push(Row::of(vec![run(
            format!("{} {quote}", signs.answers),
            theme::dim(),
        )]));
    }
    let is_selected = look.selected == Some(entry.n);
    let gutter = |sign: &'static str, style: Style| {
        run(sign, if is_selected { theme::chosen() } else { style })
    };
    let first = out.len();
    match &entry.what {
        What::Said(text) | What::Summary(text) => {
            let gutter = if entry.for_me {
                gutter(signs.for_me, theme.mention())
            } else {
                gutter(signs.said, theme::dim())
            };
            let nick = entry.for_me.then_some(look.nick);
            out.extend(text_rows(look, &gutter, text, nick));
        }
        What::File(file) => {
            out.extend(card::rows(
                look,
                &gutter(signs.file, theme::dim()),
                file,
                entry.id.as_deref(),
            ));
        }
        _ => {}
    }
    if look.mark_columns > 0 && out.len() > first {
        if entry.mine {
            let mark = words::short_mark(&entry.marks, signs);
            let last = out.len() - 1;
            out[last].mark = Some(run(mark, theme.good()));
        } else if entry.for_me {
            out[first].mark = Some(run("@", theme.mention()));
        }
    }
    out
}

/// Each line of a text, broken into rows; `nick` stands out where it is called.
fn text_rows(look: &Look<'_>, gutter: &Run<'static>, text: &str, nick: Option<&str>) -> Vec<Row> {
    let theme = look.theme;
    let text = clean_text(text);
    let text = text.trim_end_matches('\n');
    let mut out = Vec::new();
    for line in text.split('\n') {
        let calls = nick.map_or_else(Vec::new, |nick| calls(line, nick));
        let mut pieces = Vec::new();
        let mut done = 0;
        for call in calls {
            pieces.push(run(&line[done..call.start], theme::plain()));
            pieces.push(run(&line[call.clone()], theme.mention()));
            done = call.end;
        }
        pieces.push(run(&line[done..], theme::plain()));
        out.extend(look.behind(gutter, &pieces, 0));
        if out.len() >= ROWS_MAX {
            break;
        }
    }
    out
}

/// Where a line calls `nick`, in bytes: for the eye only, whether it does was decided elsewhere.
fn calls(line: &str, nick: &str) -> Vec<Range<usize>> {
    let nick: Vec<char> = nick.chars().flat_map(char::to_lowercase).collect();
    if nick.is_empty() {
        return Vec::new();
    }
    let mut out: Vec<Range<usize>> = Vec::new();
    for (at, _) in line.match_indices('@') {
        let mut wanted = nick.iter();
        let mut end = at + 1;
        let mut next = wanted.next();
        for c in line[at + 1..].chars() {
            let Some(first) = next else { break };
            let mut lower = c.to_lowercase();
            if lower.next() != Some(*first) || !lower.all(|c| wanted.next() == Some(&c)) {
                break;
            }
            end += c.len_utf8();
            next = wanted.next();
        }
        if next.is_none() && out.last().is_none_or(|last| last.end <= at) {
            out.push(at..end);
        }
    }
    out
}

/// How far it has come: of our newest message in short, of the one that is selected all that is known.
fn foot(look: &Look<'_>, entry: &Entry) -> Vec<Row> {
    let theme = look.theme;
    let signs = theme.signs();
    let mut lines = Vec::new();
    let is_selected = look.selected == Some(entry.n);
    if is_selected {
        if entry.mine {
            lines.extend(words::long_mark(&entry.marks, signs));
        }
        if let Some(path) = here(entry) {
            lines.push(format!("{}  (/copy copies it)", shown_path(path)));
        }
        let when = long_time(cc_proto::id::Timestamp(entry.ts));
        lines.push(format!("line {}, {when}", entry.n));
    } else if look.newest_mine == Some(entry.n) && is_marked(entry) {
        lines.push(words::mark(&entry.marks, signs));
    }
    let gutter = run(signs.foot, theme::dim());
    let mut out = Vec::new();
    for line in lines {
        if is_selected {
            out.extend(look.behind(&gutter, &[run(line, theme::dim())], 2));
        } else {
            // One row: in a small window the message itself matters more.
            let line = fit(&line, look.columns.saturating_sub(GUTTER));
            out.push(Row::of(vec![
                gutter.clone(),
                run(format!(" {line}"), theme::dim()),
            ]));
        }
    }
    out
}

/// Where a file is that is here.
fn here(entry: &Entry) -> Option<&Path> {
    match &entry.what {
        What::File(card) if card.state == FileState::Here => card.path.as_deref(),
        _ => None,
    }
}

/// Whether it is something of ours whose way is told of.
pub fn is_marked(entry: &Entry) -> bool {
    entry.mine && matches!(entry.what, What::Said(_) | What::Summary(_) | What::File(_))
}

/// The rows of something typed that is not known to be on disk.
///
/// `is_first`: nothing stands above it; `is_next`: what does waits just the same, so it needs no header of its own.
pub fn pending_rows(look: &Look<'_>, pending: &Pending, is_first: bool, is_next: bool) -> Vec<Row> {
    let theme = look.theme;
    let signs = theme.signs();
    let mut out = Vec::new();
    if !is_next {
        if look.airy && !is_first {
            out.push(Row::default());
        }
        let state = match pending.fault {
            None => run(format!("  sending{}", signs.running), theme::dim()),
            Some(_) => run("  not sent", theme.bad()),
        };
        // Before anybody has let us in there may be no nick.
        let mut header = if look.nick.is_empty() {
            vec![run("you", theme::bold())]
        } else {
            vec![
                run(words::name(look.nick), theme::bold()),
                run(" (you)", theme::dim()),
            ]
        };
        header.push(state);
        out.push(Row::of(header));
    }
    let gutter = run(signs.said, theme::dim());
    out.extend(text_rows(look, &gutter, &pending.text, None));
    if let Some(fault) = &pending.fault {
        let gutter = run(signs.foot, theme.bad());
        let fault = clean_line(fault, 400);
        out.extend(look.behind(&gutter, &[run(fault, theme.bad())], 2));
    }
    out.truncate(ROWS_MAX);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_line_calls_somebody() {
        let found = |line: &str| -> Vec<String> {
            let found = calls(line, "Zoë");
            found.into_iter().map(|at| line[at].to_owned()).collect()
        };
        assert_eq!(found("hey @zoë and @ZOË!"), ["@zoë", "@ZOË"]);
        assert_eq!(found("@zo @ @@zoë"), ["@zoë"]);
        assert!(calls("@x", "").is_empty());
    }
}
