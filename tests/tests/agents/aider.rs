//! aider, which has no hook: it reads the file view.

use cc_tests::{machine::Machine, model_api::ModelApi};
use tokio::process::Command;

use crate::{
    agent::{Agent, Pin, Turn, write},
    delivery,
};

static AIDER: Agent = Agent {
    name: "aider",
    folder: "more",
    pin: Pin::Python("aider-chat"),
    program: "venv/bin/aider",
    required: false,
    seed,
    ask,
    tools: None,
    own: &[".aider"],
    goes_on: true,
    is_slow: true,
};

fn seed(machine: &Machine, _: &ModelApi) {
    // Otherwise it fetches a list of prices.
    let prices = ".aider/caches/model_prices_and_context_window.json";
    write(machine, prices, r#"{"x":{}}"#);
}

fn ask(command: &mut Command, model: &ModelApi, turn: Turn<'_>) {
    command
        .args(["--model", "openai/fake", "--message", turn.prompt])
        .args([
            "--yes-always",
            "--no-git",
            "--no-check-update",
            "--analytics-disable",
        ])
        .args([
            "--no-show-release-notes",
            "--no-show-model-warnings",
            "--no-pretty",
        ])
        .args([
            "--chat-history-file",
            "/dev/null",
            "--input-history-file",
            "/dev/null",
        ])
        .env("OPENAI_API_BASE", format!("{}/v1", model.base_url()))
        .env("OPENAI_API_KEY", "sk-fake");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    delivery::check(&AIDER).await;
}
