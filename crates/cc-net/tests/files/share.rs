//! What is shared, and what is refused before anything is announced.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use cc_net::{Inspect, Inspected, Room, ShareError};

use crate::common::{Machine, within};
use crate::scene::{bytes, draft, get, meet, read, share, share_bytes, source};

fn inspect(look: impl FnMut(Inspected<'_>) -> Result<(), String> + Send + 'static) -> Inspect {
    Box::new(look)
}

/// What stands in the folder of the room's files.
fn kept(room: &Room) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(room.dir().join("files"));
    entries
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default()
}

async fn refused(room: &Room, path: &Path, look: Option<Inspect>) -> String {
    let refused = room.share(draft(path), String::new(), look).await;
    assert!(room.files(None, 9).await.unwrap().is_empty());
    assert!(kept(room).is_empty());
    refused.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_announced_that_was_refused_changed_or_is_no_file() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let (dir, path) = source("notes.txt", &bytes(1, 700_000));

    let seen = inspect(|seen| match seen {
        Inspected::End => Err("it holds a secret".to_owned()),
        _ => Ok(()),
    });
    assert_eq!(refused(&room, &path, Some(seen)).await, "it holds a secret");

    let grows = path.clone();
    let grow = inspect(move |seen| {
        if let Inspected::Bytes(_) = seen {
            std::fs::write(&grows, bytes(2, 700_001)).unwrap();
        }
        Ok(())
    });
    let words = refused(&room, &path, Some(grow)).await;
    assert!(words.contains("changed while it was read"), "{words}");

    let missing = refused(&room, &dir.path().join("missing"), None).await;
    assert!(missing.contains("cannot read"), "{missing}");
    let folder = dir.path().join("empty");
    std::fs::create_dir_all(folder.join("below")).unwrap();
    let words = refused(&room, &folder, None).await;
    assert!(words.contains("no file in"), "{words}");
    let socket = dir.path().join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let words = refused(&room, &socket, None).await;
    assert!(words.contains("neither a file nor a folder"), "{words}");
    alice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inspector_sees_where_a_link_leads_and_the_bytes_that_are_shared() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let content = bytes(1, 600_000);
    let (dir, path) = source("real.txt", &content);
    let link = dir.path().join("link.txt");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (tell, told) = mpsc::channel();
    let look = inspect(move |seen| {
        let word = match seen {
            Inspected::File {
                canonical,
                relative,
            } => format!("{} as {}", canonical.display(), relative.display()).into_bytes(),
            Inspected::Bytes(bytes) => bytes.to_vec(),
            Inspected::End => b"end".to_vec(),
        };
        tell.send(word).unwrap();
        Ok(())
    });
    let shared = hers
        .share(draft(&link), "text/plain".into(), Some(look))
        .await;
    let shared = shared.unwrap();
    let words: Vec<Vec<u8>> = told.iter().collect();
    let real = std::fs::canonicalize(&path).unwrap();
    let first = format!("{} as link.txt", real.display());
    assert_eq!(words.first().unwrap(), first.as_bytes());
    assert_eq!(words[1..words.len() - 1].concat(), content);
    assert_eq!(words.last().unwrap(), b"end");
    assert_eq!(
        (shared.name.as_str(), shared.media_type.as_str()),
        ("link.txt", "text/plain")
    );

    // What becomes of the source hurts nobody.
    std::fs::write(&path, b"other words").unwrap();
    assert_eq!(read(&get(&his, &shared).await), content);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read(&shared), content);
    for machine in [alice, bob] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_nobody_waits_for_announces_nothing() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let (_dir, path) = source("notes.txt", &bytes(1, 700_000));
    let (begun, mut begins) = tokio::sync::mpsc::channel(1);
    let (go, goes) = mpsc::channel::<()>();
    let look = inspect(move |seen| {
        if let Inspected::Bytes(_) = seen {
            begun.try_send(()).ok();
            goes.recv_timeout(Duration::from_mins(1)).ok();
        }
        Ok(())
    });
    {
        let sharing = room.share(draft(&path), String::new(), Some(look));
        tokio::select! {
            _ = sharing => panic!("it ended"),
            _ = within("the first bytes", begins.recv()) => {}
        }
    }
    drop(go);
    // Another goes through meanwhile, and the first leaves nothing behind.
    let other = share_bytes(&room, "other", &bytes(2, 10)).await;
    within("the copy to go", async {
        while kept(&room).len() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let files = room.files(None, 9).await.unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].id, other.id);
    alice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_can_be_shared_again_under_another_name() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let content = bytes(1, 50_000);
    let first = share_bytes(&hers, "one.txt", &content).await;
    let second = share_bytes(&hers, "two.txt", &content).await;
    let (_dir, path) = source("one.txt", &content);
    let third = share(&hers, &path).await;
    // Others read nothing of it, whatever becomes of the folder above.
    let mode = |name: &str| {
        let found = std::fs::metadata(hers.dir().join("blobs").join(name)).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777
    };
    assert_eq!((mode("data"), mode("blobs.db")), (0o700, 0o600));
    for file in [&first, &second, &third] {
        assert_eq!(read(&get(&his, file).await), content);
        assert_eq!(read(&hers.file(&file.id).await.unwrap()), content);
    }
    for machine in [alice, bob] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_room_shares_nothing() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let (_dir, path) = source("notes.txt", b"words");
    alice.stop().await;
    let refused = room.share(draft(&path), String::new(), None).await;
    assert!(
        matches!(&refused, Err(ShareError::Store(_) | ShareError::Closed)),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shared_twice_at_once_stays_though_one_is_given_up_or_taken_back() {
    let ([alice, bob], [hers, his]) = meet::<2>().await;
    let content = bytes(1, 400_000);
    let (_dir, path) = source("notes.txt", &content);
    let (first, mut last) = tokio::join!(share(&hers, &path), share(&hers, &path));
    assert_eq!(first.path, last.path);
    crate::damage::retract(&hers, &first).await;
    for round in 0..16 {
        // While the only one that counts is taken back, the same is shared again; another share of it is given up somewhere
        // on its way.
        let given_up = async {
            let sharing = hers.share(draft(&path), String::new(), None);
            let patience = Duration::from_millis(2 * round);
            tokio::time::timeout(patience, sharing).await.ok()
        };
        let taken_back = crate::damage::retract(&hers, &last);
        let (anew, (), other) = tokio::join!(share(&hers, &path), taken_back, given_up);
        if let Some(other) = other {
            crate::damage::retract(&hers, &other.unwrap()).await;
        }
        // What is news after it is seen to after it.
        let marker = share_bytes(&hers, "marker", &[round as u8]).await;
        get(&his, &marker).await;
        let now = hers.verify_file(&anew.id).await.unwrap();
        assert_eq!(now.state, cc_net::FileState::Here, "{round}: {now:?}");
        assert_eq!(read(&now), content);
        last = anew;
    }
    assert_eq!(read(&get(&his, &last).await), content);
    for machine in [alice, bob] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_grows_is_read_no_further_than_it_was_long_and_a_hole_not_at_all() {
    use std::io::Write as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let (dir, path) = source("growing.log", &bytes(1, 300_000));
    let folder = dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("1.txt"), bytes(2, 10)).unwrap();
    let second = folder.join("2.txt");
    std::fs::write(&second, bytes(3, 10)).unwrap();
    // It grows as it is read; and another of the folder before its turn.
    for (shared, grows, length) in [(&path, &path, 300_000), (&folder, &second, 10)] {
        for is_look in [false, true] {
            std::fs::write(grows, bytes(3, length)).unwrap();
            let read = Arc::new(AtomicUsize::new(0));
            let (counted, grows) = (read.clone(), grows.clone());
            let grow = inspect(move |seen| {
                if let Inspected::Bytes(bytes) = seen {
                    let all = counted.fetch_add(bytes.len(), Ordering::Relaxed);
                    let file = std::fs::OpenOptions::new().append(true).open(&grows);
                    if all < 1 << 23 {
                        file.unwrap().write_all(&vec![7; 1 << 19]).unwrap();
                    }
                }
                Ok(())
            });
            let refused = if is_look {
                let looked = room.look_at_source(shared, Some(grow)).await;
                looked.unwrap_err()
            } else {
                let shared = room.share(draft(shared), String::new(), Some(grow)).await;
                shared.unwrap_err()
            };
            assert!(matches!(refused, ShareError::Changed { .. }), "{refused}");
            let read = read.load(Ordering::Relaxed);
            assert!(read <= length, "{read} of {length} bytes, {is_look}");
            assert!(kept(&room).is_empty());
        }
    }

    let hole = dir.path().join("hole.bin");
    let file = std::fs::File::create(&hole).unwrap();
    file.set_len(1 << 43).unwrap();
    let look = || {
        inspect(|seen| match seen {
            Inspected::Bytes(_) => Err("it is read".to_owned()),
            _ => Ok(()),
        })
    };
    let looked = room.look_at_source(&hole, Some(look())).await.unwrap_err();
    let shared = room.share(draft(&hole), String::new(), Some(look())).await;
    for refused in [looked, shared.unwrap_err()] {
        assert!(matches!(refused, ShareError::NoSpace { .. }), "{refused}");
        let words = refused.to_string();
        assert!(
            words.contains("8192.0 GiB") || words.contains("8.0 TiB"),
            "{words}"
        );
        assert!(words.ends_with(" are free above its reserve"), "{words}");
    }
    alice.stop().await;
}
