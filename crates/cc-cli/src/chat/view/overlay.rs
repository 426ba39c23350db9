//! What lies over the messages: text, a ticket, what was found, a question; and words that go by.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::paint::{Run, clear, fill, put, put_runs, run};
use super::screen::{Drawn, Found, Over, Screen};
use super::{lists, words};
use crate::chat::theme::{self, Depth};
use crate::chat::wrap::{fit, glyphs, width, wrap};

/// The widest that lines are read with ease.
const COLUMNS_MAX: u16 = 84;
/// At most so many words that go by are on the screen.
const TOASTS_MAX: usize = 3;

/// Draws what lies over the messages, within `area`.
pub fn draw(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
    let Some(over) = &screen.overlay else { return };
    match over {
        Over::Text {
            title,
            lines,
            scroll,
        } => {
            let lines = text(lines, inner_columns(area));
            pager(screen, area, title, &lines, *scroll, buffer, drawn);
        }
        Over::Ticket { ticket, qr, note } => {
            let lines = super::ticket::lines(screen, ticket, qr, note, area);
            let title = "ticket: a secret that lets people in";
            pager(screen, area, title, &lines, 0, buffer, drawn);
        }
        Over::Hits(found) => hits(screen, found, area, buffer, drawn),
        Over::Confirm { question } => {
            let mut lines = text(question, inner_columns(area));
            lines.push(vec![
                run("y", theme::bold()),
                run(", Enter: yes, else no", theme::plain()),
            ]);
            question_box(screen, area, lines, buffer, drawn);
        }
    }
}

/// A question: however little room there is, its last line tells the answers.
fn question_box(
    screen: &Screen<'_>,
    area: Rect,
    mut lines: Vec<Vec<Run<'static>>>,
    buffer: &mut Buffer,
    drawn: &mut Drawn,
) {
    if lines.len() + 2 <= usize::from(area.height) {
        pager(screen, area, "a question", &lines, 0, buffer, drawn);
        return;
    }
    let fits = usize::from(area.height).max(1);
    if lines.len() > fits {
        let answers = lines.pop();
        lines.truncate(fits - 1);
        lines.extend(answers);
    }
    clear(buffer, area);
    drawn.overlay = Some(area);
    for (y, line) in (area.top()..area.bottom()).zip(&lines) {
        put_runs(buffer, (area.x, y), area.right().saturating_sub(1), line);
    }
}

/// The columns of text within a frame.
fn inner_columns(area: Rect) -> usize {
    usize::from(area.width.min(COLUMNS_MAX).saturating_sub(4)).max(2)
}

/// An edge around `rows` rows at most, with a title; gives what is inside.
fn frame(
    screen: &Screen<'_>,
    area: Rect,
    title: &str,
    rows: u16,
    buffer: &mut Buffer,
    drawn: &mut Drawn,
) -> Rect {
    let theme = screen.theme;
    let signs = theme.signs();
    let height = rows.saturating_add(2).min(area.height);
    let columns = area.width.min(COLUMNS_MAX);
    let outer = Rect::new(
        area.x + (area.width - columns) / 2,
        area.bottom() - height,
        columns,
        height,
    );
    clear(buffer, outer);
    drawn.overlay = Some(outer);
    // Too small for an edge: what it says matters more.
    if height < 3 || columns < 8 {
        return outer;
    }
    for y in [outer.top(), outer.bottom() - 1] {
        fill(
            buffer,
            (outer.x, y),
            outer.right(),
            signs.rule,
            theme::dim(),
        );
    }
    for y in outer.top() + 1..outer.bottom() - 1 {
        put(
            buffer,
            (outer.x, y),
            outer.right(),
            signs.between,
            theme::dim(),
        );
        let right = outer.right() - 1;
        put(
            buffer,
            (right, y),
            outer.right(),
            signs.between,
            theme::dim(),
        );
    }
    let title = fit(title, usize::from(columns - 6));
    let title = format!(" {title} ");
    put(
        buffer,
        (outer.x + 2, outer.y),
        outer.right() - 1,
        &title,
        theme::bold(),
    );
    Rect::new(outer.x + 2, outer.y + 1, columns - 4, height - 2)
}

/// Lines in a frame, from one on.
fn pager(
    screen: &Screen<'_>,
    area: Rect,
    title: &str,
    lines: &[Vec<Run<'static>>],
    scroll: u16,
    buffer: &mut Buffer,
    drawn: &mut Drawn,
) {
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let inner = frame(screen, area, title, count, buffer, drawn);
    let rest = count.saturating_sub(inner.height);
    drawn.overlay_rest = rest;
    let shown = lines.iter().skip(usize::from(scroll.min(rest)));
    for (y, line) in (inner.top()..inner.bottom()).zip(shown) {
        put_runs(buffer, (inner.x, y), inner.right(), line);
    }
    let Some(outer) = drawn.overlay.filter(|outer| *outer != inner) else {
        return;
    };
    let foot = if rest > 0 {
        format!(" {} of {rest}, PgUp PgDn, Esc closes ", scroll.min(rest))
    } else {
        " Esc closes ".to_owned()
    };
    let right = outer.right() - 1;
    if width(&foot) + 2 < usize::from(outer.width) {
        super::paint::put_right(
            buffer,
            (outer.x + 1, outer.bottom() - 1),
            right,
            &foot,
            theme::dim(),
        );
    }
}

/// Lines of text broken into rows; a second row is further in.
fn text(lines: &[String], columns: usize) -> Vec<Vec<Run<'static>>> {
    let style = theme::plain();
    let mut out = Vec::new();
    for line in lines {
        for (at, row) in rows_of(line, columns.saturating_sub(2).max(2))
            .into_iter()
            .enumerate()
        {
            let lead = if at > 0 { "  " } else { "" };
            out.push(vec![run(format!("{lead}{row}"), style)]);
        }
    }
    out
}

fn rows_of(line: &str, columns: usize) -> Vec<String> {
    let glyphs = glyphs(line);
    let rows = wrap(&glyphs, columns);
    let row = |range: std::ops::Range<usize>| {
        let row = glyphs[range].iter().map(|glyph| glyph.symbol.as_ref());
        row.collect()
    };
    rows.into_iter().map(row).collect()
}

/// What was found, the chosen hit among it.
fn hits(
    screen: &Screen<'_>,
    found: &Found<'_>,
    area: Rect,
    buffer: &mut Buffer,
    drawn: &mut Drawn,
) {
    let theme = screen.theme;
    let title = match (found.running, found.of) {
        (true, of) => format!(
            "searching: {} of {} lines",
            words::count(found.looked),
            words::count(of)
        ),
        (false, _) if found.text.is_empty() => "search".to_owned(),
        (false, _) => {
            let more = if found.more { " or more" } else { "" };
            let one = if found.hits.len() == 1 { "" } else { "s" };
            format!("{}{more} hit{one}", found.hits.len())
        }
    };
    let rows = u16::try_from(found.hits.len().max(1)).unwrap_or(u16::MAX);
    let inner = frame(screen, area, &title, rows, buffer, drawn);
    if found.hits.is_empty() {
        let words = if found.running {
            "nothing yet"
        } else if found.text.is_empty() {
            "Type what to look for, then Enter."
        } else {
            "Nothing in this room has that."
        };
        put(
            buffer,
            (inner.x, inner.y),
            inner.right(),
            words,
            theme::dim(),
        );
        return;
    }
    let from = lists::first_shown(found.at, found.hits.len(), usize::from(inner.height));
    let shown = found.hits.iter().enumerate().skip(from);
    for (y, (index, hit)) in (inner.top()..inner.bottom()).zip(shown) {
        let is_chosen = index == found.at;
        let lead = if is_chosen {
            theme.signs().current
        } else {
            " "
        };
        let day = words::day(hit.ts);
        let date = day.split(' ').next_back().unwrap_or_default();
        let when = format!("{lead} {date} {} ", words::clock(hit.ts));
        let style = if is_chosen {
            theme::bold()
        } else {
            theme::dim()
        };
        let x = put(buffer, (inner.x, y), inner.right(), &when, style);
        let name = format!("{}: ", words::name(&hit.name));
        let x = put(buffer, (x, y), inner.right(), &name, theme::bold());
        let text = cc_proto::text::clean_line(&hit.text, 400);
        let room = usize::from(inner.right().saturating_sub(x));
        marked(
            buffer,
            (x, y),
            inner.right(),
            &fit(&text, room),
            found.text,
            screen,
        );
        drawn
            .hits
            .push((Rect::new(inner.x, y, inner.width, 1), index));
    }
    let rest = found.hits.len().saturating_sub(usize::from(inner.height));
    drawn.overlay_rest = u16::try_from(rest).unwrap_or(u16::MAX);
}

/// A line in which what was looked for stands out.
fn marked(
    buffer: &mut Buffer,
    at: (u16, u16),
    end: u16,
    text: &str,
    wanted: &str,
    screen: &Screen<'_>,
) {
    let theme = screen.theme;
    let lower = text.to_lowercase();
    // Where lower case has as many bytes, what is at one place of it is at the same place of the text.
    let found = (lower.len() == text.len() && !wanted.is_empty())
        .then(|| lower.find(&wanted.to_lowercase()))
        .flatten()
        .map(|from| from..from + wanted.to_lowercase().len())
        .filter(|range| text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
    let Some(range) = found else {
        put(buffer, at, end, text, theme::plain());
        return;
    };
    let pieces = [
        run(&text[..range.start], theme::plain()),
        run(&text[range.clone()], theme.mention()),
        run(&text[range.end..], theme::plain()),
    ];
    put_runs(buffer, at, end, &pieces);
}

/// Words that go by themselves, at the top right.
pub fn toasts(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer) {
    let theme = screen.theme;
    let fits = usize::from(area.height / 3).clamp(1, TOASTS_MAX);
    let newest = screen.toasts.iter().rev();
    let newest = newest.filter(|toast| toast.until_ms >= screen.now_ms);
    let columns = usize::from(area.width.saturating_sub(4).min(60)).max(2);
    let mut y = area.top();
    for toast in newest.take(fits) {
        let text = cc_proto::text::clean_line(&toast.text, 240);
        let style = if toast.bad {
            theme.bad()
        } else {
            theme::bold()
        };
        let sign = if toast.bad { "! " } else { "" };
        for row in rows_of(&format!("{sign}{text}"), columns) {
            if y + 1 >= area.bottom() && y > area.top() {
                return;
            }
            let row = format!(" {row} ");
            let end = area.right().saturating_sub(1);
            let start = end.saturating_sub(width(&row) as u16).max(area.x);
            clear(buffer, Rect::new(start, y, end.saturating_sub(start), 1));
            let style = Style {
                fg: style.fg,
                ..theme::chosen()
            };
            put(buffer, (start, y), end, &row, style);
            y += 1;
        }
    }
}

/// Black on white of fixed places of the cube, where there is one: readers want a dark code on light.
pub const fn qr_style(depth: Depth) -> Style {
    match depth {
        Depth::Cube => Style::new().fg(Color::Indexed(231)).bg(Color::Indexed(16)),
        _ => Style::new(),
    }
}
