//! GitHub Copilot CLI, offline.

use std::path::Path;

use cc_tests::model_api::ModelApi;
use tokio::process::Command;

use crate::{
    agent::{Agent, Pin, Turn},
    delivery, failures,
};

static COPILOT: Agent = Agent {
    name: "copilot",
    folder: "more",
    pin: Pin::Npm("@github/copilot"),
    program: "node_modules/.bin/copilot",
    required: false,
    seed: |_, _| {},
    ask,
    tools: Some("cc-connect-"),
    own: &[
        ".cache/Microsoft",
        ".copilot/config.json",
        ".copilot/installed-plugins",
        ".copilot/logs",
        ".copilot/session-state",
        ".copilot/session-store.db*",
        ".copilot/settings.json.lock",
    ],
    goes_on: true,
    is_slow: false,
};

fn ask(command: &mut Command, model: &ModelApi, turn: Turn<'_>) {
    // It unpacks 235 MB of itself: once for all tests.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("copilot");
    command
        .args(turn.is_next.then_some("--continue"))
        .args(["-p", turn.prompt])
        .env("COPILOT_OFFLINE", "true")
        .env("COPILOT_AUTO_UPDATE", "false")
        .env(
            "COPILOT_PROVIDER_BASE_URL",
            format!("{}/v1", model.base_url()),
        )
        .env("COPILOT_MODEL", "fake-model")
        .env("XDG_CACHE_HOME", cache);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    delivery::check(&COPILOT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_blocks_the_human() {
    failures::check(&COPILOT).await;
}
