//! Whatever happens to us, the human's prompt goes through.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use cc_proto::render::INJECTION_BYTES_MAX;
use cc_tests::{model_api::Request, on_disk::write_as};
use tokio::process::Command;

use crate::{
    agent::Agent,
    fence::{inside, occurrences},
    stage::Stage,
};

/// More than anybody reads.
const UNREAD: usize = 20_000;
/// The last of them are as long as a message may be.
const LONG: usize = 24;
const LONG_TEXT_BYTES: usize = 16 * 1024;

/// One prompt for each thing that may happen.
pub async fn check(agent: &'static Agent) {
    let Some(mut stage) = Stage::new(agent).await else {
        return;
    };
    stage.cc_connect(&["install", agent.name]).await;

    // The daemon is killed, and much is unread.
    stage.bob.cc_connect(&["stop", "--json"], "").await;
    stage.kill_daemon().await;
    let short = (0..UNREAD - LONG).map(|n| format!("message {n}"));
    let long = (0..LONG).map(|n| format!("{n} {}", "long ".repeat(LONG_TEXT_BYTES / 5 - 10)));
    let texts: Vec<String> = short.chain(long).collect();
    write_as(&stage.bob, &stage.alice, &stage.room, &texts);
    let is_told = |request: &Request| occurrences(&request.texts(), "[chatroom @bob ") > 0;
    let told = stage.ask_until(&[], is_told).await;
    assert_within_budget(&told);

    // A disk that does not answer: the log opens, but there is no end to waiting for it.
    let log = Stuck::in_place_of(&stage.alice.room_dir(&stage.room).join("log.jsonl")).await;
    assert_bare(&stage.ask(false).await);
    log.release();

    // A home in which nothing is what it should be.
    for path in [
        "bindings.json",
        "config.json",
        "identity",
        "pause.json",
        "sessions",
    ] {
        spoil(&stage.alice.cc_home().join(path));
    }
    for path in ["log.jsonl", "view.json", "cursors"] {
        spoil(&stage.alice.room_dir(&stage.room).join(path));
    }
    assert_bare(&stage.ask(false).await);

    // Whatever runs in our place fails.
    let scripts = [
        "#!/bin/sh\necho noise >&2; echo noise; exit 1\n",
        "#!/bin/sh\nkill -9 $$\n",
    ];
    let scripts = if agent.is_slow {
        &scripts[1..]
    } else {
        &scripts
    };
    for script in scripts {
        // Not through the link: that is everybody's program.
        fs::remove_file(stage.ours()).unwrap();
        fs::write(stage.ours(), script).unwrap();
        fs::set_permissions(stage.ours(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_bare(&stage.ask(false).await);
    }
    fs::remove_file(stage.ours()).unwrap();
    assert_bare(&stage.ask(false).await);
}

/// The prompt went out as the human typed it.
fn assert_bare(request: &Request) {
    let prompt = request.texts();
    assert_eq!(occurrences(&prompt, "[chatroom @"), 0, "{prompt:#?}");
}

/// What was told is whole, and short: the agent cut nothing out of it, nor off it.
fn assert_within_budget(request: &Request) {
    let prompt = request.texts();
    let mut pieces = prompt.iter();
    let piece = pieces.find(|piece| piece.text.contains("[chatroom @bob "));
    let inside = inside(&piece.expect("news").text, "[chatroom @bob ");
    let bytes: usize = inside.iter().map(|line| line.len() + 1).sum();
    assert!(bytes <= INJECTION_BYTES_MAX, "{bytes} bytes");
    let counted = inside.iter().any(|line| line.contains(" earlier messages"));
    assert!(counted, "{inside:#?}");
}

/// Puts bytes that mean nothing in place of a file or a folder.
fn spoil(path: &Path) {
    let _ = fs::remove_dir_all(path);
    let _ = fs::remove_file(path);
    fs::write(path, [0xff, b'{', 0, b'\n']).unwrap();
}

/// A pipe in place of a file: whoever opens it waits for somebody at its other end.
struct Stuck {
    path: PathBuf,
}

impl Stuck {
    async fn in_place_of(path: &Path) -> Self {
        fs::remove_file(path).unwrap();
        let made = Command::new("mkfifo").arg(path).status().await;
        assert!(made.expect("mkfifo").success());
        Self {
            path: path.to_owned(),
        }
    }

    /// Lets go whoever still waits: they find the file empty.
    fn release(self) {
        drop(
            File::options()
                .read(true)
                .write(true)
                .open(&self.path)
                .unwrap(),
        );
    }
}
