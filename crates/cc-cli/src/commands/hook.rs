//! `hook`: what an agent calls on every prompt. It starts nothing that is not needed and always exits 0.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use crate::args::HookArgs;

/// Runs the hook if that is what was asked for, before arguments are parsed or a runtime is started.
/// `hook --help` is left to the parser.
pub fn run_early() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != "hook" {
        return None;
    }
    let rest: Vec<OsString> = arguments.collect();
    if rest
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        return None;
    }
    match option(&rest, "--agent") {
        Some(agent) => run(&agent, option(&rest, "--home").as_deref()),
        None => complain("name the agent with --agent"),
    }
    Some(ExitCode::SUCCESS)
}

/// Whether a call that cannot be parsed was meant for the hook, which never fails.
pub fn was_meant() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--home" || argument == "--color" {
            arguments.next();
        } else if !argument.as_encoded_bytes().starts_with(b"-") {
            return argument == "hook";
        }
    }
    false
}

/// Runs the hook where options stood before the command.
pub fn run_with_home(home: Option<&Path>, args: &HookArgs) {
    run(
        args.agent.as_deref().unwrap_or_default().as_ref(),
        home.map(Path::as_os_str),
    );
}

fn run(agent: &OsStr, home: Option<&OsStr>) {
    if agent != "claude" {
        return complain("the only agent so far is claude");
    }
    // Its own exit code is 0 as well, and nothing is left to be done with it.
    let _ = match home {
        Some(home) => cc_hook_claude::hook_main_in(home),
        None => cc_hook_claude::hook_main(),
    };
}

fn option(arguments: &[OsString], name: &str) -> Option<OsString> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == name {
            return rest.next().cloned();
        }
        let value = argument
            .to_str()
            .and_then(|text| text.strip_prefix(name)?.strip_prefix('='));
        if let Some(value) = value {
            return Some(value.into());
        }
    }
    None
}

fn complain(why: &str) {
    use std::io::Write as _;
    // Standard output belongs to the agent.
    let _ = writeln!(std::io::stderr(), "cc-connect hook: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_in_both_spellings() {
        let arguments: Vec<OsString> = ["--home=/h", "--agent", "claude"].map(Into::into).to_vec();
        assert_eq!(option(&arguments, "--home"), Some("/h".into()));
        assert_eq!(option(&arguments, "--agent"), Some("claude".into()));
        assert_eq!(option(&arguments, "--other"), None);
    }
}
