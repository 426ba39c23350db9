//! Sharing, getting and waiting, in a few words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cc_net::{FileSettings, FileState, FileStatus, Room, ShareDraft};

use crate::common::Machine;

/// Bytes that are like no others.
pub fn bytes(seed: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new()
        .update(&[seed])
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

/// A file with these bytes, and the folder that it is in.
pub fn source(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

pub fn draft(path: &Path) -> ShareDraft {
    ShareDraft {
        path: path.to_owned(),
        via: String::new(),
        re: None,
        hash: None,
    }
}

pub async fn share(room: &Room, path: &Path) -> FileStatus {
    let shared = room.share(draft(path), "text/plain".into(), None).await;
    let shared = shared.unwrap();
    assert_eq!(shared.state, FileState::Here);
    shared
}

/// Shares bytes under a name.
pub async fn share_bytes(room: &Room, name: &str, bytes: &[u8]) -> FileStatus {
    let (_dir, path) = source(name, bytes);
    share(room, &path).await
}

/// From now on nothing comes by itself.
pub async fn nothing_by_itself(room: &Room) {
    let settings = FileSettings {
        auto_get_bytes: 0,
        ..room.file_settings()
    };
    room.set_file_settings(settings).await.unwrap();
}

/// Returns once the file is as wanted.
pub async fn until(
    room: &Room,
    file: &FileStatus,
    wanted: impl Fn(&FileStatus) -> bool,
) -> FileStatus {
    let mut events = room.events();
    let mut last = None;
    let come = async {
        loop {
            let now = room.file(&file.id).await;
            match now {
                Ok(now) if wanted(&now) => return now,
                now => last = Some(now),
            }
            events.next().await.expect("the room is open");
        }
    };
    let come = tokio::time::timeout(Duration::from_mins(1), come).await;
    come.unwrap_or_else(|_| panic!("waited too long at {}: {last:?}", room.nick()))
}

pub async fn until_here(room: &Room, file: &FileStatus) -> FileStatus {
    until(room, file, |now| {
        assert_ne!(now.state, FileState::Failed, "{now:?}");
        now.state == FileState::Here
    })
    .await
}

/// Wants a file, and waits for it.
pub async fn get(room: &Room, file: &FileStatus) -> FileStatus {
    until(room, file, |_| true).await;
    room.get_file(&file.id).await.unwrap();
    until_here(room, file).await
}

/// What is said of a file that does not come.
pub async fn until_fault(room: &Room, file: &FileStatus, words: &str) -> FileStatus {
    until(room, file, |now| {
        assert_ne!(now.state, FileState::Here, "{now:?}");
        now.fault
            .as_ref()
            .is_some_and(|fault| fault.contains(words))
    })
    .await
}

pub fn read(file: &FileStatus) -> Vec<u8> {
    std::fs::read(file.path.as_ref().expect("it is here")).unwrap()
}

/// Turns one bit of a file.
pub fn flip(path: &Path, at: usize) {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at as u64).unwrap();
}

/// Machines in one room, the first one's, in which nothing comes by itself.
pub async fn meet<const N: usize>() -> ([Machine; N], [Room; N]) {
    let mut machines = Vec::new();
    let mut rooms: Vec<Room> = Vec::new();
    for seed in 1..=N {
        let machine = Machine::start(seed as u8).await;
        let room = match rooms.first() {
            None => machine.create("planning").await,
            Some(first) => machine.join(first).await,
        };
        nothing_by_itself(&room).await;
        machines.push(machine);
        rooms.push(room);
    }
    let machines: Result<[Machine; N], _> = machines.try_into();
    let rooms: Result<[Room; N], _> = rooms.try_into();
    (machines.ok().unwrap(), rooms.unwrap())
}
