//! All edits of an agent: worked out first, then written, and taken back where one of them fails.

use std::path::{Path, PathBuf};

use super::disk::{Before, Target};
use super::edits::Edits;
use super::fault::InstallError;

/// What is to be written for an agent. Nothing is, before [`Plan::apply`].
#[derive(Debug, Default)]
pub struct Plan {
    files: Vec<FileChange>,
}

/// What is to be done with one file.
#[derive(Debug)]
pub struct FileChange {
    path: PathBuf,
    target: Target,
    before: Before,
    had_ours: bool,
    after: After,
    /// What is kept as a backup now, and what there is to be.
    backup: (Option<Before>, Backup),
    /// How many folders to remove if nothing is in them.
    folders: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum After {
    Same,
    Text(String),
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backup {
    Stays,
    Keep,
    Drop,
}

/// One write.
#[derive(Debug, Clone, Copy)]
enum Step {
    Backup,
    File,
    Drop,
    Folders,
}

impl FileChange {
    /// The file, by the name that the agent knows it by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it now; `None` where it is not there.
    pub fn before(&self) -> Option<&str> {
        self.before.text()
    }

    /// What will be in it; `None` where it will not be there.
    pub fn after(&self) -> Option<&str> {
        match &self.after {
            After::Same => self.before.text(),
            After::Text(text) => Some(text),
            After::Gone => None,
        }
    }

    /// Whether the file itself is written or removed.
    pub fn is_change(&self) -> bool {
        self.after != After::Same
    }

    /// Whether an entry of ours is in it now.
    pub fn had_ours(&self) -> bool {
        self.had_ours
    }
}

impl Plan {
    /// Every file that was looked at.
    pub fn files(&self) -> &[FileChange] {
        &self.files
    }

    /// Whether any file is written or removed.
    pub fn is_change(&self) -> bool {
        self.files.iter().any(FileChange::is_change)
    }

    pub(super) fn install(&mut self, edits: &Edits) -> Result<(), InstallError> {
        let target = Target::resolve(&edits.path)?;
        let before = target.read()?;
        let new = edits
            .put(before.text())
            .map_err(|fault| fault.at(&edits.path))?;
        let had_ours = before.text().is_some_and(|text| edits.has_ours(text));
        let after = match new {
            Some(new) if before.text() != Some(&new) => After::Text(new),
            _ => After::Same,
        };
        let kept = target.backup()?;
        // An earlier backup stays as long as an entry of ours does; without one it is out of date.
        // One that says there was nothing stays true while there is nothing, and knows of more folders.
        let still_nothing = matches!(
            (&kept, &before),
            (Some(Before::Nothing { .. }), Before::Nothing { .. })
        );
        let out_of_date = !had_ours && !still_nothing;
        let keep = after != After::Same && (out_of_date || kept.is_none());
        self.files.push(FileChange {
            path: edits.path.clone(),
            target,
            before,
            had_ours,
            after,
            backup: (kept, if keep { Backup::Keep } else { Backup::Stays }),
            folders: 0,
        });
        Ok(())
    }

    pub(super) fn uninstall(&mut self, edits: &Edits) -> Result<(), InstallError> {
        let target = Target::resolve(&edits.path)?;
        let before = target.read()?;
        let kept = target.backup()?;
        // A backup that has our entries was made when they were brought up to date, and does not tell what was before us.
        let original = kept
            .as_ref()
            .and_then(Before::text)
            .filter(|original| !edits.has_ours(original));
        let taken = match before.text() {
            Some(text) => edits
                .take(text, original)
                .map_err(|fault| fault.at(&edits.path))?,
            None => None,
        };
        let made = match kept {
            Some(Before::Nothing { folders }) => Some(folders),
            _ => None,
        };
        let untouched = original.filter(|original| {
            let text = before.text().unwrap_or_default();
            edits.is_untouched(text, original)
        });
        let had_ours = taken.is_some();
        let is_own = edits.is_own_file();
        let after = match taken {
            None => After::Same,
            Some(taken) if taken.nothing_left && (made.is_some() || is_own) => After::Gone,
            Some(taken) => After::Text(untouched.map_or(taken.text, str::to_owned)),
        };
        let is_gone = after == After::Gone || before.text().is_none();
        self.files.push(FileChange {
            path: edits.path.clone(),
            had_ours,
            after,
            folders: made.filter(|_| is_gone).unwrap_or_default(),
            backup: (kept, Backup::Drop),
            target,
            before,
        });
        Ok(())
    }

    /// Writes it all.
    ///
    /// # Errors
    /// [`InstallError::Io`] or [`InstallError::ChangedMeanwhile`]; everything is as it was then.
    pub fn apply(&self) -> Result<(), InstallError> {
        let steps = self.steps();
        for (index, (file, step)) in steps.iter().enumerate() {
            if let Err(error) = self.files[*file].step(*step) {
                for (file, step) in steps[..=index].iter().rev() {
                    self.files[*file].undo(*step);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// In this order, so that wherever it ends, doing it again or taking it out comes to the same.
    fn steps(&self) -> Vec<(usize, Step)> {
        let mut steps = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            if file.backup.1 == Backup::Keep {
                steps.push((index, Step::Backup));
            }
            if file.is_change() {
                steps.push((index, Step::File));
            }
        }
        for (index, file) in self.files.iter().enumerate() {
            if file.backup.1 == Backup::Drop && file.backup.0.is_some() {
                steps.push((index, Step::Drop));
            }
        }
        // The deepest first: one file's folder may hold another's.
        let mut emptied: Vec<usize> = (0..self.files.len()).collect();
        emptied.retain(|index| self.files[*index].folders > 0);
        emptied
            .sort_by_key(|index| std::cmp::Reverse(self.files[*index].path.components().count()));
        steps.extend(emptied.into_iter().map(|index| (index, Step::Folders)));
        steps
    }
}

impl FileChange {
    fn step(&self, step: Step) -> Result<(), InstallError> {
        match (step, &self.after) {
            (Step::Backup, _) => self.target.keep_backup(&self.before),
            (Step::File, After::Text(text)) => self.target.write(&self.before, text),
            (Step::File, After::Gone) => self.target.remove(&self.before),
            (Step::File, After::Same) => Ok(()),
            (Step::Drop, _) => self.target.drop_backup(),
            (Step::Folders, _) => {
                self.target.remove_folders(self.folders);
                Ok(())
            }
        }
    }

    /// As far as that goes: the error that led here is the one to tell of.
    fn undo(&self, step: Step) {
        let _ = match step {
            // What another program wrote meanwhile is not ours to overwrite.
            Step::File if self.is_as_written() => self.target.restore(&self.before),
            Step::Backup | Step::Drop => match &self.backup.0 {
                Some(kept) => self.target.keep_backup(kept),
                None => self.target.drop_backup(),
            },
            Step::File | Step::Folders => Ok(()),
        };
        if let (Step::Backup, Before::Nothing { folders }) = (step, &self.before) {
            self.target.remove_folders(*folders);
        }
    }

    fn is_as_written(&self) -> bool {
        let now = self.target.read();
        now.is_ok_and(|now| now.text() == self.after())
    }
}

#[cfg(test)]
mod tests;
