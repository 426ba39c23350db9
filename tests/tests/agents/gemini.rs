//! Gemini CLI, which would block the prompt where a hook fails and says so.

use cc_tests::{machine::Machine, model_api::ModelApi};
use tokio::process::Command;

use crate::{
    agent::{Agent, Pin, Turn, write},
    delivery, failures,
};

static GEMINI: Agent = Agent {
    name: "gemini",
    folder: "more",
    pin: Pin::Npm("@google/gemini-cli"),
    program: "node_modules/.bin/gemini",
    required: false,
    seed,
    ask,
    tools: Some("mcp_cc-connect_"),
    own: &[
        ".gemini/projects.json",
        ".gemini/installation_id",
        ".gemini/history",
        ".gemini/tmp",
    ],
    goes_on: true,
    is_slow: true,
};

fn seed(machine: &Machine, _: &ModelApi) {
    let settings = "{\n  // no statistics\n  \"privacy\": {\"usageStatisticsEnabled\": false}\n}\n";
    write(machine, ".gemini/settings.json", settings);
}

fn ask(command: &mut Command, model: &ModelApi, turn: Turn<'_>) {
    if turn.is_next {
        command.args(["--resume", "latest"]);
    }
    // Without a model it first asks another one which to take.
    command
        .args(["-m", "gemini-2.5-flash", "-p", turn.prompt])
        .env("GOOGLE_GENAI_USE_VERTEXAI", "true")
        .env("GOOGLE_API_KEY", "fake")
        .env("GOOGLE_VERTEX_BASE_URL", model.base_url())
        .env("GEMINI_CLI_TRUST_WORKSPACE", "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    delivery::check(&GEMINI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_blocks_the_human() {
    failures::check(&GEMINI).await;
}
