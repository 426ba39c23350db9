//! Codex, with the human's trust in our hook given on the command line.

use cc_tests::{machine::Machine, model_api::ModelApi};
use tokio::process::Command;

use crate::{
    agent::{Agent, Pin, Turn, write},
    delivery, failures,
};

static CODEX: Agent = Agent {
    name: "codex",
    folder: "",
    pin: Pin::Npm("@openai/codex"),
    program: "node_modules/.bin/codex",
    required: true,
    seed,
    ask,
    tools: Some("mcp__cc_connect."),
    own: &[
        ".codex/.sandbox_migration",
        ".codex/.tmp",
        ".codex/goals_1.sqlite*",
        ".codex/installation_id",
        ".codex/logs_2.sqlite*",
        ".codex/memories_1.sqlite*",
        ".codex/queue_1.sqlite*",
        ".codex/sessions",
        ".codex/shell_snapshots",
        ".codex/skills",
        ".codex/state_5.sqlite*",
        ".codex/thread-writer-locks",
        ".codex/thread_history_1.sqlite*",
        ".codex/tmp",
    ],
    goes_on: true,
    is_slow: false,
};

fn seed(machine: &Machine, model: &ModelApi) {
    let config = format!(
        "# mine\nmodel_provider = \"fake\"   # not real\ncheck_for_update_on_startup = false\n\n\
         [model_providers.fake]\nname = \"fake\"\nbase_url = \"{}/v1\"\n\
         env_key = \"OPENAI_API_KEY\"\nwire_api = \"responses\"\n",
        model.base_url()
    );
    write(machine, ".codex/config.toml", &config);
}

fn ask(command: &mut Command, _: &ModelApi, turn: Turn<'_>) {
    command.arg("exec");
    if turn.is_next {
        command.args(["resume", "--last"]);
    }
    // To a model that it does not know it offers each tool by its name.
    command
        .args(["--skip-git-repo-check", "--dangerously-bypass-hook-trust"])
        .args(["-m", "fake-model", turn.prompt])
        .env("OPENAI_API_KEY", "sk-fake");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    delivery::check(&CODEX).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_blocks_the_human() {
    failures::check(&CODEX).await;
}
