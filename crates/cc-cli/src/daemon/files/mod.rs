//! `file.…`: what is asked of the daemon about a room's files.
//!
//! | file | what |
//! |---|---|
//! | `share` | a file goes into the room |
//! | `key` | the key of this machine, which nobody shares |
//! | `refuse` | which are not shared, and what in them is looked for |

mod key;
mod refuse;
mod share;

use cc_net::{FileStatus, FilesError, Room};
use cc_proto::id::{ArrivalNo, MessageId, RoomId};
use cc_proto::text::file_size;

use super::keeper::KeeperHandle;
use super::methods::closed;
use crate::rpc::{
    FileInfo, FileList, FileListParams, FileParams, FileSettingsInfo, FileSettingsParams,
    LINE_BYTES_MAX, RpcError, code,
};

pub use share::{refuse_held, share, share_approved};

/// So many digits of an id name a file in a hint.
const SHORT_DIGITS: usize = 10;
/// Files in a list where no number is given.
const LISTED_DEFAULT: u32 = 100;
/// The most files in a list.
const LISTED_MAX: u32 = 1000;
/// So much of a line is left to what stands around the files.
const LINE_REST_BYTES: usize = 16 * 1024;

/// `file.list`: as many as were asked for and fit a line.
pub async fn list(keeper: &KeeperHandle, params: FileListParams) -> Result<FileList, RpcError> {
    let room = keeper.room(&params.room)?;
    let count = params.count.unwrap_or(LISTED_DEFAULT).clamp(1, LISTED_MAX);
    let before = params.before.map(ArrivalNo);
    let found = room.files(before, count as usize).await;
    let mut files = Vec::new();
    let mut bytes = LINE_REST_BYTES;
    for status in found.map_err(|error| files_error(&error))? {
        let file = info(room.id(), &status);
        bytes += serde_json::to_string(&file).map_or(0, |text| text.len() + 1);
        // One alone always fits, so that whoever asks for more gets on.
        if bytes > LINE_BYTES_MAX && !files.is_empty() {
            break;
        }
        files.push(file);
    }
    Ok(FileList {
        room: room.id().to_hex(),
        files,
        settings: settings_of(&room).await?,
    })
}

/// `file.get`: it is wanted from now on; how far it comes is told by events.
pub async fn get(keeper: &KeeperHandle, params: FileParams) -> Result<FileInfo, RpcError> {
    let (room, id) = named(keeper, &params)?;
    if params.via.is_empty() {
        return answer(&room, room.get_file(&id).await);
    }
    let got = room.get_file_within_quota(&id).await;
    answer(&room, got).map_err(|error| match error.code {
        code::OVER_QUOTA => {
            let (room, file) = (room.id().short(), &params.file[..SHORT_DIGITS]);
            error.hint(format!(
                "the user can fetch it, cc-connect get {file} --room {room}, or raise the quota: cc-connect files --room {room} --quota SIZE"
            ))
        }
        _ => error,
    })
}

/// `file.cancel`: it is no longer wanted.
pub async fn cancel(keeper: &KeeperHandle, params: FileParams) -> Result<FileInfo, RpcError> {
    let (room, id) = named(keeper, &params)?;
    answer(&room, room.cancel_file(&id).await)
}

/// `file.verify`: what is here of it is read from end to end.
pub async fn verify(keeper: &KeeperHandle, params: FileParams) -> Result<FileInfo, RpcError> {
    let (room, id) = named(keeper, &params)?;
    answer(&room, room.verify_file(&id).await)
}

/// `file.settings`: what comes by itself.
pub async fn settings(
    keeper: &KeeperHandle,
    params: FileSettingsParams,
) -> Result<FileSettingsInfo, RpcError> {
    let room = keeper.room(&params.room)?;
    let before = room.file_settings();
    let mut settings = before;
    settings.auto_get_bytes = params.auto_get.unwrap_or(settings.auto_get_bytes);
    settings.quota_bytes = params.quota.unwrap_or(settings.quota_bytes);
    let is_said = params.auto_get.is_some() || params.quota.is_some();
    if settings != before || is_said && room.file_settings_lost() {
        let set = room.set_file_settings(settings).await;
        set.map_err(|error| files_error(&error))?;
    }
    settings_of(&room).await
}

/// What is told of a file.
pub fn info(room: RoomId, status: &FileStatus) -> FileInfo {
    FileInfo {
        room: room.to_hex(),
        file: status.id.to_hex(),
        n: status.n.0,
        author: status.author.to_hex(),
        ts: status.ts.0,
        via: status.via.clone(),
        name: status.name.clone(),
        size: status.size,
        hash: status.hash.to_hex(),
        media_type: status.media_type.clone(),
        folder: status.folder,
        state: status.state,
        waits_for: status.waits_for,
        have: status.have,
        path: status.path.clone(),
        fault: status.fault.clone(),
    }
}

fn named(keeper: &KeeperHandle, params: &FileParams) -> Result<(Room, MessageId), RpcError> {
    let room = keeper.room(&params.room)?;
    let id = params.file.parse().map_err(|_| {
        RpcError::new(
            code::INVALID_PARAMS,
            "a file is named by the id of its message, 64 hexadecimal digits",
        )
    })?;
    Ok((room, id))
}

fn answer(room: &Room, outcome: Result<FileStatus, FilesError>) -> Result<FileInfo, RpcError> {
    match outcome {
        Ok(status) => Ok(info(room.id(), &status)),
        Err(error) => Err(files_error(&error)),
    }
}

async fn settings_of(room: &Room) -> Result<FileSettingsInfo, RpcError> {
    let settings = room.file_settings();
    let used = room.files_used().await;
    Ok(FileSettingsInfo {
        room: room.id().to_hex(),
        auto_get: settings.auto_get_bytes,
        quota: settings.quota_bytes,
        used: used.map_err(|error| files_error(&error))?,
        lost: room.file_settings_lost(),
    })
}

fn files_error(error: &FilesError) -> RpcError {
    let code = match error {
        FilesError::NoSuchFile => code::NO_SUCH_FILE,
        FilesError::Read(_) | FilesError::File { .. } => code::DISK,
        FilesError::TooManyWanted { .. } => code::TOO_MANY,
        FilesError::OverQuota {
            size,
            taken,
            quota_bytes,
        } => {
            let [size, taken, quota] = [*size, *taken, *quota_bytes].map(file_size);
            let words = format!(
                "the file has {size}, and with {taken} of the room's files here or on their way it is over the room's quota of {quota}: an agent fetches no more than that"
            );
            return RpcError::new(code::OVER_QUOTA, words);
        }
        FilesError::Closed => return closed(),
        _ => code::INTERNAL_ERROR,
    };
    RpcError::new(code, error.to_string())
}
