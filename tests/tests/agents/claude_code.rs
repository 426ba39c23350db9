//! Claude Code, for which both a plugin folder and the user's own settings have to stay as they are.

use cc_tests::{machine::Machine, model_api::ModelApi};
use tokio::process::Command;

use crate::{
    agent::{Agent, Pin, Turn, write},
    delivery, failures,
};

/// A settings file as a user may have it: their own hook beside ours, keys that we do not know,
/// and a layout that no serializer of ours would print.
const SETTINGS: &str = r#"{
    "permissions": { "allow": ["Bash(ls:*)"],   "deny": [] },
  "hooks": {
    "UserPromptSubmit": [ {"hooks": [{"type": "command", "command": "true"}]} ],
    "Stop": []
  },
    "zz-unknown": [1.0, 1e3, "\u00e9"]
}
"#;

static CLAUDE_CODE: Agent = Agent {
    name: "claude",
    folder: "",
    pin: Pin::Npm("@anthropic-ai/claude-code"),
    program: "node_modules/.bin/claude",
    required: true,
    seed,
    ask,
    tools: Some("mcp__cc-connect__"),
    own: &[
        ".claude.json",
        ".claude/backups",
        ".claude/plugins",
        ".claude/projects",
        ".claude/sessions",
        ".claude/session-env",
        ".cache/claude-cli-nodejs",
    ],
    goes_on: true,
    is_slow: false,
};

fn seed(machine: &Machine, _: &ModelApi) {
    write(machine, ".claude/settings.json", SETTINGS);
}

/// With a key and a model that are not real.
fn ask(command: &mut Command, model: &ModelApi, turn: Turn<'_>) {
    command
        .args(["-p", turn.prompt])
        .args(turn.is_next.then_some("--continue"))
        .env("ANTHROPIC_BASE_URL", model.base_url())
        .env("ANTHROPIC_API_KEY", "sk-fake")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("DISABLE_AUTOUPDATER", "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    // A current model is shown the hook's text as a system message, an older one inside the user's turn.
    let models = [
        ["--model", "claude-opus-5-5"],
        ["--model", "claude-haiku-4-5"],
    ];
    delivery::check_with(&CLAUDE_CODE, &models.each_ref().map(|way| &way[..])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_blocks_the_human() {
    failures::check(&CLAUDE_CODE).await;
}
