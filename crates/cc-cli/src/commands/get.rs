//! `get`: a file of a room comes here, and a copy of it where somebody wants one.

use std::path::PathBuf;
use std::time::Duration;

use cc_proto::text::clean_line;
use indicatif::ProgressBar;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::objects::object;
use crate::args::GetArgs;
use crate::client::Client;
use crate::copy::Target;
use crate::error::{CliError, CliResult, Kind};
use crate::files;
use crate::home::Home;
use crate::launch;
use crate::output::Printer;
use crate::rooms::{self, short};
use crate::rpc::{FileInfo, FileState, RoomParams, Subscribed};

/// For so long nothing is said of a wait: most are over by then.
const QUIET: Duration = Duration::from_secs(1);
/// How often a file is fetched again that was found damaged on this disk.
const AGAIN_MAX: usize = 2;

/// `get`: the file as the daemon tells of it, and where the copy is.
#[derive(Debug, Serialize)]
pub struct Got {
    /// The file.
    #[serde(flatten)]
    pub file: FileInfo,
    /// Where the copy is that `--out` asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<PathBuf>,
}

/// Fetches a file and returns when it is here, whole.
pub async fn run(home: &Home, args: &GetArgs, output: Printer<'_>) -> CliResult {
    let room = rooms::find(home, args.room.as_deref())?;
    let mut client = launch::connect_or_start(home).await?;
    let file = files::meant(&mut client, home, &room, &args.file).await?;
    if args.cancel {
        let file = files::ask(&mut client, "file.cancel", &file).await?;
        let text = match file.state {
            FileState::Here => format!("{} is here already", files::said_of(&file)),
            _ => format!(
                "{} is not fetched; what is here of it stays",
                files::said_of(&file)
            ),
        };
        output.data(&object(&Got { file, out: None }), text);
        return Ok(());
    }
    // Whether a copy can be made is told before anything is fetched for it.
    let target = args
        .out
        .as_deref()
        .map(|out| Target::new(out, &file.name))
        .transpose()?;
    let _: Subscribed = client
        .call(
            "subscribe",
            &RoomParams {
                room: file.room.clone(),
            },
        )
        .await?;
    let mut file = fetch(&mut client, file, output).await?;
    let Some(target) = target else {
        let text = file
            .path
            .as_deref()
            .map(files::shown_path)
            .unwrap_or_default();
        output.data(&object(&Got { file, out: None }), text);
        return Ok(());
    };
    for _ in 0..AGAIN_MAX {
        file = files::ask(&mut client, "file.verify", &file).await?;
        if file.state == FileState::Here {
            break;
        }
        output.note(format!(
            "{} is damaged on this disk, and is fetched again",
            files::said_of(&file)
        ));
        file = fetch(&mut client, file, output).await?;
    }
    let from = file.path.clone().ok_or_else(|| not_fetched(&file))?;
    let out = target.path().to_owned();
    tokio::task::spawn_blocking(move || target.copy(&from))
        .await
        .map_err(|error| CliError::new(Kind::Copy, "the copy was not made").because(&error))??;
    let text = files::shown_path(&out);
    output.data(
        &object(&Got {
            file,
            out: Some(out),
        }),
        text,
    );
    Ok(())
}

/// Waits until a file is here. Ctrl-C ends the wait and the fetch; what came so far stays for another time.
async fn fetch(client: &mut Client, file: FileInfo, output: Printer<'_>) -> CliResult<FileInfo> {
    let bar = if output.shows_progress() {
        super::share::bar(&file.name, Some(file.size))
    } else {
        ProgressBar::hidden()
    };
    let fetched = tokio::select! {
        fetched = until_here(client, &file, &bar, output) => Some(fetched),
        _ = tokio::signal::ctrl_c() => None,
    };
    bar.finish_and_clear();
    if let Some(fetched) = fetched {
        return fetched;
    }
    let left = files::ask(client, "file.cancel", &file).await;
    let have = left.map_or(0, |file| file.have);
    output.note(format!(
        "stopped; the {} that are here stay: cc-connect get {} goes on",
        cc_proto::text::file_size(have),
        short(&file.file)
    ));
    Err(CliError::new(Kind::Interrupted, "interrupted"))
}

async fn until_here(
    client: &mut Client,
    file: &FileInfo,
    bar: &ProgressBar,
    output: Printer<'_>,
) -> CliResult<FileInfo> {
    let mut now = files::ask(client, "file.get", file).await?;
    let quiet_until = Instant::now() + QUIET;
    let mut said: Option<String> = None;
    loop {
        bar.set_position(now.have);
        match now.state {
            FileState::Here => return Ok(now),
            FileState::Failed | FileState::Damaged => return Err(not_fetched(&now)),
            FileState::Announced => {
                return Err(CliError::new(
                    Kind::NotFetched,
                    format!(
                        "{} is no longer fetched: somebody stopped it",
                        files::said_of(&now)
                    ),
                ));
            }
            FileState::Fetching => said = None,
            FileState::Waiting => {}
        }
        let note = why_waiting(&now).filter(|note| said.as_ref() != Some(note));
        tokio::select! {
            biased;
            next = files::next(client, file, "") => now = next?,
            () = sleep_until(quiet_until), if note.is_some() => {
                bar.suspend(|| output.note(note.as_deref().unwrap_or_default()));
                said = note;
            }
        }
    }
}

/// Why a file has not come yet, once that is known.
fn why_waiting(file: &FileInfo) -> Option<String> {
    let fault = file.fault.as_deref();
    let fault = fault.filter(|_| file.state == FileState::Waiting)?;
    let is_alone = files::is_alone(file);
    let file = files::said_of(file);
    Some(if is_alone {
        format!(
            "nobody who has {file} is online; it comes as soon as somebody is (Ctrl-C ends the wait)"
        )
    } else {
        format!(
            "{file} has not come: {}; it is tried again (Ctrl-C ends the wait)",
            clean_line(fault, 400)
        )
    })
}

/// Says why a file could not be had.
pub fn not_fetched(file: &FileInfo) -> CliError {
    let error = CliError::new(
        Kind::NotFetched,
        format!(
            "cannot get {}: {}",
            files::said_of(file),
            files::state(file)
        ),
    );
    match file.state {
        FileState::Damaged => error.hint(format!(
            "cc-connect get {} fetches it again",
            short(&file.file)
        )),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::WaitsFor;

    #[test]
    fn nobody_is_blamed_only_where_nobody_is_there() {
        let mut file = FileInfo {
            room: String::new(),
            file: "ab".repeat(32),
            n: 1,
            author: String::new(),
            ts: 0,
            via: String::new(),
            name: "a.txt".to_owned(),
            size: 148,
            hash: String::new(),
            media_type: String::new(),
            folder: false,
            state: FileState::Waiting,
            waits_for: Some(WaitsFor::Try),
            have: 0,
            path: None,
            fault: None,
        };
        assert_eq!(why_waiting(&file), None);
        assert_eq!(files::state(&file), "asked for");
        file.fault = Some("the disk has no room\u{1b}[2J for it".to_owned());
        let why = why_waiting(&file).unwrap();
        assert!(why.contains("the disk has no room") && !why.contains("nobody"));
        assert!(!why.contains('\u{1b}'), "{why:?}");
        assert!(files::state(&file).starts_with("waiting: the disk"));
        file.waits_for = Some(WaitsFor::Member);
        assert!(why_waiting(&file).unwrap().starts_with("nobody who has"));
        assert_eq!(files::state(&file), "waiting for somebody who has it");
        file.state = FileState::Fetching;
        assert_eq!(why_waiting(&file), None);
    }
}
