//! What is drawn of what is known.

use ratatui::Frame;

use super::{App, Overlay, Pane, Pending};
use crate::chat::editor::{Editor, Layout};
use crate::chat::theme::Theme;
use crate::chat::types::{Member, RoomEntry};
use crate::chat::view::{
    self, Choice, Completion, Composer, Found, Motion, Over, Screen, Scroll, composer_room,
    prompt_columns,
};
use crate::rpc::State;

/// What stands where nothing is typed.
const HINT: &str = "write, or / for commands; F1 helps";
/// What stands there while there is no room at all.
const NO_ROOMS: &str = "no rooms yet: /join TICKET, or cc-connect room start";
/// What the search says of its words.
const SEARCH: &str = "search";

impl App {
    /// Draws a frame, and takes in what that found out.
    pub fn draw(&mut self, theme: Theme, frame: &mut Frame<'_>) {
        let (width, rows_max) = composer_room(frame.area());
        let searching = matches!(self.overlay, Some(Overlay::Hits { .. }));
        let label = searching.then_some(SEARCH);
        let mut nowhere = Editor::default();
        let editor = match &mut self.overlay {
            Some(Overlay::Hits { editor }) => editor.as_mut(),
            _ => match self.panes.get_mut(self.front) {
                Some(pane) => &mut pane.editor,
                None => &mut nowhere,
            },
        };
        let less = prompt_columns(label).saturating_sub(prompt_columns(None));
        let layout = editor.layout(width.saturating_sub(less).max(1), rows_max);
        let bytes = editor.said_bytes();
        let choices = self.choices();
        let pending = self.pane().map_or_else(Vec::new, Pane::on_its_way);
        let answered = self.pane().and_then(|pane| pane.answers.clone());
        let composer = Composer {
            hint: if searching {
                "words to look for"
            } else {
                self.hint()
            },
            label,
            answers: answered
                .as_ref()
                .map(|it| (it.name.as_str(), it.text.as_str())),
            ..composer(&layout, bytes)
        };
        let screen = self.screen(&theme, composer, &choices, &pending);
        let drawn = view::draw(&screen, frame);
        self.drawn(drawn);
    }

    fn hint(&self) -> &'static str {
        match self.pane().map(|pane| pane.entry.state) {
            None => NO_ROOMS,
            Some(State::Joined) => HINT,
            Some(State::Joining) => {
                "waiting for a member to let you in; what you write is kept until then"
            }
            Some(State::Removed) => "you are no longer a member; what you have read stays",
            Some(State::Left) => "you left; what you have read stays",
        }
    }

    fn choices(&self) -> Vec<Choice> {
        let candidates = self.completion.iter().flat_map(|it| &it.candidates);
        let choices = candidates.map(|candidate| Choice {
            text: candidate.shown.clone(),
            aside: candidate.detail.clone(),
        });
        choices.collect()
    }

    fn screen<'a>(
        &'a self,
        theme: &'a Theme,
        composer: Composer<'a>,
        choices: &'a [Choice],
        pending: &'a [Pending],
    ) -> Screen<'a> {
        static NOTHING: std::collections::VecDeque<crate::chat::types::Entry> =
            std::collections::VecDeque::new();
        let pane = self.pane();
        let completion = self.completion.as_ref().map(|completion| Completion {
            choices,
            chosen: completion.chosen.unwrap_or(0),
        });
        Screen {
            rooms: self
                .panes
                .iter()
                .map(|pane| &pane.entry)
                .collect::<Vec<&RoomEntry>>(),
            current: self.front,
            entries: pane.map_or(&NOTHING, |pane| &pane.entries),
            has_older: pane.is_some_and(Pane::has_older),
            has_newer: pane.is_some_and(Pane::has_newer),
            loading: pane.is_some_and(|pane| pane.loading),
            opened: pane.is_some_and(|pane| pane.opened),
            seen: pane.and_then(|pane| pane.seen),
            scroll: pane.map_or_else(Scroll::default, |pane| pane.scroll),
            motion: pane.map_or_else(Motion::default, |pane| pane.motion),
            news: pane.map_or(0, |pane| pane.news),
            selected: pane.and_then(|pane| pane.selected),
            pending,
            members: pane.map_or(&[] as &[Member], |pane| &pane.members),
            sidebar: self.sidebar,
            composer,
            completion,
            overlay: self
                .overlay
                .as_ref()
                .and_then(|overlay| over(overlay, pane)),
            toasts: self.toasts.iter().collect(),
            connection: &self.connection,
            paused: pane.is_some_and(|pane| self.paused.contains(&pane.entry.room)),
            held: self.held,
            user: self.places.user.as_deref(),
            now_ms: self.now_ms,
            theme,
        }
    }
}

impl Pane {
    /// What is shown as on its way: not what stands above already.
    fn on_its_way(&self) -> Vec<Pending> {
        let waiting = self.pending.iter();
        let waiting = waiting.filter(|pending| !self.arrived.contains(&pending.local));
        waiting.cloned().collect()
    }
}

fn composer(layout: &Layout, bytes: usize) -> Composer<'_> {
    Composer {
        rows: &layout.rows,
        cursor: layout.cursor,
        first_row: layout.first_row,
        total_rows: layout.total_rows,
        bytes,
        hint: "",
        label: None,
        answers: None,
    }
}

fn over<'a>(overlay: &'a Overlay, pane: Option<&'a Pane>) -> Option<Over<'a>> {
    Some(match overlay {
        Overlay::Text {
            title,
            lines,
            scroll,
        } => Over::Text {
            title,
            lines,
            scroll: *scroll,
        },
        Overlay::Ticket { ticket, qr, note } => Over::Ticket { ticket, qr, note },
        Overlay::Confirm { question, .. } => Over::Confirm { question },
        Overlay::Hits { .. } => {
            let search = pane?.search.as_ref();
            Over::Hits(search.map_or(
                Found {
                    text: "",
                    hits: &[],
                    at: 0,
                    looked: 0,
                    of: 0,
                    running: false,
                    more: false,
                },
                |search| Found {
                    text: &search.text,
                    hits: &search.hits,
                    at: search.at,
                    looked: search.looked,
                    of: search.of,
                    running: search.running,
                    more: search.more,
                },
            ))
        }
    })
}
