//! `files`: what files a room has, and which come by themselves.

use cc_net::tuning::FOLDER_FILE_BYTES_MIN;
use cc_proto::text::{clean_nick, file_size};
use serde::Serialize;

use super::objects::object;
use crate::args::FilesArgs;
use crate::client::Client;
use crate::error::{CliError, CliResult, Kind};
use crate::files::{self, Names};
use crate::home::Home;
use crate::launch;
use crate::output::{Printer, Style};
use crate::rooms::{self, short};
use crate::rpc::{FileInfo, FileSettingsInfo, FileSettingsParams, FileState};
use crate::size;
use crate::table;

/// `files`: a file as the daemon tells of it, and who announced it.
#[derive(Debug, Serialize)]
pub struct ListedFile {
    /// The file.
    #[serde(flatten)]
    pub file: FileInfo,
    /// The name under which its author is shown.
    pub nick: String,
}

/// Carries out the command.
pub async fn run(home: &Home, args: &FilesArgs, output: Printer<'_>) -> CliResult {
    let room = rooms::find(home, args.room.as_deref())?;
    let settings = FileSettingsParams {
        room: room.id.to_hex(),
        auto_get: size_of("--auto-get", args.auto_get.as_deref())?,
        quota: size_of("--quota", args.quota.as_deref())?,
    };
    let mut client = launch::connect_or_start(home).await?;
    if settings.auto_get.is_some() || settings.quota.is_some() {
        let now = choose(&mut client, &settings).await?;
        output.data(&object(&now), in_words(&now, false));
        if !args.verify {
            return Ok(());
        }
    }
    let names = Names::load(home, &room);
    let (mut before, mut damaged) = (None, 0);
    let (mut is_first, mut has_folder) = (true, false);
    loop {
        let mut page = files::page(&mut client, &settings.room, before).await?;
        before = page.files.last().map(|file| file.n);
        if args.verify {
            for file in &mut page.files {
                verify(&mut client, file, output).await?;
            }
        }
        damaged += page
            .files
            .iter()
            .filter(|it| it.state == FileState::Damaged)
            .count();
        if page.files.is_empty() {
            if is_first {
                output.text("no files yet: cc-connect share PATH");
            }
            output.note(in_words(&page.settings, has_folder));
            break;
        }
        let mut here = page.files.iter().filter(|it| it.state == FileState::Here);
        has_folder |= here.any(|file| file.folder);
        print(page.files, &names, is_first, output);
        is_first = false;
    }
    if args.verify && damaged > 0 {
        let what = if damaged == 1 {
            "1 file is"
        } else {
            &format!("{damaged} files are")
        };
        return Err(CliError::new(Kind::NotFetched, format!("{what} damaged"))
            .hint("cc-connect get FILE fetches it again from whoever has it"));
    }
    Ok(())
}

/// Reads an option's size, where it was given.
pub fn size_of(option: &str, text: Option<&str>) -> CliResult<Option<u64>> {
    text.map(|text| size::parse(option, text)).transpose()
}

/// Chooses what comes by itself.
pub async fn choose(
    client: &mut Client,
    settings: &FileSettingsParams,
) -> CliResult<FileSettingsInfo> {
    client.call("file.settings", settings).await
}

/// `has_folder`: a folder is here, so that what is used is not the sum of what is listed.
fn in_words(settings: &FileSettingsInfo, has_folder: bool) -> String {
    let mut used = file_size(settings.used);
    if has_folder {
        let least = file_size(FOLDER_FILE_BYTES_MIN);
        used = format!("{used} (a file in a folder counts {least} at least)");
    }
    if settings.lost {
        return format!(
            "what was chosen for this room's files could not be read: no file comes by itself, and the quota is {}, until you choose anew: cc-connect files --room {} --auto-get SIZE --quota SIZE; {used} are here",
            file_size(settings.quota),
            short(&settings.room)
        );
    }
    if settings.auto_get == 0 || settings.quota == 0 {
        return format!("no file comes by itself; {used} of this room's files are here");
    }
    format!(
        "files up to {} come by themselves, {} in all; {used} are here",
        file_size(settings.auto_get),
        file_size(settings.quota)
    )
}

async fn verify(client: &mut Client, file: &mut FileInfo, output: Printer<'_>) -> CliResult {
    if file.state != FileState::Here {
        return Ok(());
    }
    let bar = if output.shows_progress() {
        let bar = super::share::bar(&format!("reading {}", file.name), None);
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        bar
    } else {
        indicatif::ProgressBar::hidden()
    };
    let read = files::ask(client, "file.verify", file).await;
    bar.finish_and_clear();
    *file = read?;
    Ok(())
}

fn print(page: Vec<FileInfo>, names: &Names, with_head: bool, output: Printer<'_>) {
    let listed: Vec<ListedFile> = page
        .into_iter()
        .map(|file| ListedFile {
            nick: names.of(&file.author),
            file,
        })
        .collect();
    let mut rows = Vec::new();
    if with_head {
        rows.push(["ID", "NAME", "SIZE", "FROM", "STATE"].map(str::to_owned));
    }
    rows.extend(listed.iter().map(row));
    let mut lines = table::aligned(&rows).into_iter();
    if with_head && let Some(head) = lines.next() {
        output.text(output.style(Style::Dim, &head));
    }
    for (file, line) in listed.iter().zip(lines) {
        output.data(&object(file), line);
    }
}

fn row(listed: &ListedFile) -> [String; 5] {
    let file = &listed.file;
    let name = if file.folder {
        format!("{}/", file.name)
    } else {
        file.name.clone()
    };
    let mut from = format!("@{}", listed.nick);
    if !file.via.is_empty() {
        let agent = clean_nick(&file.via).unwrap_or_else(|| "an agent".to_owned());
        from = format!("{from} (via {agent})");
    }
    let state = match &file.path {
        Some(path) if file.state == FileState::Here => {
            format!("here: {}", files::shown_path(path))
        }
        _ => files::state(file),
    };
    [
        short(&file.file).to_owned(),
        name,
        file_size(file.size),
        from,
        state,
    ]
}
