//! The cards of files say how the files are, wherever one stands.

use super::*;
use crate::chat::types::FileCard;
use crate::rpc::FileState;

fn asked(asks: &[Ask]) -> Vec<(u64, u64)> {
    let ranges = asks.iter().filter_map(|ask| match ask {
        Ask::Work(Work::FilesOf { first, last, .. }) => Some((*first, *last)),
        _ => None,
    });
    ranges.collect()
}

fn announced(n: u64) -> Entry {
    Entry {
        what: What::File(card(FileState::Announced)),
        ..said(n, "bob", "")
    }
}

fn card(state: FileState) -> FileCard {
    FileCard {
        name: "notes.txt".to_owned(),
        size: 12,
        folder: false,
        state,
        have: 0,
        path: None,
        fault: None,
    }
}

#[test]
fn how_the_files_of_lines_are_is_asked_when_the_lines_come() {
    let mut chat = Chat::new(1000);
    // Announced once more, its bytes are here, and nobody tells.
    assert_eq!(asked(&chat.arrives(announced(1001))), [(1001, 1001)]);
    assert!(chat.draw().0.contains("/get"));
    chat.told(Told::Files {
        room: "aa".repeat(32),
        files: vec![(1001, card(FileState::Here))],
    });
    assert!(!chat.draw().0.contains("/get"));

    // Far back, however many came since.
    let asks = chat.told(Told::Lines(Lines {
        room: "aa".repeat(32),
        came: Came::Around(50),
        entries: vec![said(49, "bob", "x"), announced(50), announced(60)],
        first: 1,
        last: 150,
        len: 1001,
    }));
    assert_eq!(asked(&asks), [(50, 60)]);
    assert_eq!(asked(&chat.arrives(said(1002, "bob", "no file"))), []);
}
