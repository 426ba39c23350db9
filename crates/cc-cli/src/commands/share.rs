//! `share`: files and folders go into a room.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use cc_proto::text::clean_line;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::objects::object;
use crate::args::ShareArgs;
use crate::client::{Client, Notification};
use crate::error::{CliError, CliResult, Kind};
use crate::files;
use crate::home::Home;
use crate::launch;
use crate::output::Printer;
use crate::rooms::{self, KnownRoom};
use crate::rpc::{FileInfo, ShareParams, ShareResult};

/// Shares each of the paths; one that fails does not keep the others.
pub async fn run(home: &Home, args: &ShareArgs, output: Printer<'_>) -> CliResult {
    let room = rooms::find(home, args.room.as_deref())?;
    let mut client = launch::connect_or_start(home).await?;
    let mut failed = None;
    let mut failures = 0;
    for path in &args.paths {
        match one(&mut client, &room, path, args.force, output).await {
            Ok(file) => {
                let (said, room) = (files::said_of(&file), room.shown_name());
                output.data(&object(&file), format!("shared {said} with {room}"));
                // Such as links in a folder, which are left out.
                if let Some(fault) = &file.fault {
                    output.note(clean_line(fault, usize::MAX));
                }
            }
            Err(error) if args.paths.len() == 1 => return Err(error),
            Err(error) if matches!(error.kind, Kind::Interrupted | Kind::Gone) => {
                return Err(error);
            }
            Err(error) => {
                output.error(&error);
                failures += 1;
                failed.get_or_insert(error.kind);
            }
        }
    }
    match failed {
        None => Ok(()),
        Some(kind) => Err(CliError::new(
            kind,
            format!("{failures} of {} were not shared", args.paths.len()),
        )),
    }
}

async fn one(
    client: &mut Client,
    room: &KnownRoom,
    path: &Path,
    force: bool,
    output: Printer<'_>,
) -> CliResult<FileInfo> {
    let params = ShareParams {
        room: room.id.to_hex(),
        path: absolute(path)?,
        force,
        ..ShareParams::default()
    };
    let bar = bar_for(&params.path, output);
    let shared = async {
        let hear = |notification: &Notification| {
            if notification.params["event"] == json!("sharing") {
                bar.set_position(notification.params["done"].as_u64().unwrap_or_default());
            }
        };
        client.call_hearing("file.share", &params, hear).await
    };
    let shared: CliResult<ShareResult> = tokio::select! {
        shared = shared => shared,
        // The daemon notices that we are gone, and announces nothing.
        _ = tokio::signal::ctrl_c() => {
            bar.finish_and_clear();
            output.note(format!("stopped: {} was not shared", files::shown_path(path)));
            return Err(CliError::new(Kind::Interrupted, "interrupted"));
        }
    };
    bar.finish_and_clear();
    let shared = shared.map_err(|error| {
        let message = format!(
            "cannot share {}: {}",
            files::shown_path(path),
            error.message
        );
        CliError { message, ..error }
    })?;
    shared
        .file
        .ok_or_else(|| CliError::new(Kind::Daemon, "the daemon did not say what it shared"))
}

/// The path as it was typed, from the root on: links and `..` in it are left to the daemon.
fn absolute(path: &Path) -> CliResult<PathBuf> {
    let failed = |why: &str| {
        let path = files::shown_path(path);
        CliError::new(Kind::Unreadable, format!("cannot share {path}: {why}"))
    };
    if path.to_str().is_none() {
        return Err(failed("its name is not text that others could read")
            .hint("rename it, or share it through a link with another name"));
    }
    let here = std::env::current_dir()
        .map_err(|error| failed("the current folder cannot be found").because(&error))?;
    // `std::path::absolute` would take `..` out on some systems.
    Ok(here.join(path))
}

/// A bar on a terminal; of a file its length is known, of a folder not.
fn bar_for(path: &Path, output: Printer<'_>) -> ProgressBar {
    if !output.shows_progress() {
        return ProgressBar::hidden();
    }
    let name = path.file_name().map_or(path, Path::new);
    let length = std::fs::metadata(path).ok().filter(Metadata::is_file);
    bar(&files::shown_path(name), length.map(|it| it.len()))
}

/// A bar on standard error, which shows only on a terminal. Colour carries nothing, and there is none.
pub fn bar(name: &str, length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        ),
        None => (ProgressBar::new_spinner(), "{msg} {bytes} {bytes_per_sec}"),
    };
    // A template of ours is right, or there is the plain one.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(name.to_owned());
    bar
}
