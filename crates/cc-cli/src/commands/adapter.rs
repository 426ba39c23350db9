//! `adapter check`: an adapter against every case of the hook chapter.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cc_adapter_kit::{Case, Outcome, Subject, cases, check_all};
use cc_hook_generic::Profile;
use cc_proto::text::clean_line;

use super::objects::{CheckedCase, object};
use crate::args::AdapterCheckArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::output::Output;

/// The most characters of what was expected, and of what came.
const QUOTED_CHARS_MAX: usize = 400;

/// Gives the exit code: 1 where a case failed.
pub fn check(args: &AdapterCheckArgs, output: Output) -> CliResult<u8> {
    let subject = subject(args)?;
    let of_interest = |case: &Case| {
        let only = args.only.as_deref();
        only.is_none_or(|only| case.name.contains(only))
    };
    let cases: Vec<Case> = cases().into_iter().filter(of_interest).collect();
    if cases.is_empty() {
        return Err(CliError::new(Kind::Usage, "no case has that in its name"));
    }
    let (mut failed, mut skipped) = (0, 0);
    check_all(&subject, &cases, |case, outcome| {
        failed += u32::from(outcome.is_failure());
        skipped += u32::from(matches!(outcome, Outcome::Skipped(_)));
        let text = told(case, &outcome);
        output.data(&object(&CheckedCase::new(case, outcome)), text);
    });
    let ok = cases.len() - failed as usize - skipped as usize;
    output.text(format_args!("{ok} ok, {failed} failed, {skipped} skipped"));
    Ok(u8::from(failed > 0))
}

fn subject(args: &AdapterCheckArgs) -> CliResult<Subject> {
    let failed = |error: &dyn std::fmt::Display| CliError::new(Kind::Usage, error.to_string());
    let Some(file) = &args.profile else {
        let command = from_here(&args.command);
        let subject = Subject::program(command).map_err(|error| failed(&error))?;
        return Ok(subject.introduced());
    };
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let (profile, named) = profile(file).map_err(|error| failed(&error))?;
    let command = [program.into_os_string(), "hook".into()];
    let command = command.into_iter().chain(named).collect();
    Subject::profile(profile, command).map_err(|error| failed(&error))
}

/// A command that means the same when it is run in another folder: what names a file here names it by its whole path.
/// A program without a slash is looked for in `PATH`.
fn from_here(command: &[OsString]) -> Vec<OsString> {
    let whole = |(at, argument): (usize, &OsString)| {
        let path = Path::new(argument);
        let in_path = at == 0 && !argument.as_encoded_bytes().contains(&b'/');
        if in_path || !path.is_file() {
            return argument.clone();
        }
        std::path::absolute(path).map_or_else(|_| argument.clone(), PathBuf::into_os_string)
    };
    command.iter().enumerate().map(whole).collect()
}

/// A profile and the arguments of `hook` that name it: a file, or one that comes with the program.
fn profile(file: &Path) -> Result<(Profile, [OsString; 2]), cc_hook_generic::ProfileError> {
    let shipped = file.to_str().and_then(Profile::named);
    if let (Some(profile), false) = (shipped, file.exists()) {
        let name = profile.name.clone();
        return Ok((profile, ["--agent".into(), name.into()]));
    }
    // The hook is run in another folder.
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    Ok((
        Profile::load(&path)?,
        ["--profile".into(), path.into_os_string()],
    ))
}

/// What people read of a case. What an adapter printed is cleaned.
fn told(case: &Case, outcome: &Outcome) -> String {
    let short = |text: &str| clean_line(text, QUOTED_CHARS_MAX);
    match outcome {
        Outcome::Ok => format!("ok    {}", case.name),
        Outcome::Skipped(why) => format!("skip  {}: {}", case.name, short(why)),
        Outcome::Failed { expected, came } => format!(
            "FAIL  {}: {} (spec/{})\n        expected: {}\n        came:     {}",
            case.name,
            case.rule,
            case.section,
            short(expected),
            short(came)
        ),
    }
}
