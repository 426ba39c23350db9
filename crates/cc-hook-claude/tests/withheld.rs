//! What of a room is not told to an agent, and under which names the rest is.

mod support;

use cc_log::{Trust, ViewCut, ViewMember};
use cc_proto::text::fingerprint;
use support::{Author, Machine, TestRoom, chat, now, texts};

/// The lines of an injection between its fences, but the room's.
fn told(machine: &Machine, session: &str) -> Vec<String> {
    let context = machine.prompt(session);
    let mut parts = context.split("\n-----");
    let inside = parts.nth(1).unwrap_or_default().lines().skip(2);
    inside.map(str::to_owned).collect()
}

fn counted(machine: &Machine, session: &str) -> Vec<String> {
    let lines = told(machine, session).into_iter();
    lines
        .filter(|line| line.ends_with("not shown") || line.contains("not shown:"))
        .collect()
}

fn is_settled(machine: &Machine, session: &str) {
    assert_eq!(machine.prompt(session), "");
    assert_eq!(machine.hook_log(), "");
}

fn trust(room: &mut TestRoom, member: usize, trust: Trust) {
    room.view.members[member].trust = trust;
    room.save_view();
}

#[test]
fn a_member_at_notice_is_counted_by_name_and_the_cursor_moves_on() {
    let (mut machine, mut room) = Machine::with_room();
    trust(&mut room, 2, Trust::Notice);
    for n in 1..=3 {
        room.say(&mut machine.carol, &format!("@alice psst {n}"));
    }
    assert_eq!(told(&machine, "s1"), ["3 messages from @carol not shown"]);
    is_settled(&machine, "s1");

    room.say(&mut machine.bob, "hello");
    room.say(&mut machine.carol, "psst");
    let lines = told(&machine, "s1");
    assert_eq!(lines[0], "1 message from @carol not shown");
    assert!(
        lines[1].starts_with("[chatroom @bob ") && lines.len() == 2,
        "{lines:?}"
    );
    is_settled(&machine, "s1");

    trust(&mut room, 2, Trust::Inline);
    is_settled(&machine, "s1");
    room.say(&mut machine.carol, "now you hear me");
    assert_eq!(texts(&machine.prompt("s1")), ["now you hear me"]);
}

#[test]
fn of_a_muted_member_nothing_is_told_and_the_cursor_moves_on() {
    let (mut machine, mut room) = Machine::with_room();
    trust(&mut room, 2, Trust::Muted);
    for n in 1..=3 {
        room.say(&mut machine.carol, &format!("@alice psst {n}"));
    }
    is_settled(&machine, "s1");
    let before = std::fs::read(room.cursor("s1")).unwrap();
    room.say(&mut machine.bob, "hello");
    room.say(&mut machine.carol, "psst");
    assert_eq!(texts(&machine.prompt("s1")), ["hello"]);
    assert!(counted(&machine, "s2").is_empty());
    assert_ne!(std::fs::read(room.cursor("s1")).unwrap(), before);

    trust(&mut room, 2, Trust::Inline);
    is_settled(&machine, "s1");
}

#[test]
fn muting_outlasts_a_removal() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.carol, "stands");
    let mut carol = room.view.members.remove(2);
    carol.trust = Trust::Muted;
    room.view.former.push(carol);
    room.save_view();
    is_settled(&machine, "s1");
}

#[test]
fn what_counts_for_nothing_is_neither_shown_nor_counted() {
    let (mut machine, mut room) = Machine::with_room();
    for n in 1..=300 {
        room.add(&mut machine.bob, now(), "", chat(&format!("bob {n}")));
    }
    room.commit();
    room.view.cuts = vec![ViewCut {
        author: machine.bob.id(),
        chains: vec![(1, 2)],
        others: false,
    }];
    room.save_view();
    assert_eq!(texts(&machine.prompt("s1")), ["bob 1", "bob 2"]);
    assert!(counted(&machine, "s2").is_empty());
    is_settled(&machine, "s1");

    // Of a chain that is not listed nothing counts, unless the others do.
    room.view.cuts[0].chains = vec![(9, 9)];
    room.save_view();
    is_settled(&machine, "s3");
    room.view.cuts[0].others = true;
    room.save_view();
    assert_eq!(texts(&machine.prompt("s4")).last().unwrap(), "bob 300");
}

#[test]
fn a_stray_is_neither_shown_nor_counted() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "counts");
    let n = room.say(&mut machine.bob, "stray");
    let line = room.writer.read(cc_proto::id::ArrivalNo(n)).unwrap();
    room.view.strays = vec![line.id().unwrap()];
    room.save_view();
    assert_eq!(texts(&machine.prompt("s1")), ["counts"]);
    assert!(counted(&machine, "s2").is_empty());
    is_settled(&machine, "s1");
}

fn erase(room: &mut TestRoom, n: u64) {
    let line = room.writer.read(cc_proto::id::ArrivalNo(n)).unwrap();
    let message = line.message.unwrap();
    let header = message.header();
    let id = message.id();
    assert!(
        room.writer
            .erase(&header.author, header.chain, header.seq, &id)
            .unwrap()
    );
    room.commit();
}

#[test]
fn what_was_taken_back_is_neither_shown_nor_counted() {
    let (mut machine, mut room) = Machine::with_room();
    let first = room.say(&mut machine.bob, "@alice taken back");
    room.say(&mut machine.carol, "stays");
    erase(&mut room, first);
    assert_eq!(texts(&machine.prompt("s1")), ["stays"]);
    assert!(counted(&machine, "s2").is_empty());
    // With the cursor on it, and with nothing else unread.
    let last = room.say(&mut machine.bob, "taken back too");
    assert_eq!(texts(&machine.prompt("s1")), ["taken back too"]);
    erase(&mut room, last);
    is_settled(&machine, "s1");
    let last = room.say(&mut machine.bob, "and this");
    erase(&mut room, last);
    is_settled(&machine, "s1");
}

fn names(machine: &Machine, session: &str) -> Vec<String> {
    let lines = told(machine, session).into_iter();
    lines
        .filter_map(|line| {
            Some(
                line.strip_prefix("[chatroom @")?
                    .split(' ')
                    .next()?
                    .to_owned(),
            )
        })
        .collect()
}

#[test]
fn a_name_that_may_be_taken_for_another_carries_a_fingerprint() {
    let (mut machine, mut room) = Machine::with_room();
    let mut mallory = Author::new(4, "b\u{43e}b");
    let mut gone = Author::new(5, "Carol");
    let print = |author: &Author| fingerprint(&author.id());
    let person = |author: &Author| ViewMember {
        author: author.id(),
        nick: author.nick.clone(),
        petname: None,
        root: false,
        admin: false,
        trust: Trust::Inline,
    };
    room.view.members.push(person(&mallory));
    room.view.former.push(person(&gone));
    room.save_view();
    room.say(&mut machine.bob, "x");
    room.say(&mut mallory, "x");
    room.say(&mut machine.carol, "x");
    room.say(&mut gone, "x");
    let shown = [
        format!("bob#{}", print(&machine.bob)),
        format!("b\u{43e}b#{}", print(&mallory)),
        format!("carol#{}", print(&machine.carol)),
        format!("Carol#{}", print(&gone)),
    ];
    assert_eq!(names(&machine, "s1"), shown);

    // A petname is nobody's to claim.
    room.view.members[1].petname = Some("Robert".into());
    room.view.members[2].nick = "r0bert".into();
    room.save_view();
    let names = names(&machine, "s2");
    assert_eq!(names[0], "Robert");
    assert_eq!(names[2], format!("r0bert#{}", print(&machine.carol)));

    // Whom the view does not know is shown by the key alone.
    room.view.former.clear();
    room.save_view();
    assert!(
        machine
            .prompt("s3")
            .contains(&format!("[chatroom @{} ", print(&gone)))
    );
}
