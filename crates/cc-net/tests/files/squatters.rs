//! Members who announce what would take another file's place, or more than a disk has room for names.

use std::sync::Arc;

use cc_net::{FileState, FileStatus, Room};
use cc_proto::body::{Body, File, Retract};
use cc_proto::id::Hash;
use cc_proto::message::SignedMessage;

use crate::common::{Machine, wait_for_texts};
use crate::peer::{HostilePeer, Pen};
use crate::scene::{bytes, get, nothing_by_itself, read, share, share_bytes, until, until_here};

/// The hash of which the first half is that of another.
fn beside(hash: &Hash) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[31] ^= 1;
    Hash::from_bytes(bytes)
}

fn announcement(pen: &mut Pen, file: &FileStatus, size: u64, hash: Hash) -> SignedMessage {
    pen.write(Body::File(File {
        name: file.name.clone(),
        size,
        hash,
        media_type: file.media_type.clone(),
    }))
}

fn retraction(pen: &mut Pen, message: &SignedMessage) -> SignedMessage {
    pen.write(Body::Retract(Retract {
        author: message.header.author,
        chain: message.header.chain,
        seq: message.header.seq,
        message: message.header.id(),
    }))
}

async fn listed(room: &Room, file: &FileStatus, message: &SignedMessage) -> FileStatus {
    let squatter = FileStatus {
        id: message.header.id(),
        ..file.clone()
    };
    until(room, &squatter, |_| true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_claims_the_place_of_a_file_neither_blocks_nor_removes_it() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let bob = Machine::start(2).await;
    let his = bob.join(&hers).await;
    for room in [&hers, &his] {
        nothing_by_itself(room).await;
    }
    let mallory = Arc::new(HostilePeer::start(66).await);
    let mut pen = mallory.join(&alice, &hers).await;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("folder");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("a.txt"), bytes(2, 5000)).unwrap();

    let plain = share_bytes(&hers, "plan.bin", &bytes(1, 5000)).await;
    let folder = share(&hers, &root).await;
    for (file, before) in [(&plain, "one"), (&folder, "two")] {
        let squatter = announcement(&mut pen, file, file.size, beside(&file.hash));
        let larger = announcement(&mut pen, file, file.size + 1, file.hash);
        let sent = [squatter.clone(), larger.clone()];
        mallory.deliver(&alice, &sent).await;
        // Hers is here, and theirs is not, whatever their name and size.
        for message in &sent {
            let seen = listed(&hers, file, message).await;
            assert_eq!((seen.state, seen.path), (FileState::Failed, None));
            assert!(seen.fault.is_some());
        }
        // Who has none of it gets what there is.
        listed(&his, file, &squatter).await;
        get(&his, file).await;
        // Taken back, it takes nothing with it.
        let gone = retraction(&mut pen, &squatter);
        let word = pen.chat(before);
        mallory.deliver(&alice, &[gone, word]).await;
        wait_for_texts(&his, &[before]).await;
    }
    // News is seen to in order: what is taken back last is gone only after all the rest was seen to.
    let last = share_bytes(&hers, "last.bin", &bytes(3, 10)).await;
    for room in [&hers, &his] {
        get(room, &last).await;
        assert_eq!(read(&room.file(&plain.id).await.unwrap()), bytes(1, 5000));
        let here = until_here(room, &folder).await;
        let inside = here.path.unwrap().join("a.txt");
        assert_eq!(std::fs::read(inside).unwrap(), bytes(2, 5000));
    }
    // Somebody else still gets both.
    let carol = Machine::start(3).await;
    let carols = carol.join(&hers).await;
    nothing_by_itself(&carols).await;
    assert_eq!(read(&get(&carols, &plain).await), bytes(1, 5000));
    get(&carols, &folder).await;
    for machine in [alice, bob, carol] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_very_many_files_does_not_come_by_itself() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let bob = Machine::start(2).await;
    let his = bob.join(&hers).await;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("many");
    std::fs::create_dir(&root).unwrap();
    for k in 0..1_001 {
        std::fs::write(root.join(format!("{k}")), []).unwrap();
    }
    let many = share(&hers, &root).await;
    let seen = until(&his, &many, |now| now.fault.is_some()).await;
    assert_eq!(seen.state, FileState::Announced, "{seen:?}");
    let before = his.files_used().await.unwrap();
    get(&his, &many).await;
    let used = his.files_used().await.unwrap() - before;
    assert!(used >= 1_001 * 4096, "{used}");
    for machine in [alice, bob] {
        machine.stop().await;
    }
}
