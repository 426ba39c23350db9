//! The cc-connect adapter for Claude Code: its prompt hook and its settings.
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

use std::env;
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

pub use event::{CLAUDE_CODE, output_json, parse_event};

/// Runs the prompt hook on this process's stdin and stdout; always exit code 0.
///
/// See [`cc_hook_generic::hook_main`].
pub fn hook_main() -> ExitCode {
    cc_hook_generic::hook_main(&CLAUDE_CODE)
}

/// [`hook_main`] with this home, as `--home` names it.
///
/// In a session that `cc-connect run` started, its room's home counts instead. The hook takes its home from the
/// environment, and nothing may write to one's own, so this program starts anew where that names another.
pub fn hook_main_in(home: &OsStr) -> ExitCode {
    const HOME: &str = "CC_CONNECT_HOME";
    let named = env::var_os(HOME).filter(|named| !named.is_empty());
    let is_run = named.is_some() && env::var_os("CC_CONNECT_ROOM").is_some();
    if is_run || named.as_deref() == Some(home) || home.is_empty() {
        return hook_main();
    }
    let failed = match env::current_exe() {
        Ok(program) => Command::new(program)
            .args(env::args_os().skip(1))
            .env(HOME, home)
            .exec(),
        Err(error) => error,
    };
    // Standard output belongs to the agent.
    let _ = writeln!(std::io::stderr(), "cc-connect hook: {failed}");
    ExitCode::SUCCESS
}
