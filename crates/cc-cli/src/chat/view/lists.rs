//! The rooms and the members, beside the messages.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Run, fill, put, put_right, put_runs, run};
use super::screen::{Drawn, Screen};
use super::words;
use crate::chat::theme::{self, Theme};
use crate::chat::types::{Member, RoomEntry};
use crate::chat::wrap::{fit, width};
use crate::rpc::{State, Trust};

/// The list of rooms at the left, with its edge.
pub fn rooms(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
    let theme = screen.theme;
    let signs = theme.signs();
    let edge = area.right().saturating_sub(2);
    for y in area.top()..area.bottom() {
        put(buffer, (edge, y), area.right(), signs.between, theme::dim());
    }
    put(buffer, (area.x, area.y), edge, "rooms", theme::bold());
    let list = area.height.saturating_sub(1);
    let from = first_shown(screen.current, screen.rooms.len(), usize::from(list));
    let shown = screen.rooms.iter().enumerate().skip(from);
    for (y, (index, room)) in (area.y + 1..area.bottom()).zip(shown) {
        let is_current = index == screen.current;
        let (lead, style) = if is_current {
            (signs.current, theme::bold())
        } else {
            (" ", theme::plain())
        };
        let aside = aside(room, is_current, *theme);
        let asides: usize = aside.iter().map(|piece| width(&piece.text)).sum();
        let x = put(buffer, (area.x, y), edge, lead, style);
        let room_columns = usize::from(edge.saturating_sub(x + 1));
        let name = fit(
            &room.name,
            room_columns.saturating_sub(if asides > 0 { asides + 2 } else { 0 }),
        );
        put(buffer, (x + 1, y), edge, &name, style);
        let start = edge.saturating_sub(asides as u16 + 1);
        put_runs(buffer, (start.max(x), y), edge, &aside);
        drawn
            .rooms
            .push((Rect::new(area.x, y, area.width.saturating_sub(1), 1), index));
    }
}

/// What stands beside a room's name: whether we belong, else what is unread.
fn aside(room: &RoomEntry, is_current: bool, theme: Theme) -> Vec<Run<'static>> {
    let word = match room.state {
        State::Joining => Some("joining"),
        State::Removed => Some("removed"),
        State::Left => Some("left"),
        State::Joined => None,
    };
    if let Some(word) = word {
        return vec![run(word, theme.warn())];
    }
    let mut out = Vec::new();
    if room.mentions > 0 && !is_current {
        out.push(run(format!("@{} ", room.mentions), theme.mention()));
    }
    if room.unread > 0 && !is_current {
        out.push(run(words::count(room.unread), theme::bold()));
    } else if out.is_empty() && room.online <= 1 && room.members > 1 && !room.looking {
        out.push(run("alone", theme::dim()));
    }
    out
}

/// The first of a list that is shown, so that the chosen one is.
pub fn first_shown(chosen: usize, count: usize, fits: usize) -> usize {
    if count <= fits {
        return 0;
    }
    (chosen + 1).saturating_sub(fits.max(1))
}

/// The rooms in one line.
pub fn tabs(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
    let theme = screen.theme;
    let end = area.right().saturating_sub(1);
    let label = |(index, room): (usize, &&RoomEntry)| {
        let is_current = index == screen.current;
        let name = fit(&room.name, 16);
        let pieces = if is_current {
            vec![run(format!("[{name}]"), theme::bold())]
        } else {
            let mut pieces = vec![run(format!(" {name}"), theme::plain())];
            let aside = aside(room, is_current, *theme);
            if !aside.is_empty() {
                pieces.push(run(" ", theme::plain()));
                pieces.extend(aside);
            }
            pieces
        };
        let columns: usize = pieces.iter().map(|piece| width(&piece.text)).sum();
        (index, pieces, columns)
    };
    let labels: Vec<_> = screen.rooms.iter().enumerate().map(label).collect();
    let mut from = 0;
    let upto = |from: usize| -> usize {
        let shown = labels.iter().take(screen.current + 1).skip(from);
        shown.map(|(_, _, columns)| columns + 1).sum()
    };
    while from < screen.current && upto(from) > usize::from(end - area.x) {
        from += 1;
    }
    let mut x = area.x;
    for (index, pieces, _) in labels.iter().skip(from) {
        if x >= end {
            break;
        }
        let next = put_runs(buffer, (x, area.y), end, pieces);
        drawn
            .rooms
            .push((Rect::new(x, area.y, next.saturating_sub(x), 1), *index));
        x = next + 1;
    }
}

/// The members at the right, with the edge.
pub fn members(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
    let theme = screen.theme;
    let signs = theme.signs();
    for y in area.top()..area.bottom() {
        put(
            buffer,
            (area.x, y),
            area.right(),
            signs.between,
            theme::dim(),
        );
    }
    let inner = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(3),
        ..area
    };
    let title = if is_looking(screen) {
        format!("members: connecting{}", signs.running)
    } else {
        let online = screen.members.iter().filter(|member| member.online).count();
        format!("{online} of {} online", screen.members.len())
    };
    put(
        buffer,
        (inner.x, inner.y),
        inner.right(),
        &title,
        theme::bold(),
    );
    let rest = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
    member_rows(screen, rest, buffer, drawn);
}

/// Whether it is too early to say of anybody that they are away.
fn is_looking(screen: &Screen<'_>) -> bool {
    let room = screen.rooms.get(screen.current);
    let others = screen.members.iter().filter(|member| !member.me);
    room.is_some_and(|room| room.looking)
        && others.clone().all(|it| !it.online)
        && others.count() > 0
}

/// The members, a row each and one for what is to be said of them.
fn member_rows(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
    let theme = screen.theme;
    let mut y = area.y;
    let all = screen.members.len();
    for (index, member) in screen.members.iter().enumerate() {
        let more = member_more(*theme, member);
        let rows = 1 + u16::from(!more.is_empty());
        let is_last = index + 1 == all;
        let needed = rows + u16::from(!is_last);
        if y + needed > area.bottom() {
            let more = all - index;
            if y < area.bottom() {
                let text = format!("{more} more: /members");
                put(buffer, (area.x, y), area.right(), &text, theme::dim());
            }
            return;
        }
        member_row(screen, member, y, area, buffer);
        put_runs(buffer, (area.x + 2, y + 1), area.right(), &more);
        drawn
            .members
            .push((Rect::new(area.x, y, area.width, rows), index));
        y += rows;
    }
}

/// What stands in a row of its own below a member: what is amiss, and their agents.
fn member_more(theme: Theme, member: &Member) -> Vec<Run<'static>> {
    let mut out = Vec::new();
    if member.forked {
        out.push(run("forked ", theme.bad()));
    }
    match member.trust {
        Trust::Inline => {}
        Trust::Notice => out.push(run("notice ", theme.warn())),
        Trust::Muted => out.push(run("muted ", theme.warn())),
    }
    if !member.agents.is_empty() {
        let agents: Vec<String> = member
            .agents
            .iter()
            .map(|agent| words::name(agent))
            .collect();
        out.push(run(agents.join(", "), theme.agent()));
    }
    out
}

/// `● alice root you`: whether somebody is there is a shape and a word, not only a colour.
fn member_row(screen: &Screen<'_>, member: &Member, y: u16, area: Rect, buffer: &mut Buffer) {
    let theme = screen.theme;
    let signs = theme.signs();
    let (dot, style) = if member.online {
        (signs.online, theme.good())
    } else {
        (signs.offline, theme::dim())
    };
    let mut tags = Vec::new();
    if member.root {
        tags.push(run("root", theme::dim()));
    } else if member.admin {
        tags.push(run("admin", theme::dim()));
    }
    if member.me {
        tags.push(run("you", theme::dim()));
    } else {
        let word = match member.online {
            true => "on",
            false if is_looking(screen) => signs.running,
            false => "off",
        };
        tags.push(run(word, theme::dim()));
    }
    let tags_columns: usize = tags.iter().map(|tag| width(&tag.text) + 1).sum();
    let name_columns = usize::from(area.width)
        .saturating_sub(2 + tags_columns)
        .max(4);
    let x = put(buffer, (area.x, y), area.right(), dot, style);
    let name = fit(&words::name(&member.name), name_columns);
    let mut x = put(
        buffer,
        (x + 1, y),
        area.right(),
        &name,
        theme.person(&member.author),
    );
    for tag in tags {
        x = put(buffer, (x + 1, y), area.right(), &tag.text, tag.style);
    }
}

/// The line that tells how the room is; a rule under the messages.
pub fn status(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer) {
    let theme = screen.theme;
    let signs = theme.signs();
    let end = area.right().saturating_sub(1);
    let counter = super::composer::counter(screen);
    let limit = match &counter {
        Some((text, style)) => put_right(buffer, (area.x, area.y), end, text, *style),
        None => end,
    };
    let pieces = super::state::pieces(screen);
    let mut x = put(buffer, (area.x, area.y), limit, signs.rule, theme::dim());
    for piece in pieces {
        let room = limit.saturating_sub(x);
        // A piece that does not fit is left out rather than cut where it would say something else.
        if room < 4 {
            break;
        }
        x = put(buffer, (x, area.y), limit, " ", theme::dim());
        let text = fit(&piece.text, usize::from(room - 2));
        x = put(buffer, (x, area.y), limit, &text, piece.style);
        x = put(buffer, (x, area.y), limit, " ", theme::dim());
        x = put(buffer, (x, area.y), limit, signs.rule, theme::dim());
    }
    fill(buffer, (x, area.y), limit, signs.rule, theme::dim());
}
