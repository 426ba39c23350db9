//! The plugin folder in Claude Code's format says what the profile says, with the program found by `PATH`.

use std::fs;
use std::path::Path;

use cc_hook_generic::Profile;
use cc_hook_generic::install::What;
use serde_json::Value;

fn json(path: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    serde_json::from_slice(&fs::read(root.join(path)).unwrap()).unwrap()
}

#[test]
fn the_plugin_registers_what_the_profile_does() {
    let profile = Profile::named("claude-code").unwrap();
    let mut hooks = serde_json::json!({});
    let mut tools = serde_json::json!({});
    for register in profile.register.iter().filter(|it| it.only.is_none()) {
        let last = register.at.last().unwrap();
        if register.what == What::Hook {
            let item = register.item.as_ref().unwrap();
            let item = item.replace("{hook}", "cc-connect hook --agent auto");
            hooks[last] = serde_json::from_str(&format!("[{item}]")).unwrap();
        } else {
            let value = register.value.as_ref().unwrap();
            let value = value
                .replace("{program}", "cc-connect")
                .replace("\"{tools}\"", r#"["mcp","--agent","auto"]"#);
            tools[last] = serde_json::from_str(&value).unwrap();
        }
    }
    assert_eq!(json("plugin/hooks/hooks.json")["hooks"], hooks);
    assert_eq!(json("plugin/.mcp.json")["mcpServers"], tools);
}

#[test]
fn the_plugin_and_its_market_go_by_one_name_and_version() {
    let plugin = json("plugin/.claude-plugin/plugin.json");
    let market = json(".claude-plugin/marketplace.json");
    assert_eq!(plugin["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(plugin["name"], market["plugins"][0]["name"]);
    assert_eq!(market["plugins"][0]["source"], "./plugin");
}
