//! Folders: one announcement for all that is in them.

use std::path::Path;

use cc_net::FileState;
use cc_proto::files::FOLDER_MEDIA_TYPE;

use crate::common::Machine;
use crate::scene::{bytes, flip, get, meet, nothing_by_itself, share, until};

fn write(root: &Path, name: &str, content: &[u8]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// What is below a folder: paths and bytes.
fn below(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_comes_whole_from_whoever_has_it_and_is_mended() {
    let ([alice, bob, carol], [hers, his, carols]) = meet::<3>().await;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("the plan");
    write(&root, "read me.txt", b"words");
    write(&root, "deep/er/data.bin", &bytes(1, 300_000));
    write(&root, "deep/same.bin", &bytes(1, 300_000));
    write(&root, "empty", b"");
    std::fs::create_dir(root.join("nothing in it")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", root.join("deep/etc")).unwrap();

    let shared = share(&hers, &root).await;
    assert!(shared.folder && shared.media_type == FOLDER_MEDIA_TYPE);
    assert_eq!((shared.name.as_str(), shared.size), ("the plan", 600_005));
    let words = shared.fault.clone().unwrap();
    assert!(words.contains("left out: 2"), "{words}");
    let expected: Vec<(String, Vec<u8>)> = [
        ("deep/er/data.bin", bytes(1, 300_000)),
        ("deep/same.bin", bytes(1, 300_000)),
        ("empty", Vec::new()),
        ("read me.txt", b"words".to_vec()),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .to_vec();
    assert_eq!(below(shared.path.as_ref().unwrap()), expected);

    let got = get(&his, &shared).await;
    assert_eq!(below(got.path.as_ref().unwrap()), expected);
    until(&carols, &shared, |_| true).await;
    alice.stop().await;
    let at_carol = get(&carols, &shared).await;
    assert_eq!(below(at_carol.path.as_ref().unwrap()), expected);
    let checked = carols.verify_file(&shared.id).await.unwrap();
    assert_eq!(checked.state, FileState::Here);

    flip(&at_carol.path.unwrap().join("deep/er/data.bin"), 150_000);
    let damaged = carols.verify_file(&shared.id).await.unwrap();
    assert_eq!((damaged.state, damaged.path), (FileState::Damaged, None));
    assert!(damaged.fault.unwrap().contains("data.bin"));
    let mended = get(&carols, &shared).await;
    assert_eq!(below(mended.path.as_ref().unwrap()), expected);

    // What was mended is handed on.
    bob.stop().await;
    let dave = Machine::start(4).await;
    let daves = dave.join(&carols).await;
    nothing_by_itself(&daves).await;
    assert_eq!(
        below(get(&daves, &shared).await.path.as_ref().unwrap()),
        expected
    );
    for machine in [carol, dave] {
        machine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_too_much_in_it_is_not_shared() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("deep");
    write(&deep, &format!("{}x", "a/".repeat(16)), b"words");
    let draft = crate::scene::draft(&deep);
    let refused = room.share(draft, String::new(), None).await.unwrap_err();
    assert!(refused.to_string().contains("folders deep"), "{refused}");
    assert!(room.files(None, 9).await.unwrap().is_empty());
    alice.stop().await;
}
