//! Where a room's files are on this machine, as far as looking tells: no store is opened, and nobody is asked.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use cc_log::{AwaitedFile, LogReader, RosterView, Trust, author_tag};
use cc_proto::body::File;
use cc_proto::files::{
    FILES_DIR, FilePlace, OWNER_FILE, PlaceOwner, SharedFile, file_path, file_place, is_folder,
};
use cc_proto::id::ArrivalNo;
use cc_proto::render::FILES_ARRIVED_MAX;

/// A file as it is told of: what its message claims, and where it is. `room_dir` is the room's folder.
///
/// A file is put in its place whole, by renaming, and beside it stands which file that is. So it is here where there is
/// something at its path, a file of the announced size, or a folder, and no link to one, and where the announced hash is all
/// of the hash of what was put there: the path itself has but half of it.
pub fn shared_file(room_dir: &Path, file: &File) -> SharedFile {
    let path = room_dir.join(file_path(&file.hash, &file.name));
    let found = fs::symlink_metadata(&path).is_ok_and(|found| {
        if is_folder(file) {
            found.is_dir()
        } else {
            found.is_file() && found.len() == file.size
        }
    }) && is_its_own(&path, file);
    let place = if found {
        let path = std::path::absolute(&path).unwrap_or(path);
        FilePlace::Here {
            path: path.to_str().map(str::to_owned),
        }
    } else {
        FilePlace::NotHere
    };
    SharedFile::new(file, place)
}

/// Whether what was put where `path` is has the hash that was announced.
fn is_its_own(path: &Path, file: &File) -> bool {
    let mut bytes = [0; PlaceOwner::BYTES + 1];
    let read = fs::File::open(path.with_file_name(OWNER_FILE))
        .and_then(|mut owner| owner.read(&mut bytes));
    let owner = read
        .ok()
        .and_then(|read| PlaceOwner::decode(&bytes[..read]));
    owner.is_some_and(|owner| owner.is_of(file))
}

/// What a cursor is to wait for, where a message says that a file is not here yet.
pub(crate) fn awaited(n: ArrivalNo, file: &File) -> AwaitedFile {
    let (folder, _) = file_place(&file.hash, &file.name);
    AwaitedFile { n, folder }
}

/// Whether a file that a cursor waits for may have come: its folder is there. Nearly always the answer is no, and then
/// no log is opened.
pub(crate) fn may_be_here(room_dir: &Path, files: &[AwaitedFile]) -> bool {
    let dir = room_dir.join(FILES_DIR);
    files.iter().any(|file| dir.join(&file.folder).exists())
}

/// What became of the files that a cursor waits for.
#[derive(Debug, Default)]
pub(crate) struct Awaited {
    /// Those that are here by now and may be told of, in order of arrival, each with a tag of its author: the newest few.
    pub arrived: Vec<(ArrivalNo, u64)>,
    /// Those to be waited for, those of `arrived` included.
    pub still: Vec<AwaitedFile>,
    /// Whether there were others: taken back, or not to be shown any more.
    pub changed: bool,
}

impl Awaited {
    /// Looks after the files of the lines up to `through`; later lines are offered anyway.
    pub fn look(
        log: &LogReader,
        view: &RosterView,
        files: &[AwaitedFile],
        through: ArrivalNo,
    ) -> Self {
        let mut found = Self::default();
        let dir = log.dir().join(FILES_DIR);
        for file in files.iter().rev() {
            let may_be_here = file.n <= through && dir.join(&file.folder).exists();
            let fate = if may_be_here {
                fate_of(log, view, file)
            } else if file.n <= through {
                Fate::Waits
            } else {
                Fate::Gone
            };
            match fate {
                Fate::Gone => {
                    found.changed = true;
                    continue;
                }
                Fate::Here(author_tag) if found.arrived.len() < FILES_ARRIVED_MAX => {
                    found.arrived.push((file.n, author_tag));
                }
                Fate::Here(_) | Fate::Waits => {}
            }
            found.still.push(file.clone());
        }
        found.arrived.reverse();
        found.still.reverse();
        found
    }
}

enum Fate {
    Waits,
    /// With a tag of its author.
    Here(u64),
    Gone,
}

fn fate_of(log: &LogReader, view: &RosterView, awaited: &AwaitedFile) -> Fate {
    let Ok(line) = log.line(awaited.n) else {
        return Fate::Gone;
    };
    let Ok(message) = &line.message else {
        // It may be written again.
        return Fate::Waits;
    };
    let header = message.header();
    let withheld = view.trust(&header.author) != Trust::Inline;
    let file = message
        .file()
        .filter(|file| file_place(&file.hash, &file.name).0 == awaited.folder)
        .filter(|_| !withheld && !view.voids(header, &message.id()));
    let Some(file) = file else {
        return Fate::Gone;
    };
    match shared_file(log.dir(), file).place {
        FilePlace::Here { .. } => Fate::Here(author_tag(&header.author)),
        FilePlace::NotHere => Fate::Waits,
    }
}
