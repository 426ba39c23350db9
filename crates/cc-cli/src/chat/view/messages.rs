//! The messages: which of them are on the screen, and where. Only those near it are laid out, however many are loaded.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::entry::{self, Look, Row};
use super::paint::{fill, put, put_right, put_runs};
use super::screen::{Drawn, Screen, Scroll};
use crate::chat::theme;
use crate::chat::types::{Entry, What};

/// From this width on marks have columns of their own.
const MARKS_FROM: u16 = 32;
/// The columns of a mark, and of the blank before it.
const MARK_COLUMNS: usize = 3;
/// From this height on there are blank rows.
const AIRY_FROM: u16 = 12;
/// From this height on our newest message has a row that tells how far it has come.
const FOOT_FROM: u16 = 5;
/// How far back is looked for our newest message, and for a line whose clock can be trusted.
const LOOK_BACK: usize = 200;
/// The most pages to move by at once; farther is a jump.
const PAGES_MAX: i64 = 64;

/// Draws the messages of the room and says where each is.
pub fn draw(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
    drawn.messages = area;
    drawn.scroll = screen.scroll;
    if area.is_empty() {
        return;
    }
    let mut window = Window::new(screen, area);
    if window.items() == 0 {
        drawn.scroll = Scroll::default();
        drawn.at_top = true;
        drawn.at_end = true;
        empty(screen, area, buffer);
        return;
    }
    let end = window.moved();
    let page = window.page(end);
    window.paint(&page, area, buffer, drawn);
    #[cfg(test)]
    {
        drawn.laid_out = window.rows.len();
    }
}

/// What stands there before anything was said.
fn empty(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer) {
    let lines: &[&str] = if screen.opened && !screen.loading && !screen.has_older {
        &[
            "Nothing has been said yet.",
            "Type, and press Enter.",
            "/invite shows the ticket that lets others in; F1 helps.",
        ]
    } else {
        &["loading"]
    };
    let top = area.bottom().saturating_sub(lines.len() as u16);
    for (y, line) in (top.max(area.top())..area.bottom()).zip(lines) {
        let end = area.right().saturating_sub(1);
        put(buffer, (area.x, y), end, line, theme::dim());
    }
}

/// The place of a row: the item, and which of its rows. The end of a page is the row behind its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    item: usize,
    /// How many rows of the item are above the end.
    rows: usize,
}

/// The loaded lines and what waits behind them, laid out as far as was needed.
struct Window<'a> {
    screen: &'a Screen<'a>,
    look: Look<'a>,
    height: usize,
    rows: HashMap<usize, Vec<Row>>,
}

impl<'a> Window<'a> {
    fn new(screen: &'a Screen<'a>, area: Rect) -> Self {
        let mine = screen.entries.iter().rev();
        let look = Look {
            theme: screen.theme,
            columns: usize::from(area.width.saturating_sub(1)),
            mark_columns: if area.width >= MARKS_FROM {
                MARK_COLUMNS
            } else {
                0
            },
            airy: area.height >= AIRY_FROM,
            nick: screen
                .rooms
                .get(screen.current)
                .map_or("", |room| room.nick.as_str()),
            seen: screen.seen,
            selected: screen.selected,
            user: screen.user,
            newest_mine: mine
                .take(if area.height >= FOOT_FROM {
                    LOOK_BACK
                } else {
                    0
                })
                .filter(|entry| entry::is_marked(entry))
                .map(|entry| entry.n)
                .next(),
        };
        Self {
            screen,
            look,
            height: usize::from(area.height),
            rows: HashMap::new(),
        }
    }

    /// Entries, and behind the newest what is not on disk yet.
    fn items(&self) -> usize {
        let pending = if self.screen.has_newer {
            0
        } else {
            self.screen.pending.len()
        };
        self.screen.entries.len() + pending
    }

    fn entry(&self, item: usize) -> Option<&'a Entry> {
        self.screen.entries.get(item)
    }

    /// The rows of an item, laid out once a frame.
    fn rows(&mut self, item: usize) -> &[Row] {
        if !self.rows.contains_key(&item) {
            let rows = self.lay_out(item);
            self.rows.insert(item, rows);
        }
        &self.rows[&item]
    }

    fn lay_out(&self, item: usize) -> Vec<Row> {
        let entries = self.screen.entries;
        let Some(entry) = entries.get(item) else {
            let at = item - entries.len();
            let pending = &self.screen.pending[at];
            let is_stored = pending.n.is_some_and(|n| self.item_of(n).is_ok());
            return if is_stored {
                Vec::new()
            } else {
                let before = at.checked_sub(1).and_then(|at| self.screen.pending.get(at));
                let is_next = before.is_some_and(|before| {
                    before.n.is_none() && before.fault.is_none() && pending.fault.is_none()
                });
                entry::pending_rows(&self.look, pending, item == 0, is_next)
            };
        };
        let shown = entries
            .range(item.saturating_sub(LOOK_BACK)..item)
            .rev()
            .filter(|before| before.what != What::Nothing);
        let dated = shown.clone().find(|before| !before.skewed);
        entry::rows(&self.look, entry, shown.clone().next(), dated)
    }

    fn item_of(&self, n: u64) -> Result<usize, usize> {
        self.screen
            .entries
            .binary_search_by_key(&n, |entry| entry.n)
    }

    /// Where the newest row ends.
    fn newest(&mut self) -> End {
        let item = self.items() - 1;
        End {
            item,
            rows: self.rows(item).len(),
        }
    }

    /// Where the page ends after all that was asked for.
    fn moved(&mut self) -> End {
        let mut end = match self.screen.scroll.bottom {
            None => self.newest(),
            Some(n) => {
                let item = self.item_of(n).unwrap_or_else(|near| near);
                let item = item.min(self.items() - 1);
                let below = usize::from(self.screen.scroll.below);
                let rows = self.rows(item).len();
                End {
                    item,
                    // A line that takes fewer rows than before is still there with one.
                    rows: rows.saturating_sub(below).max(1.min(rows)),
                }
            }
        };
        let motion = self.screen.motion;
        let page = i64::try_from(self.height)
            .unwrap_or(1)
            .saturating_sub(1)
            .max(1);
        let rows = i64::from(motion.rows) + i64::from(motion.pages).saturating_mul(page);
        let rows = rows.clamp(-PAGES_MAX * page, PAGES_MAX * page);
        end = if rows >= 0 {
            self.up(end, rows as usize)
        } else {
            self.down(end, rows.unsigned_abs() as usize)
        };
        if let Some(n) = motion.show {
            end = self.showing(n, end);
        }
        // No blank rows at the top while there is something below.
        let above = self.rows_above(end);
        if above < self.height {
            end = self.down(end, self.height - above);
        }
        end
    }

    fn up(&mut self, mut end: End, mut by: usize) -> End {
        loop {
            if by <= end.rows {
                end.rows -= by;
            } else if end.item > 0 {
                by -= end.rows;
                end.item -= 1;
                end.rows = self.rows(end.item).len();
                continue;
            } else {
                end.rows = 0;
            }
            // The end of a page is behind a row, not before an item.
            while end.rows == 0 && end.item > 0 {
                end.item -= 1;
                end.rows = self.rows(end.item).len();
            }
            return end;
        }
    }

    fn down(&mut self, mut end: End, mut by: usize) -> End {
        loop {
            let below = self.rows(end.item).len() - end.rows;
            if by <= below {
                end.rows += by;
                return end;
            }
            by -= below;
            if end.item + 1 >= self.items() {
                end.rows += below;
                return end;
            }
            end.item += 1;
            end.rows = 0;
        }
    }

    /// How many rows there are above an end, as far as a page cares.
    fn rows_above(&mut self, end: End) -> usize {
        let mut above = end.rows;
        let mut item = end.item;
        while above < self.height && item > 0 {
            item -= 1;
            above += self.rows(item).len();
        }
        above
    }

    /// The end with which the line `n` is on the screen: as it was if it is already, else with the line in the middle.
    fn showing(&mut self, n: u64, end: End) -> End {
        let item = self.item_of(n).unwrap_or_else(|near| near);
        let item = item.min(self.items() - 1);
        let rows = self.rows(item).len();
        let page = self.page(end);
        let visible = page.iter().filter(|(on, _)| *on == item).count();
        // Of a line too long for a page the beginning counts.
        if visible > 0 && (visible == rows || (rows > self.height && page.contains(&(item, 0)))) {
            return end;
        }
        let bottom = End { item, rows };
        if rows >= self.height {
            // Too long for a page: from its beginning.
            return self.up(bottom, rows - self.height);
        }
        self.down(bottom, (self.height - rows) / 2)
    }

    /// The rows of the page that ends there, the first one first.
    fn page(&mut self, end: End) -> Vec<(usize, usize)> {
        let mut page = Vec::with_capacity(self.height);
        let (mut item, mut rows) = (end.item, end.rows);
        while page.len() < self.height {
            if rows > 0 {
                rows -= 1;
                page.push((item, rows));
            } else if item > 0 {
                item -= 1;
                rows = self.rows(item).len();
            } else {
                break;
            }
        }
        page.reverse();
        page
    }

    fn paint(
        &mut self,
        page: &[(usize, usize)],
        area: Rect,
        buffer: &mut Buffer,
        drawn: &mut Drawn,
    ) {
        let first_y = area.bottom() - page.len() as u16;
        for (y, (item, at)) in (first_y..area.bottom()).zip(page) {
            let row = self.rows(*item)[*at].clone();
            self.paint_row(&row, y, area, buffer);
            let place = Rect::new(area.x, y, area.width, 1);
            let Some(n) = self.entry(*item).map(|entry| entry.n) else {
                continue;
            };
            extend(&mut drawn.entries, place, n);
            if row.file {
                extend(&mut drawn.files, place, n);
            }
        }
        let (first, last) = (drawn.entries.first(), drawn.entries.last());
        drawn.shown = first.map(|(_, n)| *n).zip(last.map(|(_, n)| *n));
        drawn.at_top = match page.first() {
            None => true,
            Some((item, at)) => {
                *at == 0
                    && (0..*item).rev().take(LOOK_BACK).all(|before| {
                        self.entry(before)
                            .is_some_and(|entry| entry.what == What::Nothing)
                    })
            }
        };
        let last = page.last().copied();
        let at_end = match last {
            None => true,
            Some((item, at)) => {
                at + 1 == self.rows(item).len()
                    && (item + 1..self.items()).take(LOOK_BACK).all(|behind| {
                        self.entry(behind)
                            .is_some_and(|entry| entry.what == What::Nothing)
                            || self.rows(behind).is_empty()
                    })
            }
        };
        drawn.at_end = at_end;
        drawn.scroll = match last {
            Some((item, at)) if !at_end || self.screen.has_newer => {
                let below = (self.rows(item).len() - at - 1) as u16;
                let n = self.entry(item).or_else(|| self.screen.entries.back());
                Scroll {
                    bottom: n.map(|entry| entry.n),
                    below,
                }
            }
            _ => Scroll::default(),
        };
    }

    fn paint_row(&self, row: &Row, y: u16, area: Rect, buffer: &mut Buffer) {
        // The last column stays free: a glyph that a terminal draws wider than it is cannot break the row there.
        let end = area.right().saturating_sub(1);
        let marks = self.look.mark_columns as u16;
        let x = put_runs(buffer, (area.x, y), end, &row.runs);
        if let Some(style) = row.rule {
            fill(buffer, (x, y), end, self.look.theme.signs().rule, style);
        }
        if let Some(mark) = &row.mark {
            let start = end.saturating_sub(marks.saturating_sub(1)).max(area.x);
            put_right(buffer, (start, y), end, &mark.text, mark.style);
        }
    }
}

/// Adds a row to the area of an entry, which is the last one or a new one.
fn extend(areas: &mut Vec<(Rect, u64)>, place: Rect, n: u64) {
    match areas.last_mut() {
        Some((area, last)) if *last == n => area.height += 1,
        _ => areas.push((place, n)),
    }
}

/// Says that the view is not at the end: what there is below, at the right of the last row.
pub fn below(screen: &Screen<'_>, drawn: &Drawn, buffer: &mut Buffer) {
    let area = drawn.messages;
    if area.is_empty() || drawn.scroll.bottom.is_none() {
        return;
    }
    let text = match screen.news {
        0 => " more below: Ctrl+End ".to_owned(),
        1 => " 1 new message below: Ctrl+End ".to_owned(),
        news => format!(" {news} new messages below: Ctrl+End "),
    };
    let y = area.bottom() - 1;
    let end = area.right().saturating_sub(1);
    let start = end.saturating_sub(text.len() as u16).max(area.x);
    super::paint::clear(buffer, Rect::new(start, y, end - start, 1));
    let style: Style = theme::chosen();
    put(buffer, (start, y), end, &text, style);
}
