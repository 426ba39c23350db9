//! Cline, into which we come as a plugin. It has the prompt fail where a plugin does.

use cc_tests::{machine::Machine, model_api::ModelApi};
use tokio::process::Command;

use crate::{
    agent::{Agent, Pin, Turn, write},
    delivery, failures,
};

static CLINE: Agent = Agent {
    name: "cline",
    folder: "more",
    pin: Pin::Npm(PACKAGE),
    program: "node_modules/.bin/cline",
    required: false,
    seed,
    ask,
    tools: Some("cc-connect__"),
    own: &[
        ".cline/data/cache",
        ".cline/data/db",
        ".cline/data/locks",
        ".cline/data/logs",
        ".cline/data/sessions",
        // It notes there when it last asked a model.
        ".cline/data/settings/providers.json",
    ],
    goes_on: false,
    is_slow: true,
};

/// The program for this machine alone: the package `cline` brings three times as much. To load a plugin it needs
/// `@cline/shared` and `jiti` beside it, in the versions that `cline` has them.
const PACKAGE: &str = if cfg!(target_os = "macos") {
    if cfg!(target_arch = "aarch64") {
        "@cline/cli-darwin-arm64"
    } else {
        "@cline/cli-darwin-x64"
    }
} else if cfg!(target_arch = "aarch64") {
    "@cline/cli-linux-arm64"
} else {
    "@cline/cli-linux-x64"
};

fn seed(machine: &Machine, model: &ModelApi) {
    let settings = format!(
        r#"{{"provider":"openai-compatible","apiKey":"sk-fake","model":"fake-model","baseUrl":"{}/v1"}}"#,
        model.base_url()
    );
    let providers = format!(
        r#"{{"version":1,"lastUsedProvider":"openai-compatible","modes":{{}},"providers":{{"openai-compatible":{{"settings":{settings},
"updatedAt":"2026-01-01T00:00:00.000Z","tokenSource":"manual"}}}}}}"#
    );
    write(machine, ".cline/data/settings/providers.json", &providers);
    let global = r#"{"telemetryOptOut":true,"autoUpdateEnabled":false}"#;
    write(machine, ".cline/data/settings/global-settings.json", global);
}

fn ask(command: &mut Command, _: &ModelApi, turn: Turn<'_>) {
    command
        .arg(turn.prompt)
        // Otherwise it leaves a daemon of its own behind.
        .env("CLINE_SESSION_BACKEND_MODE", "local")
        .env("CLINE_NO_AUTO_UPDATE", "1")
        // It leaves out a plugin that it could not load in time.
        .env("CLINE_PLUGIN_IMPORT_TIMEOUT_MS", "30000");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    delivery::check(&CLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_blocks_the_human() {
    failures::check(&CLINE).await;
}
