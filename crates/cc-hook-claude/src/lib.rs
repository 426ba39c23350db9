//! The cc-connect adapter for Claude Code: its hook and its settings.
//!
//! The hook is the `cc-hook-claude` program, or `cc-connect hook --agent claude`; both are
//! [`hook_main`]. [`settings`] puts one of them into Claude Code's `settings.json` and takes it out again.
//!
//! ```
//! use cc_hook_claude::settings::{self, Installed};
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("settings.json");
//! std::fs::write(&file, "{\n  \"model\": \"opus\"\n}\n")?;
//! assert_eq!(settings::install(&file, "/usr/bin/cc-hook-claude")?, Installed::Added);
//! settings::uninstall(&file)?;
//! assert_eq!(std::fs::read_to_string(&file)?, "{\n  \"model\": \"opus\"\n}\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod event;
pub mod settings;

use std::ffi::OsStr;
use std::process::ExitCode;

pub use event::{ClaudeCode, output_json, parse_event};

/// Runs the hook on this process's stdin and stdout.
///
/// See [`cc_hook_generic::hook_main`].
pub fn hook_main() -> ExitCode {
    cc_hook_generic::hook_main(&ClaudeCode, None)
}

/// [`hook_main`] with this home, as `--home` names it.
pub fn hook_main_in(home: &OsStr) -> ExitCode {
    cc_hook_generic::hook_main_in(&ClaudeCode, None, Some(home))
}
