//! Claude Code's prompt hook: what was said in the session's rooms since its last prompt.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(option), Some(home)) if option == "--home" => cc_hook_claude::hook_main_in(&home),
        _ => cc_hook_claude::hook_main(),
    }
}
