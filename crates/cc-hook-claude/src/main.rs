//! Claude Code's prompt hook: what was said in the session's rooms since its last prompt.

use std::process::ExitCode;

fn main() -> ExitCode {
    cc_hook_claude::hook_main()
}
