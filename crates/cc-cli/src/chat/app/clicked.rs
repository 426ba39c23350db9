//! The mouse: the wheel scrolls, a click selects.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::{App, Overlay};
use crate::chat::slash::{FileArg, Slash, SlashGetArgs};
use crate::chat::types::What;
use crate::chat::view::Target;
use crate::rpc::FileState;

/// Rows that one step of the wheel scrolls.
const WHEEL_ROWS: i32 = 3;

impl App {
    pub(super) fn moused(&mut self, mouse: MouseEvent) {
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(true),
            MouseEventKind::ScrollDown => self.wheel(false),
            MouseEventKind::Down(MouseButton::Left) => {
                let target = self.drawn.target(mouse.column, mouse.row);
                self.clicked(target);
            }
            _ => {}
        }
    }

    fn wheel(&mut self, up: bool) {
        let rest = self.drawn.overlay_rest;
        match &mut self.overlay {
            Some(Overlay::Text { scroll, .. }) if up => {
                *scroll = scroll.saturating_sub(WHEEL_ROWS as u16);
            }
            Some(Overlay::Text { scroll, .. }) => *scroll = (*scroll + WHEEL_ROWS as u16).min(rest),
            Some(_) => {}
            None => self.scroll(if up { WHEEL_ROWS } else { -WHEEL_ROWS }, 0),
        }
    }

    fn clicked(&mut self, target: Target) {
        match target {
            Target::Room(at) => self.show_room(at),
            Target::Entry(n) => {
                if let Some(pane) = self.pane_mut() {
                    let again = pane.selected == Some(n);
                    pane.selected = (!again).then_some(n);
                }
            }
            Target::File(n) => self.clicked_file(n),
            Target::Member(at) => self.mention(at),
            Target::Choice(at) => self.choose(at),
            Target::Hit(at) => {
                let search = self.pane().and_then(|pane| pane.search.as_ref());
                if let Some(n) = search.and_then(|search| Some(search.hits.get(at)?.n)) {
                    self.close_search();
                    self.go_to(n);
                }
            }
            Target::Composer | Target::Overlay => {}
            Target::Nothing => {
                if matches!(
                    self.overlay,
                    Some(Overlay::Text { .. } | Overlay::Ticket { .. })
                ) {
                    self.overlay = None;
                }
            }
        }
    }

    /// A first click selects a file, a second one fetches it.
    fn clicked_file(&mut self, n: u64) {
        let Some(pane) = self.pane_mut() else { return };
        if pane.selected != Some(n) {
            pane.selected = Some(n);
            return;
        }
        let entry = pane.by_n(n);
        let wanted = entry.is_some_and(|entry| match &entry.what {
            What::File(card) => matches!(
                card.state,
                FileState::Announced | FileState::Damaged | FileState::Failed
            ),
            _ => false,
        });
        if let Some(file) = entry.and_then(|entry| entry.id.clone()).filter(|_| wanted) {
            let get = SlashGetArgs {
                get: FileArg { file: Some(file) },
                out: None,
            };
            let room = self.room();
            self.run(room, Box::new(Slash::Get(get)));
        }
    }

    /// Puts a mention of a member into the text.
    fn mention(&mut self, at: usize) {
        let Some(pane) = self.pane_mut() else { return };
        let member = pane
            .members
            .get(at)
            .filter(|member| !member.me && !member.nick.is_empty());
        if let Some(nick) = member.map(|member| member.nick.clone()) {
            let at = pane.editor.cursor();
            let gap = if pane.editor.text()[..at].ends_with(|c: char| !c.is_whitespace()) {
                " "
            } else {
                ""
            };
            pane.editor.complete(at..at, &format!("{gap}@{nick} "));
        }
    }

    fn choose(&mut self, at: usize) {
        let Some(completion) = self.completion.take() else {
            return;
        };
        if let (Some(candidate), Some(pane)) = (completion.candidates.get(at), self.pane_mut()) {
            pane.editor
                .complete(completion.replace.clone(), &candidate.insert);
        }
    }
}
