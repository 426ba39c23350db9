//! Rooms that were left, and that one comes back to.

use super::*;

/// What the daemon says of the first room.
fn listed(chat: &mut Chat, state: State) -> Vec<Ask> {
    let rooms = vec![
        RoomEntry {
            state,
            ..room("aa", "kitchen")
        },
        room("bb", "garden"),
    ];
    chat.told(Told::Rooms(rooms))
}

fn state(chat: &mut Chat, state: State) {
    let room = "aa".repeat(32);
    chat.told(Told::State { room, state });
}

#[test]
fn who_left_is_not_told_that_they_were_removed() {
    let mut chat = Chat::new(3);
    state(&mut chat, State::Left);
    // The room is still open, to tell others of it, and says that we belong no longer.
    listed(&mut chat, State::Removed);
    state(&mut chat, State::Removed);
    let asks = chat.say("one more thing");
    assert!(sends(&asks).is_empty(), "{asks:?}");
    assert_eq!(chat.text(), "one more thing");
    let shown = chat.draw().0;
    assert!(
        shown.contains("you left") && !shown.contains("removed") && !shown.contains("online"),
        "{shown}"
    );

    // One comes back, and can be removed.
    state(&mut chat, State::Joined);
    assert_eq!(
        sends(&chat.press(KeyCode::Enter, KeyModifiers::NONE)).len(),
        1
    );
    state(&mut chat, State::Removed);
    let shown = chat.draw().0;
    assert!(shown.contains("you are no longer a member"), "{shown}");
}

#[test]
fn the_room_that_one_comes_back_to_is_shown() {
    let mut chat = Chat::new(3);
    state(&mut chat, State::Left);
    chat.say("/room garden");
    listed(&mut chat, State::Removed);
    assert_eq!(chat.pane().entry.name, "garden");
    chat.app.joining = true;
    listed(&mut chat, State::Joining);
    assert_eq!(chat.pane().entry.name, "kitchen");
    assert!(!chat.app.joining, "no other room is shown for it");
    // Where nobody here asked for it, the view stays.
    state(&mut chat, State::Left);
    chat.say("/room garden");
    listed(&mut chat, State::Joined);
    assert_eq!(chat.pane().entry.name, "garden");
}
