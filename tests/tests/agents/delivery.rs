//! A peer's message reaches the model, once, as data, and only where the room is; the tools are offered; and nothing
//! is left behind.

use std::{collections::BTreeSet, fs};

use cc_tests::model_api::Request;

use crate::{
    agent::Agent,
    fence::{assert_line_is_fenced, occurrences},
    stage::{LINE, QUESTION, Stage},
    tree::Tree,
};

/// Some of the tools that every agent is offered.
const TOOLS: [&str; 4] = ["room_send", "room_read", "room_wait", "room_members"];

/// The whole way with one agent, from an empty home to the same home.
pub async fn check(agent: &'static Agent) {
    check_with(agent, &[&[]]).await;
}

/// The same, with the first prompt asked with several sets of arguments, each in a session of its own.
pub async fn check_with(agent: &'static Agent, ways: &[&[&str]]) {
    let Some(stage) = Stage::new(agent).await else {
        return;
    };
    let before = Tree::of(&stage.alice);

    // What was put in comes out again, all of it; and the same once more, as that is no accident either.
    for _ in 0..2 {
        stage.cc_connect(&["install", agent.name]).await;
        assert_ne!(Tree::of(&stage.alice), before, "nothing was installed");
        stage.cc_connect(&["uninstall", agent.name]).await;
        let after = Tree::of(&stage.alice);
        assert_eq!(after.changes(&before, &[]), BTreeSet::new());
    }

    stage.cc_connect(&["install", agent.name]).await;
    for way in ways {
        let offered = |request: &Request| {
            let tools = request.tools();
            let prefix = agent.tools.into_iter();
            let mut wanted = prefix.flat_map(|prefix| TOOLS.map(|tool| format!("{prefix}{tool}")));
            wanted.all(|tool| tools.contains(&tool))
        };
        let told = |request: &Request| occurrences(&request.texts(), LINE) > 0;
        let wanted = |request: &Request| told(request) && offered(request);
        let request = stage.ask_until(way, wanted).await;
        let prompt = request.texts();
        assert!(occurrences(&prompt, QUESTION) > 0, "{prompt:#?}");
        assert_line_is_fenced(&prompt);
        assert!(offered(&request), "only {:?}", request.tools());
    }

    // The same session again: nothing is new, so the line stands only in its history.
    if agent.goes_on {
        let again = stage.ask(true).await.texts();
        assert_eq!(occurrences(&again, LINE), 1, "{again:#?}");
    }

    // Elsewhere on the same machine the room does not exist.
    let elsewhere = stage.ask_in(&stage.alice.home(), false, &[]).await.texts();
    assert_eq!(occurrences(&elsewhere, LINE), 0, "{elsewhere:#?}");

    stage.cc_connect(&["uninstall", agent.name]).await;
    let changes = Tree::of(&stage.alice).changes(&before, agent.own);
    assert_eq!(
        changes,
        BTreeSet::new(),
        "neither the agent's own nor as it was"
    );
    let ours = stage.ours().to_string_lossy().into_owned();
    for own in agent.own {
        // Of a folder nothing can be asked: it may hold transcripts. A file of its own may hold settings.
        let content = fs::read(stage.alice.home().join(own)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&content).contains(&ours), "{own}");
    }
}
