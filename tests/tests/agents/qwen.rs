//! Qwen Code.

use cc_tests::{machine::Machine, model_api::ModelApi};
use tokio::process::Command;

use crate::{
    agent::{Agent, Pin, Turn, write},
    delivery, failures,
};

static QWEN: Agent = Agent {
    name: "qwen",
    folder: "more",
    pin: Pin::Npm("@qwen-code/qwen-code"),
    program: "node_modules/.bin/qwen",
    required: false,
    seed,
    ask,
    tools: Some("mcp__cc-connect__"),
    own: &[
        ".qwen/.openai-logs-cleanup*",
        ".qwen/extension-store",
        ".qwen/extensions",
        ".qwen/installation_id",
        ".qwen/memories",
        ".qwen/output-language.md",
        ".qwen/projects",
        ".qwen/skills",
        ".qwen/tmp",
        ".qwen/usage",
        ".qwen/usage_record.jsonl",
    ],
    goes_on: true,
    is_slow: true,
};

fn seed(machine: &Machine, _: &ModelApi) {
    // It would write `$version` itself where that is missing, and memories ask a model of their own.
    let settings = r#"{"privacy":{"usageStatisticsEnabled":false},
    "memory":{"enableManagedAutoMemory":false}, "$version":4}
"#;
    write(machine, ".qwen/settings.json", settings);
}

fn ask(command: &mut Command, model: &ModelApi, turn: Turn<'_>) {
    command
        .args(turn.is_next.then_some("--continue"))
        .args(["-p", turn.prompt])
        .env("OPENAI_API_KEY", "fake")
        .env("OPENAI_BASE_URL", format!("{}/v1", model.base_url()))
        .env("OPENAI_MODEL", "fake-model");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    delivery::check(&QWEN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_blocks_the_human() {
    failures::check(&QWEN).await;
}
