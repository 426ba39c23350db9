//! opencode, into which we come as a plugin.

use cc_tests::{machine::Machine, model_api::ModelApi};
use tokio::process::Command;

use crate::{
    agent::{Agent, Pin, Turn, write},
    delivery, failures,
};

static OPENCODE: Agent = Agent {
    name: "opencode",
    folder: "",
    pin: Pin::Npm("opencode-ai"),
    program: "node_modules/.bin/opencode",
    required: true,
    seed,
    ask,
    tools: Some("cc-connect_"),
    own: &[
        ".config/opencode/.gitignore",
        ".local/share/opencode",
        ".local/state/opencode",
        ".cache/opencode",
        ".npm",
    ],
    goes_on: true,
    is_slow: true,
};

fn seed(machine: &Machine, model: &ModelApi) {
    // It would write `$schema` itself where that is missing.
    let config = format!(
        r#"{{"$schema":"https://opencode.ai/config.json","model":"fake/m","provider":{{"fake":{{"npm":"@ai-sdk/openai-compatible",
  "options":{{"baseURL":"{}/v1","apiKey":"sk-fake"}},"models":{{"m":{{}}}}}}}}}}"#,
        model.base_url()
    );
    write(machine, ".config/opencode/opencode.json", &config);
}

fn ask(command: &mut Command, _: &ModelApi, turn: Turn<'_>) {
    command
        .args(["run", "--title", "databases", turn.prompt])
        .args(turn.is_next.then_some("--continue"))
        .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
        .env("OPENCODE_DISABLE_MODELS_FETCH", "1")
        // It would fetch its plugins' library, and wait for that.
        .env("npm_config_registry", "http://127.0.0.1:9")
        .env("npm_config_fetch_retries", "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    delivery::check(&OPENCODE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_blocks_the_human() {
    failures::check(&OPENCODE).await;
}
