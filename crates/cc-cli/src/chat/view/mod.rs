//! The drawing of the full-screen chat: a function of [`Screen`] and of the size of the terminal.
//!
//! | file | what |
//! |---|---|
//! | `screen.rs` | what is drawn, and what drawing found out |
//! | `areas.rs` | where things are, by the size of the terminal |
//! | `messages.rs` | which rows of which messages are on the screen; scrolling |
//! | `entry.rs`, `card.rs` | a line of the log as rows; the card of a file |
//! | `lists.rs` | the rooms and the members |
//! | `state.rs` | what the line under the messages says |
//! | `composer.rs` | the text being typed, and what completes it |
//! | `overlay.rs`, `ticket.rs` | what lies over the messages |
//! | `words.rs` | the words for times, sizes, names and marks |
//! | `paint.rs` | putting text into cells: the only place that does |
//! | `steady.rs` | a backend on which no glyph can move what stands behind it |

mod areas;
mod card;
mod composer;
mod entry;
mod lists;
mod messages;
mod overlay;
mod paint;
mod screen;
mod state;
mod steady;
#[cfg(test)]
mod tests;
mod ticket;
mod words;

pub use areas::composer_room;
pub use composer::prompt_columns;
pub use screen::{
    Choice, Completion, Composer, Drawn, Found, Motion, Over, Screen, Scroll, Target,
};
pub use steady::Steady;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::areas::Wanted;

/// Draws one frame. Costs the same however long the history and the loaded window are.
pub fn draw(screen: &Screen<'_>, frame: &mut Frame<'_>) -> Drawn {
    let size = frame.area();
    let mut drawn = Drawn::default();
    if size.is_empty() {
        return drawn;
    }
    let rows = u16::try_from(screen.composer.rows.len()).unwrap_or(u16::MAX);
    let layout = areas::layout(
        size,
        Wanted {
            rooms: screen.rooms.len(),
            sidebar: screen.sidebar && !screen.members.is_empty(),
            composer_rows: rows,
            about: composer::is_about(screen),
        },
    );
    let buffer = frame.buffer_mut();
    if let Some(area) = layout.rooms {
        lists::rooms(screen, area, buffer, &mut drawn);
    }
    if let Some(area) = layout.tabs {
        lists::tabs(screen, area, buffer, &mut drawn);
    }
    messages::draw(screen, layout.messages, buffer, &mut drawn);
    messages::below(screen, &drawn, buffer);
    if let Some(area) = layout.members {
        lists::members(screen, area, buffer, &mut drawn);
    }
    if let Some(area) = layout.status {
        lists::status(screen, area, buffer);
    }
    if let Some(area) = layout.about {
        composer::about(screen, area, buffer);
    }
    composer::draw(screen, layout.composer, buffer, &mut drawn);
    let above = Rect {
        height: layout.composer.y - size.y,
        ..size
    };
    // What lies over the messages leaves the line that tells how the room is, where there is one.
    let over = Rect {
        height: layout
            .status
            .map_or(above.height, |status| status.y - size.y),
        ..size
    };
    overlay::draw(screen, over, buffer, &mut drawn);
    if screen.overlay.is_none() {
        overlay::toasts(screen, layout.messages, buffer);
    }
    composer::completion(screen, above, buffer, &mut drawn);
    if let Some(cursor) = drawn.cursor {
        frame.set_cursor_position(cursor);
    }
    drawn
}
