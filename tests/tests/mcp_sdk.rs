//! The official MCP client of another language, pinned in `tests/agents/mcp/package.json`, lists and calls every tool.
//!
//! Fetch it with `npm ci --prefix tests/agents/mcp`. Where it is missing the test says that it is skipped; with
//! `CC_REQUIRE_AGENTS=1`, as in CI, it fails instead.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Write as _, stderr},
    path::{Path, PathBuf},
};

use cc_tests::{
    bins::bin,
    machine::{Machine, run},
};
use serde_json::{Value, json};

const PACKAGE: &str = "@modelcontextprotocol/client";

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_lists_and_calls_every_tool() {
    let Some(client) = client() else { return };
    // Once as most clients begin, and once as those that ask the server what it is without a handshake.
    for mode in [Value::Null, json!("auto")] {
        let alice = Machine::new();
        let (room, _) = alice.start_room("alice").await;
        std::fs::write(alice.project().join("plan.md"), "plan").expect("a file");
        let uris = ["recent", "members", "summary", "files"]
            .map(|part| format!("cc://room/{room}/{part}"));
        let call = |name: &str, args: Value| json!({"name": name, "args": args});
        let plan = json!({
            "mode": mode,
            "calls": [
                call("room_send", json!({"text": "hello from the client"})),
                call("room_read", json!({"mode": "search", "query": "HELLO"})),
                call("room_ask", json!({"text": "anybody?", "deadline_seconds": 1})),
                call("room_wait", json!({"deadline_seconds": 1})),
                call("room_members", json!({})),
                call("room_summary", json!({"action": "propose", "text": "we said hello"})),
                call("room_summary", json!({"action": "read"})),
                call("room_share_file", json!({"path": "plan.md"})),
                call("room_files", json!({"query": "plan"})),
                call("room_get_file", json!({"file": "plan.md"})),
                call("room_send", json!({"text": ""})),
                call("room_dance", json!({})),
            ],
            "together": {
                "long": call("room_wait", json!({"deadline_seconds": 3})),
                "short": call("room_send", json!({"text": "meanwhile"})),
            },
            "cancel": call("room_wait", json!({"deadline_seconds": 600})),
            "read": uris,
        });
        let said = said(&alice, &client, &plan).await;
        held_to_the_plan(&said, &plan);
    }
}

/// What the client says of a server of its own in the machine's project, by kind.
async fn said(machine: &Machine, client: &Path, plan: &Value) -> BTreeMap<String, Vec<Value>> {
    let mut command = machine.command(Path::new("node"));
    command.arg(client).arg(bin("cc-connect"));
    command.args(["mcp", "--agent", "claude"]);
    let output = run(&mut command, &plan.to_string())
        .await
        .expect("node starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stderr}", output.status);
    let mut said: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let kind = line["kind"].as_str().expect("a kind").to_owned();
        said.entry(kind).or_default().push(line);
    }
    said
}

fn held_to_the_plan(said: &BTreeMap<String, Vec<Value>>, plan: &Value) {
    let tools = said["tool"].iter().map(|line| &line["tool"]["name"]);
    let mut uncalled: Vec<&Value> = tools.collect();
    assert_eq!(uncalled.len(), 9, "{uncalled:?}");
    uncalled.retain(|tool| !said["call"].iter().any(|call| call["name"] == **tool));
    assert!(uncalled.is_empty(), "never called: {uncalled:?}");
    assert_eq!(
        said["resources"][0]["resources"].as_array().map(Vec::len),
        Some(4)
    );
    assert_eq!(
        said["templates"][0]["resourceTemplates"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
    assert_eq!(said["read"].len(), 4);
    assert!(
        said["read"][1].to_string().contains("@alice"),
        "{}",
        said["read"][1]
    );
    let instructions = said["server"][0]["instructions"]
        .as_str()
        .unwrap_or_default();
    assert!(instructions.contains("cc-connect"), "{instructions}");

    let calls = &said["call"];
    assert_eq!(calls.len(), plan["calls"].as_array().map_or(0, Vec::len));
    let (done, refused) = calls.split_at(calls.len() - 2);
    for call in done {
        assert_eq!(call["isError"], false, "{call}");
    }
    assert!(
        done[1].to_string().contains("hello from the client"),
        "{}",
        done[1]
    );
    assert!(done[6].to_string().contains("we said hello"), "{}", done[6]);
    assert_eq!(refused[0]["isError"], true, "{}", refused[0]);
    assert_eq!(refused[1]["thrown"]["code"], -32602, "{}", refused[1]);

    let together = &said["together"][0];
    assert_eq!(together["order"], json!(["short", "long"]), "{together}");
    assert_eq!(together["short"]["isError"], false, "{together}");
    assert!(
        said["cancelled"][0]["thrown"].is_object(),
        "{}",
        said["cancelled"][0]
    );
    assert_eq!(said["alive"].len(), 1);
    // It ends by itself: the client kills one that has not after two seconds.
    let closing_ms = said["closed"][0]["ms"].as_u64().unwrap_or(u64::MAX);
    assert!(closing_ms < 1900, "{closing_ms} ms");
}

/// The program that drives the client, or `None` where the test is to be skipped.
fn client() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents/mcp");
    let read = |path: PathBuf| -> Option<Value> {
        let bytes = fs::read(path).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let package = read(folder.join("package.json")).expect("a package.json");
    let pinned = &package["dependencies"][PACKAGE];
    let installed = read(
        folder
            .join("node_modules")
            .join(PACKAGE)
            .join("package.json"),
    );
    let missing = match installed.map(|package| package["version"].clone()) {
        Some(version) if version == *pinned => return Some(folder.join("client.mjs")),
        Some(version) => format!("the MCP client is {version}, not {pinned}"),
        None => format!("no MCP client in {}", folder.display()),
    };
    let missing = format!("{missing}; fetch it with: npm ci --prefix tests/agents/mcp");
    let required =
        env::var_os("CC_REQUIRE_AGENTS").is_some_and(|value| value == "1" || value == "all");
    assert!(!required, "{missing}");
    // Not by a macro, whose output the test harness would keep to itself.
    let _ = writeln!(stderr(), "skipped: {missing}");
    None
}
