//! `hook`: what an agent calls on every prompt. It starts nothing that is not needed and always exits 0, but for an event that
//! asks whether to wake.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cc_hook_claude::ClaudeCode;
use cc_hook_generic::{AUTO, Adapter, Auto, Environment, Profile, hook_main_in, note_failure};

use crate::args::HookArgs;

/// The only other exit code: there is a reason to wake.
const WAKE: u8 = 2;

/// What was asked for.
#[derive(Debug, Default)]
struct Call {
    agent: Option<OsString>,
    event: Option<OsString>,
    profile: Option<PathBuf>,
    home: Option<OsString>,
}

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
    Some(run(&Call {
        agent: option(&rest, "--agent"),
        event: option(&rest, "--event"),
        profile: option(&rest, "--profile").map(PathBuf::from),
        home: option(&rest, "--home"),
    }))
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

/// Runs the hook where options stood before the command; gives the exit code.
pub fn run_with_home(home: Option<&Path>, args: &HookArgs) -> u8 {
    let code = run(&Call {
        agent: args.agent.as_ref().map(OsString::from),
        event: args.event.as_ref().map(OsString::from),
        profile: args.profile.clone(),
        home: home.map(OsString::from),
    });
    if code == ExitCode::SUCCESS { 0 } else { WAKE }
}

fn run(call: &Call) -> ExitCode {
    let home = call.home.as_deref();
    match adapter(call) {
        Ok(adapter) => {
            let event = call.event.as_ref().map(|name| name.to_string_lossy());
            hook_main_in(adapter.as_ref(), event.as_deref(), home)
        }
        Err(why) => {
            note_failure(home, "-", &why);
            complain(&why);
            ExitCode::SUCCESS
        }
    }
}

fn adapter(call: &Call) -> Result<Box<dyn Adapter>, String> {
    if let Some(file) = &call.profile {
        let profile = Profile::load(file).map_err(|error| error.to_string())?;
        return Ok(Box::new(profile));
    }
    let name = call.agent.as_deref().and_then(OsStr::to_str);
    let name = name.ok_or("name the agent with --agent")?;
    adapter_named(name, call.home.as_deref())
}

/// The adapter of an agent by its name, the user's own ones included.
pub fn adapter_named(name: &str, home: Option<&OsStr>) -> Result<Box<dyn Adapter>, String> {
    // The commonest, and it needs no profile.
    if name == ClaudeCode.name() || name == "claude" {
        return Ok(Box::new(ClaudeCode));
    }
    if name == AUTO {
        return Ok(Box::new(Auto));
    }
    let home = Environment::with_home(home).home.unwrap_or_default();
    match Profile::find(&home, name) {
        Ok(Some(profile)) if profile.has_hook() => Ok(Box::new(profile)),
        Ok(Some(profile)) => Err(format!("{} has no hook", profile.title)),
        Ok(None) => Err(format!("there is no agent called {name:?}")),
        Err(error) => Err(error.to_string()),
    }
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
