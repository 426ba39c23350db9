//! What is being typed, kept for the next time: at pauses, when another room is gone to, before something is sent, and at the
//! end.
//!
//! What was sent and is not known to have arrived is kept with it: whoever reads it again sees whether it stands above.

use super::state::Mark;
use super::{App, Ask, Kept, Pane, Work};
use crate::chat::editor::EDITOR_BYTES_MAX;
use crate::chat::slash::{as_typed, said};

/// What was changed is kept after this time at the latest: so much of the typing is lost where the chat is killed.
const KEEP_MS: u64 = 2_000;

impl App {
    /// Has kept what has changed long enough ago, and what goes out before it does: until it is known to have arrived it is kept
    /// as something that may have.
    pub(super) fn keep(&mut self) {
        let now = self.now_ms;
        let mut due = Vec::new();
        for pane in &mut self.panes {
            let mark = pane.mark();
            if pane.kept_mark != mark {
                pane.kept_mark = mark;
                let has_draft = !pane.editor.drafts().is_empty();
                pane.unsure &= has_draft;
                let is_empty =
                    pane.unsent().next().is_none() && !has_draft && pane.earlier.is_none();
                pane.keep_at = match pane.keep_at {
                    _ if is_empty && pane.kept.is_empty() => None,
                    // What was sent or thrown away is not to come back.
                    _ if is_empty => Some(now),
                    waits => Some(waits.unwrap_or(now + KEEP_MS)),
                };
            }
            let room = &pane.entry.room;
            let sends = |ask: &Ask| matches!(ask, Ask::Work(Work::Send(it)) if it.room == *room);
            let before = self.asks.iter().position(sends);
            if (before.is_some() || pane.keep_at.is_some_and(|at| at <= now))
                && let Some(work) = pane.keep()
            {
                due.push((before.unwrap_or(self.asks.len()), work));
            }
        }
        for (at, work) in due {
            self.asks.insert(at, Ask::Work(work));
        }
    }

    /// What is typed in the room in front is kept now.
    pub(super) fn keep_soon(&mut self) {
        let work = self.pane_mut().and_then(Pane::keep);
        if let Some(work) = work {
            self.ask(work);
        }
    }

    /// What is to be kept at the end: once more, also where it was asked for already, as that may not have been handed over.
    pub fn last_kept(&mut self) -> Vec<Work> {
        let touched = self
            .panes
            .iter_mut()
            .filter(|pane| pane.mark() != Mark::default());
        touched.map(Pane::keep_again).collect()
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
    fn mark(&self) -> Mark {
        let answers = self.answers.as_ref().map(|answered| answered.n);
        let count = self.unsent().count() + usize::from(self.earlier.is_some());
        (self.editor.revision(), count, answers)
    }

    /// The text in the editor goes out: what was kept of it is not to come back, nor what it was before it was changed.
    pub(super) fn goes_out(&mut self) {
        let (text, begun) = (self.editor.text(), self.editor.begun_from());
        let has_it = |earlier: &Kept| {
            text.trim() == earlier.text.trim() || begun == Some(earlier.text.as_str())
        };
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
        let unsent: Vec<&str> = self.unsent().collect();
        let drafts = self.editor.drafts();
        if unsent.is_empty()
            && drafts.is_empty()
            && let Some(earlier) = &self.earlier
        {
            return earlier.clone();
        }
        let earlier = self.earlier.as_ref();
        let unsure = !unsent.is_empty()
            || (self.unsure && !drafts.is_empty())
            || earlier.is_some_and(|earlier| earlier.unsure);
        // What was brought back and changed is among the drafts.
        let earlier = earlier.filter(|earlier| !self.is_changed(earlier));
        let has_more = earlier.is_some() || !unsent.is_empty() || drafts.len() > 1;
        let mut text = match drafts.first() {
            // It may be a command.
            Some(draft) if !has_more => (*draft).to_owned(),
            _ => {
                let texts = earlier.map(|earlier| said(&earlier.text)).into_iter();
                let texts = texts.chain(unsent).chain(drafts.iter().copied().map(said));
                as_typed(&texts.collect::<Vec<_>>().join("\n"))
            }
        };
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

    /// Whether the text shown is another that was made of this one.
    fn is_changed(&self, earlier: &Kept) -> bool {
        let text = self.editor.text();
        self.editor.begun_from() == Some(earlier.text.as_str())
            && text != earlier.text
            && !text.trim().is_empty()
    }

    /// Keeps what has changed.
    fn keep(&mut self) -> Option<Work> {
        self.keep_at = None;
        (self.to_keep() != self.kept).then(|| self.keep_again())
    }

    fn keep_again(&mut self) -> Work {
        self.kept = self.to_keep();
        let room = self.entry.room.clone();
        let kept = Box::new(self.kept.clone());
        Work::Keep { room, kept }
    }
}
