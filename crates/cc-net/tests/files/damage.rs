//! Bytes that changed on disk, a store that does not open, and what was taken back.

use cc_net::{FileState, FileStatus, Room};
use cc_proto::room::Act;

use crate::common::{send_all, wait_for_texts, within};
use crate::scene::{
    bytes, draft, flip, get, meet, read, share_bytes, until, until_fault, until_here,
};

/// Takes back the announcement of a file.
pub async fn retract(room: &Room, file: &FileStatus) {
    let line = room.reader().unwrap().line(file.n).unwrap();
    let message = line.message.unwrap();
    let header = message.header();
    let act = Act::Retract {
        author: header.author,
        chain: header.chain,
        seq: header.seq,
        message: file.id,
    };
    room.act(act).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_byte_is_found_and_never_handed_on() {
    let ([alice, bob, carol], [hers, his, carols]) = meet::<3>().await;
    for (seed, len, at) in [(1, 3 << 20, 1 << 20), (2, 5_000, 17)] {
        let content = bytes(seed, len);
        let file = share_bytes(&hers, "plan.bin", &content).await;
        until(&carols, &file, |_| true).await;
        let his_file = get(&his, &file).await;
        flip(his_file.path.as_ref().unwrap(), at);
        // Alice has it no more either: gone, not changed.
        std::fs::remove_file(file.path.as_ref().unwrap()).unwrap();
        let gone = hers.verify_file(&file.id).await.unwrap();
        assert_eq!(gone.state, FileState::Damaged);

        carols.get_file(&file.id).await.unwrap();
        until_fault(&carols, &file, "user-2: ").await;

        let found = his.verify_file(&file.id).await.unwrap();
        assert_eq!((found.state, found.path), (FileState::Damaged, None));
        // Nobody has it whole now, but in alice's store.
        let back = get(&hers, &file).await;
        assert_eq!(read(&back), content);
        assert_eq!(read(&until_here(&carols, &file).await), content);
        assert_eq!(read(&get(&his, &file).await), content);
    }
    for machine in [alice, bob, carol] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_open_is_begun_anew_and_chat_goes_on() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let content = bytes(1, 200_000);
    let file = share_bytes(&hers, "plan.bin", &content).await;
    until(&his, &file, |_| true).await;
    let dir = hers.dir().to_owned();
    let alice = alice.stop().await;
    std::fs::write(dir.join("blobs/blobs.db"), "garbage").unwrap();
    let alice = alice.start().await;
    let hers = alice.node.rooms().pop().unwrap();
    send_all(&hers, "hello", 1).await;
    wait_for_texts(&his, &["hello 0"]).await;
    assert_eq!(hers.file(&file.id).await.unwrap().state, FileState::Here);
    assert_eq!(read(&get(&his, &file).await), content);
    assert!(dir.join("blobs.damaged").exists());

    // One that another has open is left alone.
    let alice = alice.stop().await;
    let held = iroh_blobs::store::fs::FsStore::load(dir.join("blobs")).await;
    let held = held.unwrap();
    let alice = alice.start().await;
    let hers = alice.node.rooms().pop().unwrap();
    send_all(&hers, "again", 1).await;
    wait_for_texts(&his, &["again 0"]).await;
    let other = share_bytes(&his, "other.bin", &bytes(2, 1000)).await;
    until(&hers, &other, |_| true).await;
    hers.get_file(&other.id).await.unwrap();
    until_fault(&hers, &other, "already open").await;
    let refused = hers
        .share(draft(&file.path.unwrap()), String::new(), None)
        .await;
    assert!(refused.unwrap_err().to_string().contains("already open"));
    held.shutdown().await.unwrap();
    until_here(&hers, &other).await;
    for machine in [alice, bob] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_goes_and_is_not_served_unless_it_was_announced_twice() {
    let ([alice, bob, carol], [hers, his, carols]) = meet::<3>().await;
    let content = bytes(1, 100_000);
    let first = share_bytes(&hers, "plan.bin", &content).await;
    let second = share_bytes(&hers, "plan.bin", &content).await;
    let other = share_bytes(&hers, "other.bin", &bytes(2, 100_000)).await;
    for file in [&first, &second, &other] {
        get(&his, file).await;
    }
    retract(&hers, &first).await;
    let gone = |room: Room, file: FileStatus| async move {
        let mut events = room.events();
        within("the file to be taken back", async {
            while room.file(&file.id).await.is_ok() {
                events.next().await.expect("the room is open");
            }
        })
        .await;
    };
    gone(his.clone(), first.clone()).await;
    assert_eq!(read(&his.file(&second.id).await.unwrap()), content);
    assert_eq!(read(&get(&carols, &second).await), content);

    let paths = [&hers, &his].map(|room| {
        let place = second.path.as_ref().unwrap().parent().unwrap();
        let place = place.file_name().unwrap();
        room.dir().join("files").join(place)
    });
    let kept = [&hers, &his].map(|room| {
        let data = format!("blobs/data/{}.data", second.hash.to_hex());
        room.dir().join(data)
    });
    assert!(paths.iter().chain(&kept).all(|path| path.exists()));
    retract(&hers, &second).await;
    gone(his.clone(), second.clone()).await;
    within("the bytes to go", async {
        while paths.iter().chain(&kept).any(|path| path.exists()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(his.file(&other.id).await.unwrap().state, FileState::Here);

    // It can be shared anew.
    let anew = share_bytes(&hers, "plan.bin", &content).await;
    assert_eq!(read(&get(&his, &anew).await), content);
    for machine in [alice, bob, carol] {
        machine.stop().await;
    }
}

/// Notes down that a file is not synced, as a power loss leaves it.
fn note_unsynced(dir: &std::path::Path, file: &FileStatus) {
    let path = dir.join("files.json");
    let mut book: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let note = serde_json::json!({
        "id": file.id.to_hex(), "n": file.n.0, "size": file.size, "unsynced": true
    });
    book["files"].as_array_mut().unwrap().push(note);
    std::fs::write(&path, serde_json::to_vec(&book).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_synced_is_read_before_it_is_told_again() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let content = bytes(1, 17 << 20);
    let file = share_bytes(&hers, "plan.bin", &content).await;
    let other = share_bytes(&hers, "other.bin", &content[..5_000]).await;
    let path = get(&his, &file).await.path.unwrap();
    get(&his, &other).await;
    let dir = his.dir().to_owned();
    let address = alice.address();
    let alice = alice.stop().await;
    let bob = bob.stop().await;
    // Stopped in an orderly way, all of it is synced.
    let book = std::fs::read_to_string(dir.join("files.json")).unwrap();
    assert!(!book.contains("unsynced"), "{book}");

    // Whole as it is, it needs nobody else.
    note_unsynced(&dir, &file);
    let bob = bob.start().await;
    let his = bob.node.rooms().pop().unwrap();
    assert_eq!(read(&until_here(&his, &file).await), content);
    let bob = bob.stop().await;

    // The disk did not get all of it.
    note_unsynced(&dir, &file);
    flip(&path, 9 << 20);
    let bob = bob.start().await;
    let his = bob.node.rooms().pop().unwrap();
    until_fault(&his, &file, "not reached").await;
    assert!(!path.exists(), "a hook would tell of it");
    assert_eq!(his.file(&other.id).await.unwrap().state, FileState::Here);
    let alice = alice.start_at(address).await;
    assert_eq!(read(&until_here(&his, &file).await), content);
    for machine in [alice, bob] {
        machine.stop().await;
    }
}
