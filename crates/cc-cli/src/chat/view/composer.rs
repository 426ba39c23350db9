//! The text being typed, and what stands about it.

use cc_proto::limits::TEXT_BYTES_MAX;
use cc_proto::text::clean_line;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::areas::PROMPT;
use super::paint::{clear, put};
use super::screen::{Drawn, Screen};
use super::words;
use crate::chat::theme;
use crate::chat::wrap::{fit, width};

/// From this share of the limit on the bytes are told, in quarters.
const TOLD_FROM_QUARTERS: usize = 3;
/// The most choices that are shown at once.
const CHOICES_MAX: u16 = 8;

/// How many bytes there are, where the limit is near.
pub fn counter(screen: &Screen<'_>) -> Option<(String, Style)> {
    let bytes = screen.composer.bytes;
    if bytes < TEXT_BYTES_MAX / 4 * TOLD_FROM_QUARTERS {
        return None;
    }
    let text = format!(
        " {} of {} bytes",
        words::count(bytes as u64),
        words::count(TEXT_BYTES_MAX as u64)
    );
    let style = if bytes > TEXT_BYTES_MAX {
        screen.theme.bad()
    } else {
        screen.theme.warn()
    };
    Some((text, style))
}

/// Whether there is something to say above the text.
pub fn is_about(screen: &Screen<'_>) -> bool {
    screen.composer.answers.is_some()
}

/// What is answered.
pub fn about(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer) {
    let Some((whom, text)) = screen.composer.answers else {
        return;
    };
    let theme = screen.theme;
    let end = area.right().saturating_sub(1);
    let lead = format!(
        "{} answering {} (Esc: not): ",
        theme.signs().answers,
        words::name(whom)
    );
    let x = put(buffer, (area.x, area.y), end, &lead, theme::bold());
    let text = fit(&clean_line(text, 200), usize::from(end.saturating_sub(x)));
    put(buffer, (x, area.y), end, &text, theme::dim());
}

/// The text with its cursor.
pub fn draw(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
    drawn.composer = area;
    if area.is_empty() {
        return;
    }
    let composer = &screen.composer;
    let end = area.right().saturating_sub(1).max(area.x + 1);
    let prompt = match composer.label {
        Some(label) => format!("{}: ", clean_line(label, 12)),
        None => "> ".to_owned(),
    };
    let prompt_columns = width(&prompt) as u16;
    // In a terminal of three columns there is text rather than a prompt.
    let left = if area.width > prompt_columns + 2 {
        area.x + prompt_columns
    } else {
        area.x
    };
    let is_empty = composer.rows.iter().all(String::is_empty) && composer.total_rows <= 1;
    let first = first_row(composer.cursor.0, composer.rows.len(), area.height);
    let rows = composer.rows.iter().enumerate().skip(first);
    for (y, (index, row)) in (area.top()..area.bottom()).zip(rows) {
        if left > area.x && index == 0 && composer.first_row == 0 {
            put(buffer, (area.x, y), left, &prompt, theme::bold());
        }
        // The editor counts a tab as one column.
        put(
            buffer,
            (left, y),
            end,
            &row.replace('\t', " "),
            theme::plain(),
        );
    }
    if is_empty {
        if left > area.x {
            put(buffer, (area.x, area.y), left, &prompt, theme::bold());
        }
        let hint = fit(
            composer.hint,
            usize::from(end.saturating_sub(left)).saturating_sub(1),
        );
        put(buffer, (left + 1, area.y), end, &hint, theme::dim());
    }
    let (row, column) = composer.cursor;
    let row = usize::from(row).saturating_sub(first) as u16;
    drawn.cursor = Some(Position {
        x: left.saturating_add(column).min(area.right() - 1),
        y: area.y + row.min(area.height - 1),
    });
}

/// The first of the rows that is drawn where there is less room than was told: the cursor's is among them.
fn first_row(cursor: u16, rows: usize, height: u16) -> usize {
    let height = usize::from(height);
    if rows <= height {
        return 0;
    }
    (usize::from(cursor) + 1).saturating_sub(height)
}

/// What can be completed, above the text.
pub fn completion(screen: &Screen<'_>, above: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
    let Some(completion) = &screen.completion else {
        return;
    };
    let theme = screen.theme;
    let rows = CHOICES_MAX
        .min(completion.choices.len() as u16)
        .min(above.height);
    if rows == 0 || above.width < 8 {
        return;
    }
    let shown = super::lists::first_shown(
        completion.chosen,
        completion.choices.len(),
        usize::from(rows),
    );
    let choices = completion.choices.iter().enumerate().skip(shown);
    let choices: Vec<_> = choices.take(usize::from(rows)).collect();
    let columns = |choice: &super::screen::Choice| {
        let aside = width(&choice.aside);
        width(&choice.text) + aside + if aside > 0 { 5 } else { 3 }
    };
    let widest = choices.iter().map(|(_, choice)| columns(choice)).max();
    let columns = widest.unwrap_or(0).clamp(8, usize::from(above.width - 1)) as u16;
    let area = Rect::new(above.x, above.bottom() - rows, columns, rows);
    // Whole rows: beside a candidate the rest of a line would read as if it belonged to it.
    let whole = Rect {
        width: above.width,
        ..area
    };
    clear(buffer, whole);
    for (y, (index, choice)) in (area.top()..area.bottom()).zip(choices) {
        let is_chosen = index == completion.chosen;
        let (text, aside) = if is_chosen {
            (theme::chosen(), theme::chosen())
        } else {
            (theme::plain(), theme::dim())
        };
        // Meaning never by colour alone.
        let lead = if is_chosen {
            theme.signs().current
        } else {
            " "
        };
        super::paint::fill(buffer, (area.x, y), area.right(), " ", text);
        let x = put(buffer, (area.x, y), area.right(), lead, text);
        let x = put(buffer, (x, y), area.right(), &choice.text, text);
        if !choice.aside.is_empty() {
            put(buffer, (x + 2, y), area.right(), &choice.aside, aside);
        }
        let edge = area.right() - 1;
        put(
            buffer,
            (edge, y),
            area.right(),
            theme.signs().between,
            theme::dim(),
        );
        drawn
            .choices
            .push((Rect::new(area.x, y, area.width, 1), index));
    }
}

/// The columns before the text, where there is a label in place of the prompt: the editor is told of fewer columns then.
pub fn prompt_columns(label: Option<&str>) -> u16 {
    label.map_or(PROMPT, |label| width(&clean_line(label, 12)) as u16 + 2)
}
