//! What is being typed, kept for the next time: at pauses, when another room is gone to, and at the end.
//!
//! What was sent and is not known to have arrived is kept with it: whoever reads it again sees whether it stands above.

use super::{App, Kept, Pane, Work};
use crate::chat::editor::EDITOR_BYTES_MAX;
use crate::chat::slash::as_typed;

/// What was changed is kept after this time at the latest: so much of the typing is lost where the chat is killed.
const KEEP_MS: u64 = 2_000;

impl App {
    /// Has kept what has changed long enough ago.
    pub(super) fn keep(&mut self) {
        let now = self.now_ms;
        let mut due = Vec::new();
        for pane in &mut self.panes {
            let mark = pane.mark();
            if pane.kept_mark != mark {
                pane.kept_mark = mark;
                pane.unsure &= !pane.editor.draft().trim().is_empty();
                let is_empty = pane.unsent().next().is_none()
                    && pane.editor.draft().trim().is_empty()
                    && pane.earlier.is_none();
                pane.keep_at = match pane.keep_at {
                    _ if is_empty && pane.kept.is_empty() => None,
                    // What was sent or thrown away is not to come back.
                    _ if is_empty => Some(now),
                    waits => Some(waits.unwrap_or(now + KEEP_MS)),
                };
            }
            if pane.keep_at.is_some_and(|at| at <= now) {
                due.extend(pane.keep());
            }
        }
        for work in due {
            self.ask(work);
        }
    }

    /// What is typed in the room in front is kept now.
    pub(super) fn keep_soon(&mut self) {
        let work = self.pane_mut().and_then(Pane::keep);
        if let Some(work) = work {
            self.ask(work);
        }
    }

    /// What is still to be kept at the end.
    pub fn last_kept(&mut self) -> Vec<Work> {
        self.panes.iter_mut().filter_map(Pane::keep).collect()
    }

    /// What was typed the last time is there again.
    pub(super) fn told_kept(&mut self, room: &str, kept: Kept) {
        let Some(pane) = self.pane_of(room) else {
            return;
        };
        let unsure = kept.unsure;
        let was_typing = !pane.editor.is_empty();
        if was_typing {
            pane.editor.remember(kept.text.clone());
            pane.earlier = Some(kept.clone());
        } else {
            pane.editor.set_text(&kept.text);
            pane.answers.clone_from(&kept.answers);
            pane.unsure = unsure;
        }
        pane.kept = kept;
        match (was_typing, unsure) {
            (true, true) => self.say(
                "not known to be sent the last time: Up, at the first line, brings it back; look whether it is above",
            ),
            (true, false) => {
                self.say("what you had typed here the last time: Up, at the first line");
            }
            (false, true) => self.say(
                "not known to be sent the last time: look whether it is above, then press Enter",
            ),
            (false, false) => {}
        }
    }
}

impl Pane {
    /// Changes whenever what is to be kept may have.
    fn mark(&self) -> super::state::Mark {
        let answers = self.answers.as_ref().map(|answered| answered.n);
        let count = self.unsent().count() + usize::from(self.earlier.is_some());
        (self.editor.revision(), count, answers)
    }

    /// The text in the editor goes out: what was kept of it is not to come back.
    pub(super) fn goes_out(&mut self) {
        let text = self.editor.text();
        let has_it = |earlier: &Kept| text.contains(earlier.text.trim());
        if self.earlier.as_ref().is_some_and(has_it) {
            self.earlier = None;
        }
    }

    /// What was typed and is not known to be sent.
    pub(super) fn unsent(&self) -> impl Iterator<Item = &str> {
        let is_waiting = |it: &&super::Pending| it.n.is_none() && !self.arrived.contains(&it.local);
        let waiting = self.pending.iter().filter(is_waiting);
        waiting.map(|it| it.text.as_str())
    }

    fn to_keep(&self) -> Kept {
        let unsent: Vec<String> = self.unsent().map(as_typed).collect();
        let draft = self.editor.draft();
        let draft = (!draft.trim().is_empty()).then_some(draft);
        if unsent.is_empty()
            && draft.is_none()
            && let Some(earlier) = &self.earlier
        {
            return earlier.clone();
        }
        let earlier = self.earlier.as_ref();
        let unsure = !unsent.is_empty()
            || (self.unsure && draft.is_some())
            || earlier.is_some_and(|earlier| earlier.unsure);
        let has_more = earlier.is_some() || !unsent.is_empty();
        let texts = earlier.map(|earlier| earlier.text.as_str()).into_iter();
        let texts = texts.chain(unsent.iter().map(String::as_str)).chain(draft);
        let texts: Vec<&str> = texts.collect();
        let mut text = texts.join("\n");
        // No more than goes into the editor again.
        while text.len() > EDITOR_BYTES_MAX {
            text.pop();
        }
        if text.is_empty() {
            return Kept::default();
        }
        let answers = self.answers.clone().filter(|_| !has_more);
        Kept {
            text,
            answers,
            unsure,
        }
    }

    /// Keeps what has changed.
    fn keep(&mut self) -> Option<Work> {
        self.keep_at = None;
        let kept = self.to_keep();
        if kept == self.kept {
            return None;
        }
        self.kept.clone_from(&kept);
        let room = self.entry.room.clone();
        let kept = Box::new(kept);
        Some(Work::Keep { room, kept })
    }
}
