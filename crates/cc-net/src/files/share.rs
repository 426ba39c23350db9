//! From somebody's file to an announcement: the source is opened once, and what is hashed, inspected,
//! copied and announced are the same bytes. Whatever happens to the source afterwards hurts nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cc_proto::body::File as FileBody;
use cc_proto::files::{EntryPaths, FOLDER_MEDIA_TYPE, PlaceOwner};
use cc_proto::id::{Hash, MessageId};
use cc_proto::limits::FOLDER_LIST_BYTES_MAX;
use tokio::sync::oneshot;

use super::announced::News;
use super::folder::{FolderError, FolderList};
use super::place::{self, BUFFER_BYTES, Staging};
use super::source::{Look, Source, Walk, open_source};
use super::types::{
    FileStatus, FilesError, Inspect, Inspected, ShareDraft, ShareError, SourceLook,
};
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
    let (path, wanted) = (draft.path.clone(), draft.hash);
    let staged = files.blocking(move |files| {
        let copying = Copying {
            inspect,
            stop,
            buffer: vec![0; BUFFER_BYTES],
            left: 0,
        };
        let staged = copying.stage(files.dir(), &path)?;
        if wanted.is_some_and(|wanted| wanted != staged.hash) {
            return Err(ShareError::Differs { path });
        }
        Ok(staged)
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

/// Reads and inspects what would be shared, keeps nothing and announces nothing.
pub async fn look(
    files: &Arc<Files>,
    path: PathBuf,
    inspect: Option<Inspect>,
) -> Result<SourceLook, ShareError> {
    let stopped = StopOnDrop::default();
    let stop = stopped.0.clone();
    let looked = files.blocking(move |files| {
        let mut copying = Copying {
            inspect,
            stop,
            buffer: vec![0; BUFFER_BYTES],
            left: 0,
        };
        let source = Source::at(&path)?;
        // What could not be shared is not read either: a hole in a file costs nothing to make.
        check_space(source.size, files.dir())?;
        let (hash, size, list) = copying.read(&source, None)?;
        let folder = list.is_some();
        Ok(SourceLook { hash, size, folder })
    });
    looked.await.map_err(|_| ShareError::Closed)?
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
            place::claim(&dir, PlaceOwner { hash, size })?;
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
    /// So many bytes of the source, as it was looked at first, are not read yet: no more are read.
    left: u64,
}

/// Whether a copy of so many bytes fits on the disk of `dir`.
fn check_space(size: u64, dir: &Path) -> Result<(), ShareError> {
    let free = place::free_bytes(dir);
    if free < size {
        return Err(ShareError::NoSpace { size, free });
    }
    Ok(())
}

impl Copying {
    fn stage(mut self, room_dir: &Path, path: &Path) -> Result<Staged, ShareError> {
        let source = Source::at(path)?;
        let files_dir = place::files_dir(room_dir);
        let copy_failed = |source| ShareError::Copy {
            path: files_dir.clone(),
            source,
        };
        place::make_dir(&files_dir).map_err(copy_failed)?;
        check_space(source.size, &files_dir)?;
        let staging = Staging::new(room_dir).map_err(copy_failed)?;
        let target = staging.path().join(&source.name);
        let (hash, size, list) = self.read(&source, Some(&target))?;
        Ok(Staged {
            staging,
            name: source.name,
            hash,
            size,
            list,
            left_out: source.walk.map_or(0, |walk| walk.left_out),
        })
    }

    /// Reads what is to be shared, and copies it where there is a target: its hash, its size, and what is in it.
    fn read(
        &mut self,
        source: &Source,
        target: Option<&Path>,
    ) -> Result<(Hash, u64, Option<FolderList>), ShareError> {
        self.left = source.size;
        let Some(walk) = &source.walk else {
            let relative = PathBuf::from(&source.name);
            let (hash, size) = self.copy(&source.canonical, &relative, target)?;
            return Ok((hash, size, None));
        };
        let (list, size) = self.copy_folder(&source.canonical, walk, target)?;
        let hash = Hash::from_bytes(*list.root().as_bytes());
        Ok((hash, size, Some(list)))
    }

    fn copy_folder(
        &mut self,
        root: &Path,
        walk: &Walk,
        target: Option<&Path>,
    ) -> Result<(FolderList, u64), ShareError> {
        let mut paths = EntryPaths::new();
        let (mut files, mut size) = (Vec::new(), 0);
        for relative in &walk.files {
            let safe = paths.place(&relative.to_string_lossy());
            let safe = safe.map_err(|source| ShareError::Folder {
                path: root.to_owned(),
                source,
            })?;
            let to = target.map(|target| target.join(&safe));
            if let Some((to, dir)) = to.as_ref().and_then(|to| Some((to, to.parent()?))) {
                place::make_dir(dir).map_err(|source| ShareError::Copy {
                    path: to.clone(),
                    source,
                })?;
            }
            let (hash, bytes) = self.copy(&root.join(relative), relative, to.as_deref())?;
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

    /// Reads one file, and gives the hash and the number of its bytes; copies them where there is a target.
    fn copy(
        &mut self,
        canonical: &Path,
        relative: &Path,
        target: Option<&Path>,
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
            path: target.unwrap_or(canonical).to_owned(),
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
            || before.len > self.left
        {
            return Err(changed());
        }
        let mut copy = match target {
            None => None,
            Some(target) => Some(create(target).map_err(copy_failed)?),
        };
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
            size += read as u64;
            // It grows: nobody knows how far, and the disk was looked at for what it was.
            if size > before.len {
                return Err(changed());
            }
            hasher.update(&buffer[..read]);
            self.inspect(Inspected::Bytes(&buffer[..read]))?;
            if let Some(copy) = &mut copy {
                copy.write_all(&buffer[..read]).map_err(copy_failed)?;
            }
        }
        self.buffer = buffer;
        self.left -= before.len;
        let after = Look::at(&source).map_err(unreadable)?;
        if after != before || size != before.len {
            return Err(changed());
        }
        // Before it is announced, as nothing is told that a power loss could make untrue. Nor does the disk write
        // it then while it is fetched.
        if let Some(copy) = &copy {
            copy.sync_data().map_err(copy_failed)?;
        }
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

fn create(target: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
}
