//! Who belongs, as a test asks for it.

use std::time::Instant;

use serde_json::{Value, json};

use super::{DEADLINE, Person};

/// The members that a person's room has, by nick.
pub fn members(person: &Person) -> Vec<Value> {
    person.objects(&["members"])
}

pub fn of<'a>(people: &'a [Value], nick: &str) -> &'a Value {
    let found: Vec<&Value> = people
        .iter()
        .filter(|person| person["nick"] == nick)
        .collect();
    assert_eq!(found.len(), 1, "{nick}: {people:#?}");
    found[0]
}

pub fn key(person: &Person) -> String {
    person.object(&["identity"])["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Waits until what a person is told of the members is what the test wants.
pub fn until_members(person: &Person, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut socket = person.connect();
    let room = person.objects(&["room", "list"])[0]["room"].clone();
    socket.call("subscribe", &json!({"room": room}));
    let started = Instant::now();
    loop {
        let people = members(person);
        if wanted(&people) {
            return people;
        }
        assert!(
            started.elapsed() < DEADLINE,
            "{people:#?}\n{}",
            person.daemon_log()
        );
        // Something happens in the room, or the socket's own deadline ends the test.
        socket.line();
    }
}

pub fn belongs(people: &[Value], nick: &str) -> bool {
    people
        .iter()
        .any(|person| person["nick"] == nick && person["member"] == true)
}

/// A room of alice's with bob in it.
pub fn two() -> (Person, Person, String) {
    let (alice, bob) = (Person::new(), Person::new());
    let (_, ticket) = alice.start("shop", "alice");
    bob.join(&ticket, "bob");
    (alice, bob, ticket)
}

pub fn refusal(person: &Person, ticket: &str) -> Value {
    let (error, exit) = person.failure(&[
        "room", "join", ticket, "--nick", "late", "--relay", "none", "--no-ui", "--wait", "60",
    ]);
    assert_eq!((&error["kind"], exit), (&"refused".into(), 1), "{error}");
    error
}
