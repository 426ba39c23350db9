//! What is shared in a room: announced by a `file` message, kept in the room's folder, fetched from
//! and served to its members. `spec/files.md`.

mod types;

use cc_proto::id::{ArrivalNo, MessageId};

pub use types::{
    FileSettings, FileState, FileStatus, FilesError, Inspect, Inspected, ShareDraft, ShareError,
};

use crate::room::Room;

impl Room {
    /// Shares a file or a folder: keeps a copy of it in the room's folder and announces that. The
    /// inspector sees the very bytes that are shared, before anything is announced.
    ///
    /// Cancel safe: dropped, nothing is announced.
    ///
    /// # Errors
    /// [`ShareError`]; nothing was announced.
    pub async fn share(
        &self,
        draft: ShareDraft,
        media_type: String,
        inspect: Option<Inspect>,
    ) -> Result<FileStatus, ShareError> {
        let _ = (draft, media_type, inspect);
        Err(ShareError::Closed)
    }

    /// Files that were announced in lines before `before` and count, the newest first, `count` at most.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn files(
        &self,
        before: Option<ArrivalNo>,
        count: usize,
    ) -> Result<Vec<FileStatus>, FilesError> {
        let _ = (before, count);
        Err(FilesError::Closed)
    }

    /// The file that a message announced.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn file(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        let _ = id;
        Err(FilesError::Closed)
    }

    /// Notes down that a file is wanted, and returns at once: it is fetched as soon as somebody who has
    /// it is there, over restarts too. [`crate::RoomEvent::File`] tells how far it has come.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn get_file(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        self.file(id).await
    }

    /// No longer wants a file. What is here of it stays for later.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn cancel_file(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        self.file(id).await
    }

    /// Reads a file that is here from end to end. Where it is not what was announced, it is damaged from
    /// then on, and can be fetched again.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn verify_file(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        self.file(id).await
    }

    /// What of the room's files is fetched by itself.
    pub fn file_settings(&self) -> FileSettings {
        FileSettings::default()
    }

    /// Changes what is fetched by itself, durably.
    ///
    /// # Errors
    /// [`FilesError::File`]; nothing is changed then.
    pub async fn set_file_settings(&self, settings: FileSettings) -> Result<(), FilesError> {
        let _ = settings;
        Err(FilesError::Closed)
    }

    /// How many bytes of the room's files are on this machine's disk.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn files_used(&self) -> Result<u64, FilesError> {
        Err(FilesError::Closed)
    }
}
