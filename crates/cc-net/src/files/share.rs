//! From somebody's file to an announcement: the source is opened once, and what is hashed, inspected,
//! copied and announced are the same bytes. Whatever happens to the source afterwards hurts nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cc_proto::body::File as FileBody;
use cc_proto::files::{EntryPaths, FOLDER_MEDIA_TYPE};
use cc_proto::id::{Hash, MessageId};
use cc_proto::limits::{FOLDER_DEPTH_MAX, FOLDER_FILES_MAX, FOLDER_LIST_BYTES_MAX};
use cc_proto::text::file_name;
use tokio::sync::oneshot;

use super::announced::News;
use super::folder::{FolderError, FolderList};
use super::place::{self, BUFFER_BYTES, Staging};
use super::types::{FileStatus, FilesError, Inspect, Inspected, ShareDraft, ShareError};
use super::{Files, blob_hash};
use crate::room::inbox::RoomMessage;
use crate::room::request::{Request, SendError, Sent};

/// What a file is said to be that claims to be a folder and is none.
const BYTES_MEDIA_TYPE: &str = "application/octet-stream";

/// What is to be shared, copied and looked at, and not in its place yet.
struct Staged {
    staging: Staging,
    name: String,
    hash: Hash,
    size: u64,
    list: Option<FolderList>,
    left_out: usize,
}

/// Copies, inspects, keeps and announces.
pub async fn share(
    files: &Arc<Files>,
    draft: ShareDraft,
    media_type: String,
    inspect: Option<Inspect>,
) -> Result<FileStatus, ShareError> {
    let stopped = StopOnDrop::default();
    let stop = stopped.0.clone();
    let path = draft.path.clone();
    let staged = files.blocking(move |files| {
        let copying = Copying {
            inspect,
            stop,
            buffer: vec![0; BUFFER_BYTES],
        };
        copying.stage(files.dir(), &path)
    });
    let staged = staged.await.map_err(|_| ShareError::Closed)??;
    let left_out = staged.left_out;
    let sent = publish(files, staged, media_type, draft).await?;
    let status = files.blocking(move |files| {
        let found = files.announced(|announced| announced.at(sent.n))?;
        found
            .map(|file| files.status(&file))
            .ok_or(FilesError::NoSuchFile)
    });
    let status = status.await.map_err(|_| ShareError::Closed)?;
    let mut status = status.map_err(|error| ShareError::Store(error.to_string()))?;
    if left_out > 0 {
        status.fault = Some(format!(
            "left out: {left_out} that are links or no files, which are never shared with a folder"
        ));
    }
    files.tell_status(status.clone());
    Ok(status)
}

async fn publish(
    files: &Arc<Files>,
    staged: Staged,
    media_type: String,
    draft: ShareDraft,
) -> Result<Sent, ShareError> {
    let (hash, size, name) = (staged.hash, staged.size, staged.name.clone());
    let folder = staged.list.is_some();
    let sharing = files.clone();
    let placed = files.blocking(move |files| {
        // Of this closure, which runs to its end: what it kept goes, also where nobody waits for it.
        let kept = Publishing::begin(sharing, hash);
        let Staged {
            staging,
            name,
            list,
            ..
        } = staged;
        let (place, _) = cc_proto::files::file_place(&hash, &name);
        let dir = place::files_dir(files.dir()).join(&place);
        let put = || {
            let hash = *hash.as_bytes();
            place::claim(&dir, place::Owner { hash, size })?;
            if let Some(list) = &list {
                list.write(&dir)?;
            }
            staging.put(files.dir(), &place, &name)
        };
        let path = put().map_err(|source| ShareError::Copy {
            path: dir.clone(),
            source,
        })?;
        files.used_changed();
        Ok::<_, ShareError>((path, dir, list, kept))
    });
    let (path, dir, list, mut kept) = placed.await.map_err(|_| ShareError::Closed)??;
    files
        .take(blob_hash(&hash), &path, &dir, list.as_ref())
        .await
        .map_err(ShareError::Store)?;
    let media_type = match (folder, media_type) {
        (true, _) => FOLDER_MEDIA_TYPE.to_owned(),
        (false, claimed) if claimed == FOLDER_MEDIA_TYPE => BYTES_MEDIA_TYPE.to_owned(),
        (false, media_type) => media_type,
    };
    let body = FileBody {
        name,
        size,
        hash,
        media_type,
    };
    let sent = files.announce(body, draft.via, draft.re).await?;
    kept.announced = true;
    Ok(sent)
}

impl Files {
    /// Signs and sends an announcement. Ready when it is durable here.
    async fn announce(
        &self,
        file: FileBody,
        via: String,
        re: Option<MessageId>,
    ) -> Result<Sent, SendError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Announce {
            file,
            via,
            re,
            reply,
        };
        let sent = self.inbox.send(RoomMessage::Request(request)).await;
        sent.map_err(|_| SendError::Closed)?;
        answer.await.unwrap_or(Err(SendError::Closed))
    }
}

/// Tells the copying, which runs on, that nobody waits for it.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Keeps the bytes of a hash from being removed until they are announced, and has them removed again
/// where they are not.
struct Publishing {
    files: Arc<Files>,
    hash: Hash,
    announced: bool,
}

impl Publishing {
    /// Blocking.
    fn begin(files: Arc<Files>, hash: Hash) -> Self {
        *files.publishing().entry(hash).or_default() += 1;
        Self {
            files,
            hash,
            announced: false,
        }
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        let ended = News::ShareEnded(self.hash, self.announced);
        self.files.news().push(ended);
        self.files.wake.notify_one();
    }
}

/// Copies what is shared. Blocking.
struct Copying {
    inspect: Option<Inspect>,
    stop: Arc<AtomicBool>,
    buffer: Vec<u8>,
}

impl Copying {
    fn stage(mut self, room_dir: &Path, path: &Path) -> Result<Staged, ShareError> {
        let unreadable = |source| ShareError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let canonical = fs::canonicalize(path).map_err(unreadable)?;
        let found = fs::metadata(&canonical).map_err(unreadable)?;
        // As it was typed, where that names it at all.
        let name = path.file_name().or_else(|| canonical.file_name());
        let name = file_name(&name.unwrap_or_default().to_string_lossy());
        let walk = if found.is_dir() {
            Some(Walk::over(&canonical)?)
        } else if found.is_file() {
            None
        } else {
            return Err(ShareError::NotAFile {
                path: path.to_owned(),
            });
        };
        let size = walk.as_ref().map_or(found.len(), |walk| walk.size);
        let files_dir = place::files_dir(room_dir);
        let copy_failed = |source| ShareError::Copy {
            path: files_dir.clone(),
            source,
        };
        place::make_dir(&files_dir).map_err(copy_failed)?;
        let free = place::free_bytes(&files_dir);
        if free < size {
            return Err(ShareError::NoSpace { size, free });
        }
        let staging = Staging::new(room_dir).map_err(copy_failed)?;
        let target = staging.path().join(&name);
        let (hash, size, list, left_out) = match walk {
            None => {
                let relative = PathBuf::from(&name);
                let (hash, size) = self.copy(&canonical, &relative, &target)?;
                (hash, size, None, 0)
            }
            Some(walk) => {
                let (list, size) = self.copy_folder(&canonical, &walk, &target)?;
                let hash = Hash::from_bytes(*list.root().as_bytes());
                (hash, size, Some(list), walk.left_out)
            }
        };
        Ok(Staged {
            staging,
            name,
            hash,
            size,
            list,
            left_out,
        })
    }

    fn copy_folder(
        &mut self,
        root: &Path,
        walk: &Walk,
        target: &Path,
    ) -> Result<(FolderList, u64), ShareError> {
        let mut paths = EntryPaths::new();
        let (mut files, mut size) = (Vec::new(), 0);
        for relative in &walk.files {
            let safe = paths.place(&relative.to_string_lossy());
            let safe = safe.map_err(|source| ShareError::Folder {
                path: root.to_owned(),
                source,
            })?;
            let to = target.join(&safe);
            let copied = to.parent().map_or(Ok(()), place::make_dir);
            copied.map_err(|source| ShareError::Copy {
                path: to.clone(),
                source,
            })?;
            let (hash, bytes) = self.copy(&root.join(relative), relative, &to)?;
            files.push((safe, blob_hash(&hash)));
            size += bytes;
        }
        let list = FolderList::of(files).map_err(|error| match error {
            FolderError::Names => ShareError::FolderNames {
                path: root.to_owned(),
                bytes_max: FOLDER_LIST_BYTES_MAX,
            },
            other => ShareError::Store(other.to_string()),
        })?;
        Ok((list, size))
    }

    /// Copies one file, and gives the hash and the number of the bytes that were copied.
    fn copy(
        &mut self,
        canonical: &Path,
        relative: &Path,
        target: &Path,
    ) -> Result<(Hash, u64), ShareError> {
        self.inspect(Inspected::File {
            canonical,
            relative,
        })?;
        let unreadable = |source| ShareError::Unreadable {
            path: canonical.to_owned(),
            source,
        };
        let copy_failed = |source| ShareError::Copy {
            path: target.to_owned(),
            source,
        };
        let changed = || ShareError::Changed {
            path: canonical.to_owned(),
        };
        let mut source = open_source(canonical).map_err(unreadable)?;
        let before = Look::at(&source).map_err(unreadable)?;
        // It is still where it was judged to be: no folder on the way has become a link.
        if fs::canonicalize(canonical).map_err(unreadable)? != canonical
            || Look::of(&fs::metadata(canonical).map_err(unreadable)?) != before
        {
            return Err(changed());
        }
        let mut copy = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(target)
            .map_err(copy_failed)?;
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        let mut buffer = std::mem::take(&mut self.buffer);
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(ShareError::Closed);
            }
            let read = source.read(&mut buffer).map_err(unreadable)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            self.inspect(Inspected::Bytes(&buffer[..read]))?;
            copy.write_all(&buffer[..read]).map_err(copy_failed)?;
            size += read as u64;
        }
        self.buffer = buffer;
        let after = Look::at(&source).map_err(unreadable)?;
        if after != before || size != before.len {
            return Err(changed());
        }
        // Before it is announced, as nothing is told that a power loss could make untrue. Nor does the disk write
        // it then while it is fetched.
        copy.sync_data().map_err(copy_failed)?;
        self.inspect(Inspected::End)?;
        Ok((Hash::from_bytes(*hasher.finalize().as_bytes()), size))
    }

    fn inspect(&mut self, seen: Inspected<'_>) -> Result<(), ShareError> {
        match &mut self.inspect {
            Some(inspect) => inspect(seen).map_err(ShareError::Refused),
            None => Ok(()),
        }
    }
}

/// Opens a file and nothing else: no link, and no pipe that would be waited for.
fn open_source(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(std::io::Error::other("it is no file"))
    }
}

/// What shows that a file is the same as a moment ago.
#[derive(PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Look {
    fn at(file: &File) -> std::io::Result<Self> {
        Ok(Self::of(&file.metadata()?))
    }

    fn of(it: &fs::Metadata) -> Self {
        Self {
            device: it.dev(),
            inode: it.ino(),
            len: it.len(),
            modified: (it.mtime(), it.mtime_nsec()),
            changed: (it.ctime(), it.ctime_nsec()),
        }
    }
}

/// The files below a folder, and what is left out.
struct Walk {
    /// Below the folder, in order.
    files: Vec<PathBuf>,
    size: u64,
    left_out: usize,
}

impl Walk {
    fn over(root: &Path) -> Result<Self, ShareError> {
        let mut walk = Self {
            files: Vec::new(),
            size: 0,
            left_out: 0,
        };
        walk.enter(root, Path::new(""), 1)?;
        if walk.files.is_empty() {
            return Err(ShareError::EmptyFolder {
                path: root.to_owned(),
            });
        }
        Ok(walk)
    }

    fn enter(&mut self, root: &Path, below: &Path, depth: usize) -> Result<(), ShareError> {
        let dir = root.join(below);
        let unreadable = |source| ShareError::Unreadable {
            path: dir.clone(),
            source,
        };
        let entries: Result<Vec<_>, _> = fs::read_dir(&dir).map_err(unreadable)?.collect();
        let mut entries = entries.map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (kind, path) = (
                entry.file_type().map_err(unreadable)?,
                below.join(entry.file_name()),
            );
            if kind.is_dir() {
                self.check(root, depth + 1)?;
                self.enter(root, &path, depth + 1)?;
            } else if kind.is_file() {
                self.size += entry.metadata().map_err(unreadable)?.len();
                self.files.push(path);
                self.check(root, depth)?;
            } else {
                self.left_out += 1;
            }
        }
        Ok(())
    }

    fn check(&self, root: &Path, depth: usize) -> Result<(), ShareError> {
        let source = if self.files.len() > FOLDER_FILES_MAX {
            cc_proto::files::EntryError::TooMany {
                files_max: FOLDER_FILES_MAX,
            }
        } else if depth > FOLDER_DEPTH_MAX {
            cc_proto::files::EntryError::TooDeep {
                depth,
                depth_max: FOLDER_DEPTH_MAX,
            }
        } else {
            return Ok(());
        };
        Err(ShareError::Folder {
            path: root.to_owned(),
            source,
        })
    }
}
