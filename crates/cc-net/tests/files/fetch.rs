//! From one member to another: over restarts, and from whoever has it.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use cc_net::{FileSettings, FileState};

use crate::common::{Machine, within};
use crate::scene::{bytes, get, meet, nothing_by_itself, read, share_bytes, until, until_here};

#[tokio::test(flavor = "multi_thread")]
async fn what_one_shares_another_gets_and_hands_on_when_the_first_is_gone() {
    let ([alice, bob, carol], [hers, his, carols]) = meet::<3>().await;
    for (seed, len) in [(1, 0), (2, 1), (3, 5_000), (4, 16 * 1024), (5, 3 << 20)] {
        let bytes = bytes(seed, len);
        let file = share_bytes(&hers, "../a plan.txt", &bytes).await;
        assert_eq!(file.name, "a plan.txt");
        assert_eq!(
            until(&his, &file, |_| true).await.state,
            FileState::Announced
        );
        let got = get(&his, &file).await;
        assert_eq!(read(&got), bytes);
        let path = got.path.unwrap();
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
        for dir in path.ancestors().skip(1).take(2) {
            assert_eq!(
                std::fs::metadata(dir).unwrap().permissions().mode() & 0o777,
                0o700
            );
        }
        // The store and the file are the same bytes on disk.
        assert!(len == 0 || found.nlink() == 2, "{len}");
    }
    let newest = his.files(None, 2).await.unwrap();
    assert_eq!(newest.len(), 2);
    assert!(newest[0].n > newest[1].n && newest[0].size == 3 << 20);
    assert_eq!(his.files(Some(newest[1].n), 9).await.unwrap().len(), 3);
    until(&carols, &newest[0], |_| true).await;
    alice.stop().await;
    assert_eq!(read(&get(&carols, &newest[0]).await), bytes(5, 3 << 20));
    for machine in [bob, carol] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_come_by_themselves_as_far_as_the_owner_wants() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let bob = Machine::start(2).await;
    let his = bob.join(&hers).await;
    let settings = FileSettings {
        auto_get_bytes: 1000,
        quota_bytes: 1500,
    };
    his.set_file_settings(settings).await.unwrap();
    let small = share_bytes(&hers, "small", &bytes(1, 900)).await;
    until_here(&his, &small).await;
    assert_eq!(his.files_used().await.unwrap(), 900);
    let over = share_bytes(&hers, "over the quota", &bytes(2, 700)).await;
    let large = share_bytes(&hers, "large", &bytes(3, 1001)).await;
    let fits = share_bytes(&hers, "fits", &bytes(4, 600)).await;
    until_here(&his, &fits).await;
    for file in [&over, &large] {
        let now = until(&his, file, |_| true).await;
        assert_eq!(now.state, FileState::Announced);
    }
    // Who asks for it gets it all the same.
    get(&his, &over).await;
    assert_eq!(his.files_used().await.unwrap(), 2200);
    alice.stop().await;
    let bob = bob.stop().await.start().await;
    let his = bob.node.rooms().pop().unwrap();
    assert_eq!(his.file_settings(), settings);
    assert_eq!(his.files_used().await.unwrap(), 2200);
    bob.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wanted_is_fetched_when_its_sharer_comes_back() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let content = bytes(1, 2 << 20);
    let file = share_bytes(&hers, "late.bin", &content).await;
    until(&his, &file, |_| true).await;
    let address = alice.address();
    let alice = alice.stop().await;
    his.get_file(&file.id).await.unwrap();
    let waiting = until(&his, &file, |now| now.fault.is_some()).await;
    assert_eq!(waiting.state, FileState::Waiting);
    // Dropped, as by a program that does not shut down.
    let mut events = his.events();
    let bob = bob.drop_node();
    within("the room to end", async {
        while events.next().await.is_some() {}
    })
    .await;
    let bob = bob.start().await;
    let his = bob.node.rooms().pop().unwrap();
    assert_eq!(his.file(&file.id).await.unwrap().state, FileState::Waiting);
    let alice = alice.start_at(address).await;
    assert_eq!(read(&until_here(&his, &file).await), content);

    let again = his.get_file(&file.id).await.unwrap();
    assert_eq!(again.state, FileState::Here);
    alice.stop().await;
    bob.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_is_wanted_no_more_on_disk_either() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let file = share_bytes(&hers, "plan.bin", &bytes(1, 17 << 20)).await;
    get(&his, &file).await;
    let path = his.dir().join("files.json");
    let id = file.id.to_hex();
    within("the note of it to go", async {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while std::fs::read_to_string(&path).is_ok_and(|book| book.contains(&id)) {
            looks.tick().await;
        }
    })
    .await;
    alice.stop().await;
    bob.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_does_not_come_and_can_be_wanted_again() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let file = share_bytes(&hers, "x.bin", &bytes(1, 100_000)).await;
    until(&his, &file, |_| true).await;
    let alice = alice.stop().await;
    his.get_file(&file.id).await.unwrap();
    let cancelled = his.cancel_file(&file.id).await.unwrap();
    assert_eq!(cancelled.state, FileState::Announced);
    let alice = alice.start().await;
    let hers = alice.node.rooms().pop().unwrap();
    nothing_by_itself(&hers).await;
    let other = share_bytes(&hers, "y.bin", &bytes(2, 100_000)).await;
    get(&his, &other).await;
    assert_eq!(
        his.file(&file.id).await.unwrap().state,
        FileState::Announced
    );
    get(&his, &file).await;
    alice.stop().await;
    bob.stop().await;
}
