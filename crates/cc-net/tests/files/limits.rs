//! What comes by itself, from whom, and how much of it.

use std::time::Duration;

use cc_log::Trust;
use cc_net::{FileSettings, FileState, FilesError};
use cc_proto::text::file_size;

use crate::common::{Machine, send_all, wait_for_texts, within};
use crate::scene::{bytes, get, meet, read, share_bytes, until, until_here};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_member_who_is_not_inline_comes_by_itself() {
    for trust in [Trust::Muted, Trust::Notice] {
        let alice = Machine::start(1).await;
        let hers = alice.create("planning").await;
        let bob = Machine::start(2).await;
        let his = bob.join(&hers).await;
        let carol = Machine::start(3).await;
        let carols = carol.join(&hers).await;
        wait_for_member(&hers, bob.node.id()).await;
        hers.set_trust(bob.node.id(), trust).await.unwrap();

        let file = share_bytes(&his, "from bob", &bytes(1, 1000)).await;
        send_all(&his, "and a word", 1).await;
        wait_for_texts(&hers, &["and a word 0"]).await;
        // What comes after it does come: it was seen to, and left alone.
        let other = share_bytes(&carols, "from carol", &bytes(2, 1000)).await;
        until_here(&hers, &other).await;
        let left = until(&hers, &file, |_| true).await;
        assert_eq!(
            (left.state, left.have),
            (FileState::Announced, 0),
            "{trust:?}"
        );
        // Nor by a restart.
        let alice = alice.stop().await.start().await;
        let hers = alice.node.rooms().pop().unwrap();
        let last = share_bytes(&carols, "the last", &bytes(3, 1000)).await;
        until_here(&hers, &last).await;
        let left = hers.file(&file.id).await.unwrap();
        assert_eq!(left.state, FileState::Announced, "{trust:?}");
        // Who asks for it gets it.
        assert_eq!(read(&get(&hers, &file).await), bytes(1, 1000));
        for machine in [alice, bob, carol] {
            machine.stop().await;
        }
    }
}

async fn wait_for_member(room: &cc_net::Room, who: cc_proto::id::AuthorId) {
    let mut events = room.events();
    crate::common::within("a member", async {
        loop {
            let status = room.status().await.unwrap();
            if status.members.iter().any(|member| member.author == who) {
                return;
            }
            events.next().await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_held_to_the_quota_gets_no_more_of_what_is_here_and_wanted() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let settings = FileSettings {
        auto_get_bytes: 0,
        quota_bytes: 2500,
    };
    his.set_file_settings(settings).await.unwrap();
    let mut files = Vec::new();
    for seed in 1..=3 {
        files.push(share_bytes(&hers, "a file", &bytes(seed, 1000)).await);
    }
    for file in &files {
        until(&his, file, |_| true).await;
    }
    his.get_file_within_quota(&files[0].id).await.unwrap();
    until_here(&his, &files[0]).await;
    // What is wanted counts as what is here.
    let alice = alice.stop().await;
    let wanted = his.get_file_within_quota(&files[1].id).await.unwrap();
    assert_eq!(wanted.state, FileState::Waiting);
    his.get_file_within_quota(&files[1].id).await.unwrap();
    let refused = his.get_file_within_quota(&files[2].id).await.unwrap_err();
    let FilesError::OverQuota {
        size,
        taken,
        quota_bytes,
    } = refused
    else {
        panic!("{refused}");
    };
    assert_eq!((size, taken, quota_bytes), (1000, 2000, 2500));
    assert_eq!(
        his.file(&files[2].id).await.unwrap().state,
        FileState::Announced
    );
    // Over a restart too.
    let bob = bob.stop().await.start().await;
    let his = bob.node.rooms().pop().unwrap();
    assert!(his.get_file_within_quota(&files[2].id).await.is_err());
    // What a person wants is not taken back by who is held to the quota.
    his.get_file(&files[2].id).await.unwrap();
    his.get_file_within_quota(&files[2].id).await.unwrap();
    let alice = alice.start().await;
    for file in &files[1..] {
        until_here(&his, file).await;
    }
    // It is counted once it is noted down, which is after it is there to be seen.
    within("the last one to be counted", async {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while file_size(his.files_used().await.unwrap()) != "2.9 KiB" {
            looks.tick().await;
        }
    })
    .await;
    for machine in [alice, bob] {
        machine.stop().await;
    }
}
