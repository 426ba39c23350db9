//! Members who announce what is not there, or give what was not announced.

use std::sync::Arc;

use cc_net::{FileState, FileStatus, Room, RoomEvent};
use cc_proto::body::{Body, File};
use cc_proto::files::FOLDER_MEDIA_TYPE;
use cc_proto::frames::RoomTag;
use cc_proto::id::Hash;
use iroh_blobs::format::collection::Collection;
use iroh_blobs::hashseq::HashSeq;
use iroh_blobs::provider::events::{EventMask, EventSender, ProviderMessage, ThrottleMode};
use iroh_blobs::provider::handle_connection;
use iroh_blobs::store::mem::MemStore;
use tokio::task::JoinSet;

use crate::common::{Machine, wait_for_texts, within};
use crate::peer::{HostilePeer, Pen};
use crate::scene::{bytes, flip, get, nothing_by_itself, read, until, until_fault};

/// A member who announces by hand, and serves whatever is in its store.
struct Liar {
    alice: Machine,
    hers: Room,
    mallory: Arc<HostilePeer>,
    pen: Pen,
    store: MemStore,
    serving: JoinSet<()>,
}

impl Liar {
    async fn start() -> Self {
        Self::giving(EventSender::DEFAULT).await
    }

    /// One who gives as whoever hears `sender` lets it.
    async fn giving(sender: EventSender) -> Self {
        let alice = Machine::start(1).await;
        let hers = alice.create("planning").await;
        nothing_by_itself(&hers).await;
        let mallory = Arc::new(HostilePeer::start(66).await);
        let pen = mallory.join(&alice, &hers).await;
        let alpn = RoomTag::of(&hers.id()).blobs_alpn();
        mallory.endpoint.set_alpns(vec![alpn]);
        let store = MemStore::new();
        let mut serving = JoinSet::new();
        let (peer, serves) = (mallory.clone(), store.clone());
        serving.spawn(async move {
            let mut served = JoinSet::new();
            while let Some(incoming) = peer.endpoint.accept().await {
                let Ok(connection) = incoming.await else {
                    continue;
                };
                let store = (*serves).clone();
                served.spawn(handle_connection(connection, store, sender.clone()));
            }
        });
        Self {
            alice,
            hers,
            mallory,
            pen,
            store,
            serving,
        }
    }

    async fn has(&self, bytes: Vec<u8>) -> Hash {
        let tag = self.store.add_bytes(bytes).await.unwrap();
        Hash::from_bytes(*tag.hash.as_bytes())
    }

    /// What alice has of a file that mallory announces.
    async fn announce(
        &mut self,
        name: &str,
        size: u64,
        hash: Hash,
        media_type: &str,
    ) -> FileStatus {
        let message = self.pen.write(Body::File(File {
            name: name.into(),
            size,
            hash,
            media_type: media_type.into(),
        }));
        let id = message.header.id();
        self.mallory.deliver(&self.alice, &[message]).await;
        let mut events = self.hers.events();
        within("the announcement", async {
            loop {
                if let Ok(file) = self.hers.file(&id).await {
                    return file;
                }
                events.next().await.unwrap();
            }
        })
        .await
    }

    /// How a file that is wanted fails.
    async fn fails(&self, file: &FileStatus) -> String {
        self.hers.get_file(&file.id).await.unwrap();
        let failed = until(&self.hers, file, |now| {
            assert_ne!(now.state, FileState::Here);
            now.state == FileState::Failed
        });
        let failed = failed.await;
        assert_eq!((failed.have, failed.path), (0, None));
        failed.fault.unwrap()
    }

    async fn end(mut self) {
        // Chat goes on.
        let word = self.pen.chat("a good word");
        self.mallory.deliver(&self.alice, &[word]).await;
        wait_for_texts(&self.hers, &["a good word"]).await;
        self.serving.shutdown().await;
        self.mallory.endpoint.close().await;
        self.alice.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_are_lies_are_found_before_anything_is_fetched() {
    let mut liar = Liar::start().await;
    let small = liar.has(bytes(1, 1024)).await;
    let large = liar.has(bytes(2, 1 << 20)).await;
    for (announced, hash) in [
        (10 << 30, small),
        (1, large),
        (0, small),
        ((1 << 20) + 1, large),
    ] {
        let file = liar.announce("x.bin", announced, hash, "").await;
        // More than the disk has is said first.
        if announced == 10 << 30 && file.size > free(&liar.hers) {
            continue;
        }
        let words = liar.fails(&file).await;
        assert!(
            words.contains("was announced with") || words.contains("both be true"),
            "{words}"
        );
    }
    let empty = Hash::from_bytes(*iroh_blobs::Hash::EMPTY.as_bytes());
    let file = liar.announce("x.bin", 7, empty, "").await;
    assert!(liar.fails(&file).await.contains("both be true"));
    // What is true comes.
    let file = liar.announce("x.bin", 1 << 20, large, "").await;
    assert_eq!(read(&get(&liar.hers, &file).await), bytes(2, 1 << 20));
    liar.end().await;
}

fn free(room: &Room) -> u64 {
    let free = rustix::fs::statvfs(room.dir()).unwrap();
    free.f_bavail * free.f_frsize
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_store_is_said_and_not_begun() {
    let mut liar = Liar::start().await;
    let hash = liar.has(bytes(1, 1024)).await;
    let file = liar.announce("x.bin", u64::MAX, hash, "").await;
    liar.hers.get_file(&file.id).await.unwrap();
    let waits = until_fault(&liar.hers, &file, "the disk is too full").await;
    assert_eq!((waits.state, waits.have), (FileState::Waiting, 0));
    liar.hers.cancel_file(&file.id).await.unwrap();
    liar.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_are_none_or_too_much_are_found_before_their_files_come() {
    let mut liar = Liar::start().await;
    let child = liar.has(bytes(1, 100)).await;
    let child = iroh_blobs::Hash::from_bytes(*child.as_bytes());
    let listed = |names: Vec<String>| {
        let collection: Collection = names.into_iter().map(|name| (name, child)).collect();
        let mut blobs = collection.to_blobs();
        [blobs.next().unwrap(), blobs.next().unwrap()]
    };
    let huge: HashSeq = std::iter::repeat_n(child, 1_000_000).collect();
    let none: HashSeq = [child, child].into_iter().collect();
    let evil = [
        (vec![huge.into_inner()], 100, "more than 10000 files"),
        (vec![none.into_inner()], 100, "is none"),
        (vec![bytes(3, 1001).into()], 100, "is none"),
        (
            listed(vec!["a/".repeat(20) + "x"]).to_vec(),
            100,
            "folders deep",
        ),
        (listed(vec!["x".repeat(2 << 20)]).to_vec(), 100, "too long"),
        (
            listed(vec!["a".into(), "b".into()]).to_vec(),
            100,
            "was announced with",
        ),
    ];
    for (blobs, size, words) in evil {
        let mut root = None;
        for blob in blobs {
            root = Some(liar.has(blob.to_vec()).await);
        }
        let file = liar
            .announce("x", size, root.unwrap(), FOLDER_MEDIA_TYPE)
            .await;
        let said = liar.fails(&file).await;
        assert!(said.contains(words), "{said}, not {words}");
    }

    // Names that want out stay in.
    let names = [
        "../../x",
        "/etc/passwd",
        "a\nb",
        "con",
        "-rf",
        "A",
        "a",
        "..",
        "",
    ];
    let blobs = listed(names.map(str::to_owned).to_vec());
    let mut root = None;
    for blob in blobs {
        root = Some(liar.has(blob.to_vec()).await);
    }
    let size = 100 * names.len() as u64;
    let file = liar
        .announce("../../evil\u{202e}", size, root.unwrap(), FOLDER_MEDIA_TYPE)
        .await;
    let got = get(&liar.hers, &file).await;
    let path = got.path.unwrap();
    assert!(path.starts_with(liar.hers.dir().join("files")), "{path:?}");
    let names: Vec<String> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| cc_proto::text::file_name(name) == *name),
        "{names:?}"
    );
    liar.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_other_bytes_or_stops_is_left_for_another() {
    let mut liar = Liar::start().await;
    let content = bytes(1, 400_000);
    let hash = Hash::of(&content);
    let file = liar.announce("x.bin", 400_000, hash, "").await;
    // She does not have it at all.
    liar.hers.get_file(&file.id).await.unwrap();
    until_fault(&liar.hers, &file, "mallory").await;
    // Bob shares the same.
    let bob = Machine::start(2).await;
    let his = bob.join(&liar.hers).await;
    nothing_by_itself(&his).await;
    let shared = crate::scene::share_bytes(&his, "x.bin", &content).await;
    let here = until(&liar.hers, &file, |now| now.state == FileState::Here).await;
    assert_eq!(read(&here), content);
    assert_eq!(shared.hash, hash);
    liar.end().await;
    bob.stop().await;
}

/// So much does she give who stops in the middle.
const GIVEN: u64 = 1 << 20;

/// Lets so many bytes be given, and then has whoever gives fall silent.
fn giving_only(mut left: u64) -> (EventSender, JoinSet<()>) {
    let mask = EventMask {
        throttle: ThrottleMode::Intercept,
        ..EventMask::DEFAULT
    };
    let (sender, mut asked) = EventSender::channel(64, mask);
    let mut stalling = JoinSet::new();
    stalling.spawn(async move {
        let mut unanswered = Vec::new();
        while let Some(message) = asked.recv().await {
            let ProviderMessage::Throttle(message) = message else {
                continue;
            };
            if left < message.size {
                // Neither given nor refused.
                unanswered.push(message);
                continue;
            }
            left -= message.size;
            message.tx.send(Ok(())).await.ok();
        }
    });
    (sender, stalling)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_lost_of_a_part_is_found_once_the_rest_is_there() {
    let (sender, mut stalling) = giving_only(GIVEN);
    let mut liar = Liar::giving(sender).await;
    let content = bytes(1, 4 << 20);
    let hash = liar.has(content.clone()).await;
    let file = liar.announce("x.bin", 4 << 20, hash, "").await;
    liar.hers.get_file(&file.id).await.unwrap();
    until(&liar.hers, &file, |now| now.have > GIVEN / 2).await;
    let dir = liar.hers.dir().to_owned();
    liar.alice = {
        let alice = liar.alice.stop().await;
        // As a power loss may leave it: noted down as there, and not there.
        flip(
            &dir.join(format!("blobs/data/{}.data", hash.to_hex())),
            100_000,
        );
        alice.start().await
    };
    liar.hers = liar.alice.node.rooms().pop().unwrap();
    let bob = Machine::start(2).await;
    let his = bob.join(&liar.hers).await;
    nothing_by_itself(&his).await;
    crate::scene::share_bytes(&his, "x.bin", &content).await;
    let here = until(&liar.hers, &file, |now| now.state == FileState::Here).await;
    assert!(read(&here) == content, "what was lost passed for the file");
    stalling.shutdown().await;
    liar.end().await;
    bob.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_in_the_middle_is_left_and_another_goes_on_where_it_ended() {
    let (sender, mut stalling) = giving_only(GIVEN);
    let mut liar = Liar::giving(sender).await;
    let content = bytes(1, 4 << 20);
    let hash = liar.has(content.clone()).await;
    let file = liar.announce("x.bin", 4 << 20, hash, "").await;
    let mut events = liar.hers.events();
    liar.hers.get_file(&file.id).await.unwrap();
    until(&liar.hers, &file, |now| now.have > GIVEN / 2).await;
    let bob = Machine::start(2).await;
    let his = bob.join(&liar.hers).await;
    nothing_by_itself(&his).await;
    crate::scene::share_bytes(&his, "x.bin", &content).await;
    // She is left for that, and bob is asked: for the rest.
    let (mut had, mut stalled) = (0, false);
    let here = within("the rest", async {
        loop {
            let RoomEvent::File(now) = events.next().await.unwrap() else {
                continue;
            };
            if now.id != file.id {
                continue;
            }
            assert!(now.have >= had, "it began anew: {had}, then {now:?}");
            had = now.have;
            stalled |= now
                .fault
                .as_ref()
                .is_some_and(|fault| fault.contains("mallory: gives it too slowly"));
            if now.state == FileState::Here {
                return now;
            }
        }
    });
    let here = here.await;
    assert!(stalled, "she was left for another reason");
    assert_eq!(read(&here), content);
    stalling.shutdown().await;
    liar.end().await;
    bob.stop().await;
}
