//! Where things are, by the size of the terminal.

use ratatui::layout::Rect;

/// From this width on the rooms have a list of their own.
const ROOMS_FROM: u16 = 90;
/// From this width on the members have a list of their own.
const MEMBERS_FROM: u16 = 110;
/// The width of the list of rooms, and of its edge.
const ROOMS_WIDTH: u16 = 22;
/// The width of the list of members, and of its edge.
const MEMBERS_WIDTH: u16 = 28;
/// From this height on there is a line of rooms above the messages.
const TABS_FROM: u16 = 9;
/// From this height on there is a line that tells how the room is.
const STATUS_FROM: u16 = 4;
/// What stands before each row of what is typed.
pub const PROMPT: u16 = 2;

/// Where things are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout {
    /// The list of rooms.
    pub rooms: Option<Rect>,
    /// The line of rooms, where there is no list.
    pub tabs: Option<Rect>,
    /// The messages.
    pub messages: Rect,
    /// The list of members.
    pub members: Option<Rect>,
    /// The line that tells how the room is.
    pub status: Option<Rect>,
    /// What is answered, or a word for what is typed.
    pub about: Option<Rect>,
    /// The text being typed, with what stands before it.
    pub composer: Rect,
}

/// What the text being typed may take: how many columns a row has, and how many rows.
pub fn composer_room(size: Rect) -> (u16, u16) {
    let width = size.width.saturating_sub(PROMPT + 1).max(1);
    (width, (size.height / 3).max(1))
}

/// What is to be shown, as far as it decides where things are.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How many rooms there are.
    pub rooms: usize,
    /// Whether the list of members is wanted.
    pub sidebar: bool,
    /// Rows of the text being typed.
    pub composer_rows: u16,
    /// Whether there is a word on what is typed.
    pub about: bool,
}

/// Shares out the terminal: what is typed comes first, then the messages, then the rest.
pub fn layout(size: Rect, wanted: Wanted) -> Layout {
    let (_, rows_max) = composer_room(size);
    let mut rest = size;
    let mut from_below = |rows: u16, least_above: u16| {
        let fits = rest.height >= rows + least_above && rows > 0;
        fits.then(|| {
            rest.height -= rows;
            Rect::new(size.x, rest.y + rest.height, size.width, rows)
        })
    };
    let composer = from_below(wanted.composer_rows.clamp(1, rows_max), 0).unwrap_or_default();
    let about = from_below(u16::from(wanted.about), 1);
    let status = from_below(u16::from(size.height >= STATUS_FROM), 1);
    let mut layout = Layout {
        status,
        about,
        composer,
        ..Layout::default()
    };
    if size.width >= ROOMS_FROM {
        layout.rooms = Some(Rect {
            width: ROOMS_WIDTH,
            ..rest
        });
        rest.x += ROOMS_WIDTH;
        rest.width -= ROOMS_WIDTH;
    } else if wanted.rooms > 1 && size.height >= TABS_FROM {
        layout.tabs = Some(Rect { height: 1, ..rest });
        rest.y += 1;
        rest.height -= 1;
    }
    if wanted.sidebar && size.width >= MEMBERS_FROM {
        rest.width -= MEMBERS_WIDTH;
        layout.members = Some(Rect {
            x: rest.right(),
            width: MEMBERS_WIDTH,
            ..rest
        });
    }
    layout.messages = rest;
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_any_size_the_text_being_typed_is_there_and_nothing_overlaps() {
        for width in 1..130 {
            for height in 1..40 {
                for (composer_rows, about) in [(1, false), (1, true), (40, true)] {
                    let size = Rect::new(0, 0, width, height);
                    let layout = layout(
                        size,
                        Wanted {
                            rooms: 3,
                            sidebar: true,
                            composer_rows,
                            about,
                        },
                    );
                    assert!(layout.composer.height >= 1, "{size}");
                    assert!(height < 2 || layout.messages.height >= 1, "{size}");
                    let mut seen = vec![false; usize::from(width) * usize::from(height)];
                    let areas = [
                        layout.rooms,
                        layout.tabs,
                        Some(layout.messages),
                        layout.members,
                        layout.status,
                        layout.about,
                        Some(layout.composer),
                    ];
                    for at in areas.into_iter().flatten().flat_map(Rect::positions) {
                        let cell = usize::from(at.y) * usize::from(width) + usize::from(at.x);
                        assert!(!std::mem::replace(&mut seen[cell], true), "{size} {at}");
                    }
                    assert!(seen.iter().all(|cell| *cell), "{size}");
                }
            }
        }
    }
}
