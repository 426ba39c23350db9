//! `install` and `uninstall`: our entry in an agent's settings.

use std::path::{Path, PathBuf};

use cc_hook_claude::settings::{self, Installed, SettingsError, Uninstalled};
use cc_proto::text::clean_line;

use super::objects::{Edited, object};
use crate::args::{InstallArgs, UninstallArgs};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Makes the agent call our hook on every prompt.
pub fn install(args: &InstallArgs, home: Option<&Path>, output: Output) -> CliResult {
    let agent = only(&args.agents)?;
    let path = settings_path(agent)?;
    let installed = settings::install(&path, &hook_command(agent, home)?)
        .map_err(|error| not_edited(&error))?;
    let shown = shown(&path);
    let (changed, text) = match installed {
        Installed::Added => (
            true,
            format!("installed in {shown}: Claude Code reads the rooms of the folder it runs in"),
        ),
        Installed::Replaced => (true, format!("brought up to date in {shown}")),
        Installed::AlreadyThere => (false, format!("was installed already in {shown}")),
    };
    tell(agent, path, changed, &text, output);
    Ok(())
}

/// Takes our entry out again.
pub fn uninstall(args: &UninstallArgs, _home: Option<&Path>, output: Output) -> CliResult {
    let agent = only(&args.agents)?;
    let path = settings_path(agent)?;
    let uninstalled = settings::uninstall(&path).map_err(|error| not_edited(&error))?;
    let shown = shown(&path);
    let (changed, text) = match uninstalled {
        Uninstalled::Removed => (true, format!("taken out of {shown}")),
        Uninstalled::FileRemoved => (true, format!("{shown} held nothing else and is gone")),
        Uninstalled::NotInstalled => (false, format!("was not installed in {shown}")),
    };
    tell(agent, path, changed, &text, output);
    Ok(())
}

/// Lists the agents.
pub async fn list(_home: Option<&Path>, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "agents: under construction"))
}

#[derive(Debug, Clone, Copy)]
enum Agent {
    Claude,
}

fn only(agents: &[String]) -> CliResult<Agent> {
    match agents {
        [agent] if agent == "claude" => Ok(Agent::Claude),
        _ => Err(CliError::new(
            Kind::Usage,
            "the only agent so far is claude",
        )),
    }
}

fn tell(agent: Agent, path: PathBuf, changed: bool, text: &str, output: Output) {
    let edited = Edited {
        agent: name(agent).to_owned(),
        path,
        changed,
    };
    output.data(&object(&edited), text);
}

fn settings_path(agent: Agent) -> CliResult<PathBuf> {
    match agent {
        Agent::Claude => settings::default_path(|name| std::env::var_os(name)),
    }
    .ok_or_else(|| {
        CliError::new(
            Kind::Settings,
            "HOME is not set, so the settings cannot be found",
        )
    })
}

/// What the agent runs: this very program, quoted for a shell, with the home where it is not the one by default.
fn hook_command(agent: Agent, home: Option<&Path>) -> CliResult<String> {
    let program = std::env::current_exe().map_err(|error| {
        CliError::new(Kind::Settings, "cannot find this program's own file").because(&error)
    })?;
    let not_text = |what: &str| {
        let message = format!("{what} path is not UTF-8, which settings cannot hold");
        CliError::new(Kind::Settings, message)
    };
    let mut arguments = vec!["hook", "--agent", name(agent)];
    let home = Home::other_than_default(home)?;
    if let Some(home) = &home {
        let home = home.to_str().ok_or_else(|| not_text("the home folder's"))?;
        arguments.extend(["--home", home]);
    }
    settings::command_line(&program, &arguments).ok_or_else(|| not_text("this program's"))
}

const fn name(agent: Agent) -> &'static str {
    match agent {
        Agent::Claude => "claude",
    }
}

fn shown(path: &Path) -> String {
    clean_line(&path.to_string_lossy(), usize::MAX)
}

fn not_edited(error: &SettingsError) -> CliError {
    let failure = CliError::new(Kind::Settings, "the settings were not changed").because(error);
    match error {
        SettingsError::Malformed { .. } | SettingsError::WrongShape { .. } => {
            failure.hint("mend the file, then try again")
        }
        _ => failure,
    }
}
