//! Members and others who ask for what is not theirs, or not as anybody asks.

use cc_net::{FileState, Room};
use cc_proto::body::{Body, File};
use cc_proto::files::FOLDER_MEDIA_TYPE;
use cc_proto::frames::RoomTag;
use cc_proto::id::Hash;
use cc_proto::room::Act;
use iroh::endpoint::Connection;
use iroh_blobs::get::request::{get_blob, get_unverified_size};
use iroh_blobs::get::{GetError, GetResult};
use iroh_blobs::hashseq::HashSeq;
use iroh_blobs::protocol::{
    ChunkRangesSeq, ERR_PERMISSION, GetManyRequest, GetRequest, ObserveRequest, PushRequest,
    Request, RequestType,
};

use crate::common::{Machine, wait_for_texts, within};
use crate::peer::{HostilePeer, REFUSED};
use crate::scene::{bytes, get, meet, nothing_by_itself, read, share_bytes, until};

fn blob(hash: &Hash) -> iroh_blobs::Hash {
    iroh_blobs::Hash::from_bytes(*hash.as_bytes())
}

async fn take(connection: &Connection, hash: &Hash) -> GetResult<Vec<u8>> {
    let blob = get_blob(connection.clone(), blob(hash)).bytes();
    within("an answer", blob).await.map(|bytes| bytes.to_vec())
}

fn assert_refused<T: std::fmt::Debug>(answer: GetResult<T>) {
    let error: GetError = answer.unwrap_err();
    assert_eq!(error.iroh_error_code(), Some(ERR_PERMISSION), "{error:#}");
}

/// Sends a request as bytes, and gives the code that it is turned down with.
async fn raw(connection: &Connection, request: &[u8]) -> u64 {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(request).await.unwrap();
    send.finish().unwrap();
    match within("an answer", receive.read_to_end(1 << 20)).await {
        Err(iroh::endpoint::ReadToEndError::Read(iroh::endpoint::ReadError::Reset(code))) => {
            code.into_inner()
        }
        other => panic!("answered: {other:?}"),
    }
}

fn alpn(room: &Room) -> Vec<u8> {
    RoomTag::of(&room.id()).blobs_alpn()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_belong_gets_nothing_and_who_is_removed_is_cut_off() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let file = share_bytes(&hers, "plan.bin", &bytes(1, 2 << 20)).await;
    let eve = HostilePeer::start(77).await;
    let knocked = eve.knock(&alice, &alpn(&hers)).await;
    assert!(knocked.contains(&REFUSED.to_string()), "{knocked}");

    let mallory = HostilePeer::start(66).await;
    let mut pen = mallory.join(&alice, &hers).await;
    mallory.deliver(&alice, &[pen.chat("hello")]).await;
    let connection = mallory.dial(&alice, &alpn(&hers)).await;
    assert_eq!(
        take(&connection, &file.hash).await.unwrap(),
        bytes(1, 2 << 20)
    );

    // In the middle of a transfer: her window is small, and she does not read.
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    let request = Request::Get(GetRequest::blob(blob(&file.hash)));
    let request = cc_proto::codec::encode(&request);
    send.write_all(&request).await.unwrap();
    send.finish().unwrap();
    let first = within("the first bytes", receive.read_chunk(100)).await;
    assert!(first.unwrap().is_some());
    let remove = Act::Remove {
        member: mallory.id(),
        keep_invite: true,
    };
    hers.act(remove).await.unwrap();
    within("the end", connection.closed()).await;
    let mut came = 0;
    while let Ok(Some(chunk)) = receive.read_chunk(1 << 16).await {
        came += chunk.len();
    }
    assert!(came < 1 << 20, "{came}");
    let knocked = mallory.knock(&alice, &alpn(&hers)).await;
    assert!(knocked.contains(&REFUSED.to_string()), "{knocked}");
    for peer in [eve, mallory] {
        peer.endpoint.close().await;
    }
    alice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_announced_in_the_room_is_given_and_only_when_asked_for_plainly() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let secret = alice.create("secret").await;
    let hidden = share_bytes(&secret, "hidden.bin", &bytes(9, 50_000)).await;
    let open = share_bytes(&hers, "plan.bin", &bytes(1, 50_000)).await;
    let mallory = HostilePeer::start(66).await;
    let mut pen = mallory.join(&alice, &hers).await;

    // She knows the hash from another room, announces it here, alone and within a folder.
    let links: HashSeq = [blob(&open.hash), blob(&hidden.hash)].into_iter().collect();
    let links = links.into_inner();
    let claims = [
        (hidden.hash, "image/png", 50_000),
        (hidden.hash, FOLDER_MEDIA_TYPE, 50_000),
        (Hash::of(&links), FOLDER_MEDIA_TYPE, 50_000),
    ];
    let claims = claims.map(|(hash, media_type, size)| {
        pen.write(Body::File(File {
            name: "x".into(),
            size,
            hash,
            media_type: media_type.into(),
        }))
    });
    mallory.deliver(&alice, &claims).await;
    let mut events = hers.events();
    within("the announcements", async {
        while hers.files(None, 9).await.unwrap().len() < 4 {
            events.next().await.unwrap();
        }
    })
    .await;
    let connection = mallory.dial(&alice, &alpn(&hers)).await;
    assert_refused(take(&connection, &hidden.hash).await);
    assert_refused(take(&connection, &Hash::of(b"nothing")).await);
    // Nor by way of what is given: bytes that happen to be a list of hashes are a file like any other.
    let list = share_bytes(&hers, "list.bin", &links).await;
    let (hash, ranges) = (blob(&list.hash), ChunkRangesSeq::all());
    let request = GetRequest::new(hash, ranges);
    let bytes = |request| cc_proto::codec::encode(&Request::Get(request));
    assert_eq!(
        raw(&connection, &bytes(request)).await,
        ERR_PERMISSION.into_inner()
    );

    // Other kinds of requests, and what is none.
    let hash = blob(&open.hash);
    let many = GetManyRequest::new(vec![hash], ChunkRangesSeq::all());
    let mut push = vec![RequestType::Push as u8];
    let body = cc_proto::codec::encode(&PushRequest::new(hash, ChunkRangesSeq::root()));
    push.push(body.len() as u8);
    push.extend(body);
    let requests = [
        cc_proto::codec::encode(&Request::GetMany(many)),
        cc_proto::codec::encode(&Request::Observe(ObserveRequest::new(hash))),
        push,
        vec![0xff; 100],
        vec![0; 100_000],
        Vec::new(),
    ];
    for request in &requests {
        assert_eq!(raw(&connection, request).await, ERR_PERMISSION.into_inner());
    }
    let answer = take(&connection, &open.hash).await.unwrap();
    assert_eq!(answer.len(), 50_000);
    within("a size", get_unverified_size(&connection, &hash))
        .await
        .unwrap();
    mallory.endpoint.close().await;
    alice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_very_often_and_takes_nothing_holds_up_nobody() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let content = bytes(1, 3 << 20);
    let file = share_bytes(&hers, "plan.bin", &content).await;
    let mallory = HostilePeer::start(66).await;
    let _pen = mallory.join(&alice, &hers).await;
    let mut connections = Vec::new();
    let mut streams = Vec::new();
    for _ in 0..20 {
        let connection = mallory.dial(&alice, &alpn(&hers)).await;
        let request = cc_proto::codec::encode(&Request::Get(GetRequest::blob(blob(&file.hash))));
        let ask = async {
            while let Ok((mut send, receive)) = connection.open_bi().await {
                send.write_all(&request).await.ok();
                send.finish().ok();
                streams.push(receive);
            }
        };
        // QUIC lets her open so many and no more.
        tokio::time::timeout(std::time::Duration::from_millis(20), ask)
            .await
            .ok();
        connections.push(connection);
    }
    let open = connections
        .iter()
        .filter(|it| it.close_reason().is_none())
        .count();
    assert!(
        open <= cc_net::tuning::BLOBS_CONNECTIONS_PER_PEER_MAX + 1,
        "{open}"
    );
    until(&his, &file, |_| true).await;
    assert_eq!(read(&get(&his, &file).await), content);
    mallory.endpoint.close().await;
    for machine in [alice, bob] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_member_announced_beyond_the_cut_is_not_served() {
    let ([alice, bob, carol], [hers, his, carols]) = meet::<3>().await;
    let before = share_bytes(&his, "before.bin", &bytes(1, 10_000)).await;
    get(&hers, &before).await;
    get(&carols, &before).await;
    // While alice is away he announces more, and carol has it.
    let address = alice.address();
    let alice = alice.stop().await;
    let beyond = share_bytes(&his, "beyond.bin", &bytes(2, 10_000)).await;
    let at_carol = get(&carols, &beyond).await;
    let member = bob.node.id();
    bob.stop().await;
    let carol = carol.stop().await;
    let alice = alice.start_at(address).await;
    let hers = alice.node.rooms().pop().unwrap();
    let keep_invite = true;
    let remove = Act::Remove {
        member,
        keep_invite,
    };
    hers.act(remove).await.unwrap();
    let mallory = HostilePeer::start(66).await;
    let mut pen = mallory.join(&alice, &hers).await;
    mallory.deliver(&alice, &[pen.chat("hello")]).await;
    let carol = carol.start().await;
    let carols = carol.node.rooms().pop().unwrap();
    wait_for_texts(&carols, &["hello"]).await;
    let mut events = carols.events();
    within("the cut", async {
        while carols.file(&beyond.id).await.is_ok() {
            events.next().await.unwrap();
        }
    })
    .await;
    // Carol tells nobody of it, though its bytes are on her disk, and gives it to no member.
    assert!(at_carol.path.unwrap().exists());
    let listed = carols.files(None, 9).await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert!(carols.get_file(&beyond.id).await.is_err());
    let connection = mallory.dial(&carol, &alpn(&carols)).await;
    assert_refused(take(&connection, &beyond.hash).await);
    assert_eq!(
        take(&connection, &before.hash).await.unwrap(),
        bytes(1, 10_000)
    );
    let dave = Machine::start(4).await;
    let daves = dave.join(&hers).await;
    nothing_by_itself(&daves).await;
    // What stood before the removal counts, and is handed on by those who have it.
    let now = until(&daves, &before, |_| true).await;
    assert_eq!(now.state, FileState::Announced);
    assert_eq!(read(&get(&daves, &before).await), bytes(1, 10_000));
    assert!(daves.file(&beyond.id).await.is_err());
    assert!(hers.file(&beyond.id).await.is_err());
    mallory.endpoint.close().await;
    for machine in [alice, carol, dave] {
        machine.stop().await;
    }
}
