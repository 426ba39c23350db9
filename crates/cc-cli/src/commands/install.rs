//! `install` and `uninstall`: our entries in agents' settings, as their profiles say.

mod diff;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cc_hook_generic::install::{
    FileChange, InstallError, Plan, Request, Scope, plan_install, plan_uninstall,
};
use cc_hook_generic::profile::{PROFILES_DIR, ProfileError};
use cc_hook_generic::{Profile, rooms_bound_to, view_path, write_view};
use cc_proto::text::clean_line;

use super::objects::{Edited, EditedFile, object};
use crate::args::{InstallArgs, UninstallArgs};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::{Output, Style};
use crate::when;

/// Makes agents call our hook and offer our tools.
pub fn install(args: &InstallArgs, home: Option<&Path>, output: Output) -> CliResult {
    let here = Here::new(home)?;
    let mut profiles = here.named(&args.agents)?;
    let mut notes = Vec::new();
    if let Some(file) = &args.profile {
        let (profile, note) = here.take_over(file, args.dry_run)?;
        notes.push(note);
        profiles.push(profile);
    }
    if args.all_found {
        let known = |profile: &Profile| profiles.iter().any(|it| it.name == profile.name);
        let all = here.all()?.into_iter();
        let found: Vec<Profile> = all
            .filter(|profile| !known(profile) && program_of(profile).is_some())
            .collect();
        profiles.extend(found);
        if profiles.is_empty() {
            return Err(
                CliError::new(Kind::Settings, "no agent is found on this machine")
                    .hint("name one: cc-connect install claude; cc-connect agents lists them"),
            );
        }
    }
    let asked = Asked {
        project: args.project,
        user: args.user,
        dry_run: args.dry_run,
        mid_turn: args.mid_turn,
        approve: args.approve,
    };
    for note in notes {
        output.note(note);
    }
    each(profiles, output, |profile| {
        let request = here.request(profile, &asked)?;
        let plan = plan_install(profile, &request).map_err(|error| not_edited(profile, &error))?;
        if !asked.dry_run {
            plan.apply().map_err(|error| not_edited(profile, &error))?;
            here.make_view(profile, &request)?;
        }
        let mut notes = profile.notes.clone();
        let found = profile
            .found
            .as_ref()
            .map(|_| program_of(profile).is_some());
        if found == Some(false) {
            notes.insert(0, format!("{} is not found on this machine", profile.title));
        }
        let edited = edited(profile, &request, &plan, (&asked, found, notes));
        tell(profile, &edited, &plan, (true, output));
        Ok(())
    })
}

/// Takes our entries out again.
pub fn uninstall(args: &UninstallArgs, home: Option<&Path>, output: Output) -> CliResult {
    let here = Here::new(home)?;
    let asked = Asked {
        project: args.project,
        user: args.user,
        dry_run: args.dry_run,
        mid_turn: false,
        approve: false,
    };
    let mut profiles = here.named(&args.agents)?;
    if args.all {
        for profile in here.all()? {
            let has_scope = here.request(&profile, &asked).and_then(|request| {
                plan_uninstall(&profile, &request).map_err(|error| not_edited(&profile, &error))
            });
            // One that cannot be read may be installed: it is told of below.
            let is_there =
                has_scope.map_or_else(|error| error.kind != Kind::Usage, |plan| plan.is_change());
            if is_there && !profiles.iter().any(|it| it.name == profile.name) {
                profiles.push(profile);
            }
        }
        if profiles.is_empty() {
            output.note("no agent has anything of ours in its settings");
        }
    }
    each(profiles, output, |profile| {
        let request = here.request(profile, &asked)?;
        let plan =
            plan_uninstall(profile, &request).map_err(|error| not_edited(profile, &error))?;
        if !asked.dry_run {
            plan.apply().map_err(|error| not_edited(profile, &error))?;
        }
        let edited = edited(profile, &request, &plan, (&asked, None, Vec::new()));
        tell(profile, &edited, &plan, (false, output));
        Ok(())
    })
}

/// What was asked for, of both commands.
pub(super) struct Asked {
    pub project: bool,
    pub user: bool,
    pub dry_run: bool,
    pub mid_turn: bool,
    pub approve: bool,
}

/// One agent's failure does not keep the others from being done.
fn each(profiles: Vec<Profile>, output: Output, one: impl Fn(&Profile) -> CliResult) -> CliResult {
    let mut failure = None;
    for profile in profiles {
        if let Err(error) = one(&profile)
            && let Some(before) = failure.replace(error)
        {
            output.error(&before);
        }
    }
    failure.map_or(Ok(()), Err)
}

/// This program, its home and the folder it was called in.
pub(super) struct Here {
    program: PathBuf,
    /// The home as it stands in what is registered.
    other_home: Option<PathBuf>,
    asked_home: Option<PathBuf>,
    pub folder: PathBuf,
}

impl Here {
    pub fn new(home: Option<&Path>) -> CliResult<Self> {
        let failed = |what: &str, error: &std::io::Error| {
            CliError::new(Kind::Settings, format!("cannot find {what}")).because(error)
        };
        Ok(Self {
            program: std::env::current_exe()
                .map_err(|error| failed("this program's own file", &error))?,
            other_home: Home::other_than_default(home)?,
            asked_home: home.map(Path::to_owned),
            folder: std::env::current_dir()
                .map_err(|error| failed("the current folder", &error))?,
        })
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    pub fn home(&self) -> CliResult<Option<Home>> {
        Home::existing(self.asked_home.as_deref())
    }

    /// The agents that come with the program, then the user's own.
    pub fn all(&self) -> CliResult<Vec<Profile>> {
        let mut all = Profile::shipped();
        if let Some(home) = self.home()? {
            let own = Profile::own(home.path()).unwrap_or_default();
            all.extend(own.into_iter().filter_map(|(_, profile)| profile.ok()));
        }
        Ok(all)
    }

    fn named(&self, names: &[String]) -> CliResult<Vec<Profile>> {
        let mut profiles: Vec<Profile> = Vec::new();
        for name in names {
            let home = self.home()?;
            let folder = home.as_ref().map_or(Path::new(""), Home::path);
            let found = Profile::find(folder, name).map_err(|error| bad_profile(&error))?;
            let profile = found.ok_or_else(|| {
                let shipped = Profile::shipped();
                let names: Vec<&str> = shipped.iter().map(Profile::short_name).collect();
                let name = clean_line(name, 64);
                CliError::new(Kind::Usage, format!("there is no agent called {name}"))
                    .hint(format!("the agents are {}", names.join(", ")))
            })?;
            if !profiles.iter().any(|it| it.name == profile.name) {
                profiles.push(profile);
            }
        }
        Ok(profiles)
    }

    /// Copies a profile to where its name finds it.
    fn take_over(&self, file: &Path, dry_run: bool) -> CliResult<(Profile, String)> {
        let profile = Profile::load(file).map_err(|error| bad_profile(&error))?;
        let failed = |error: &std::io::Error| {
            CliError::new(Kind::Settings, "the profile cannot be kept").because(error)
        };
        let bytes = fs::read(file).map_err(|error| failed(&error))?;
        let name = format!("{PROFILES_DIR}/{}.toml", profile.name);
        if dry_run {
            return Ok((
                profile,
                format!("the profile would be kept as {name} in the home"),
            ));
        }
        let home = Home::open(self.asked_home.as_deref())?;
        let place = home.join(&name);
        fs::create_dir_all(home.join(PROFILES_DIR)).map_err(|error| failed(&error))?;
        if fs::read(&place).ok().as_ref() != Some(&bytes) {
            home.replace(&name, &bytes)
                .map_err(|error| failed(&error))?;
        }
        let note = format!("the profile is kept as {}", shown(&place));
        Ok((profile, note))
    }

    /// What registering an agent is made of: in its user's settings, or in those of the current folder.
    pub fn request(&self, profile: &Profile, asked: &Asked) -> CliResult<Request<'static>> {
        let project = asked.project || (!asked.user && !profile.has_user_settings());
        let home = match &self.other_home {
            Some(home) => home.clone(),
            None => crate::home::user_folder()
                .map(|folder| folder.join(".cc-connect"))
                .ok_or_else(|| CliError::new(Kind::Home, "HOME is not set"))?,
        };
        let home = home.canonicalize().unwrap_or(home);
        Ok(Request {
            scope: if project {
                Scope::Project(self.folder.clone())
            } else {
                Scope::User
            },
            program: self.program.clone(),
            view: view_path(&home, &self.folder),
            home: self.other_home.clone(),
            mid_turn: asked.mid_turn,
            approve: asked.approve,
            environment: &|name| variable(name),
        })
    }

    /// A file view has to be there before the agent starts: one that is not is passed over.
    fn make_view(&self, profile: &Profile, request: &Request<'_>) -> CliResult {
        if profile.view.is_none() || request.view.exists() {
            return Ok(());
        }
        let failed = |error: &dyn std::error::Error| {
            CliError::new(Kind::Home, "the file that it reads cannot be written").because(error)
        };
        let home = Home::open(self.asked_home.as_deref())?;
        let rooms = rooms_bound_to(home.path(), &self.folder).map_err(|error| failed(&error))?;
        let rooms: Vec<_> = rooms.into_iter().collect();
        write_view(home.path(), &rooms, &request.view, when::now())
            .map_err(|error| failed(&error))?;
        Ok(())
    }
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The agent's program, as the shell would find it.
pub(super) fn program_of(profile: &Profile) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let command = &profile.found.as_ref()?.command;
    let path = std::env::var_os("PATH")?;
    let is_program = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(command))
        .find(is_program)
}

fn edited(
    profile: &Profile,
    request: &Request<'_>,
    plan: &Plan,
    (asked, found, notes): (&Asked, Option<bool>, Vec<String>),
) -> Edited {
    let file = |file: &FileChange| EditedFile {
        path: file.path().to_owned(),
        changed: file.is_change(),
        change: change(file),
    };
    let files: Vec<EditedFile> = plan.files().iter().map(file).collect();
    Edited {
        agent: profile.short_name().to_owned(),
        name: profile.name.clone(),
        path: files.first().map(|file| file.path.clone()),
        changed: plan.is_change(),
        dry_run: asked.dry_run,
        scope: scope_name(&request.scope),
        found,
        files,
        notes,
    }
}

pub(super) const fn scope_name(scope: &Scope) -> &'static str {
    match scope {
        Scope::User => "user",
        Scope::Project(_) => "project",
    }
}

fn change(file: &FileChange) -> &'static str {
    match (file.is_change(), file.before(), file.after()) {
        (false, _, _) => "same",
        (true, None, _) => "created",
        (true, Some(_), None) => "removed",
        (true, Some(_), Some(_)) => "changed",
    }
}

fn tell(profile: &Profile, edited: &Edited, plan: &Plan, (is_in, output): (bool, Output)) {
    let title = output.style(Style::Bold, &profile.title);
    let done = match (
        edited.files.is_empty(),
        edited.dry_run,
        edited.changed,
        is_in,
    ) {
        (true, _, _, _) => "has nothing to register",
        (_, true, true, true) => "would be installed",
        (_, true, true, false) => "would be taken out",
        (_, _, false, true) => "was installed already",
        (_, _, false, false) => "was not installed",
        (_, false, true, true) => "installed: it reads the rooms of the folder it runs in",
        (_, false, true, false) => "taken out",
    };
    let mut text = format!("{title}: {done}");
    for (file, change) in plan.files().iter().zip(&edited.files) {
        if change.changed || !edited.changed {
            let _ = write!(text, "\n  {} ({})", shown(&change.path), change.change);
        }
        if edited.dry_run {
            for line in diff::lines(file.before(), file.after()) {
                let _ = write!(text, "\n    {line}");
            }
        }
    }
    for note in &edited.notes {
        let _ = write!(text, "\n  note: {}", clean_line(note, usize::MAX));
    }
    output.data(&object(edited), text);
}

fn shown(path: &Path) -> String {
    clean_line(&path.to_string_lossy(), usize::MAX)
}

fn bad_profile(error: &ProfileError) -> CliError {
    CliError::new(Kind::Settings, "the profile cannot be used").because(error)
}

fn not_edited(profile: &Profile, error: &InstallError) -> CliError {
    if let InstallError::NoSuchScope { .. } = error {
        return CliError::new(Kind::Usage, error.to_string());
    }
    let message = format!("the settings of {} were not changed", profile.title);
    let failure = CliError::new(Kind::Settings, message).because(error);
    match error {
        InstallError::Malformed { .. } | InstallError::WrongShape { .. } => {
            failure.hint("mend the file, then try again")
        }
        InstallError::Taken { .. } => failure.hint("take that out or rename it, then try again"),
        _ => failure,
    }
}
