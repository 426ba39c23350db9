//! The card of a file: what it is, and how far it has come.

use cc_proto::text::clean_line;

use super::entry::{Look, Row};
use super::paint::{Run, run};
use super::words;
use crate::chat::theme;
use crate::chat::types::FileCard;
use crate::chat::wrap::width;
use crate::rpc::FileState;

/// The longest bar, in columns.
const BAR_COLUMNS: usize = 20;
/// The longest name that is repeated as what to type.
const NAME_CHARS_MAX: usize = 24;
/// So many digits of an id tell a room's files apart.
const ID_DIGITS: usize = 10;
/// Before the path of a file that is here.
const HERE: &str = "here: ";
/// A name is further in from its second row on, so that none of its rows can pass for the next line of the card.
const HANG: usize = 5;

/// The rows of a card, behind the sign that only cards have.
///
/// `id`: of the message that announced it, for a name that is not easily typed.
pub fn rows(look: &Look<'_>, gutter: &Run<'static>, file: &FileCard, id: Option<&str>) -> Vec<Row> {
    let theme = look.theme;
    let kind = if file.folder { "folder " } else { "file " };
    let name = clean_line(&file.name, 255);
    let mut out = look.behind(
        gutter,
        &[run(kind, theme::dim()), run(name.clone(), theme::bold())],
        HANG,
    );
    let size = words::size(file.size);
    let fault = file.fault.as_deref().map(|fault| clean_line(fault, 400));
    let waiting = match &fault {
        Some(fault) => format!("waiting: {fault}"),
        None => "asked for".to_owned(),
    };
    let fault = fault.as_deref().unwrap_or("unknown");
    let get = format!("/get {}", typed(&name, id));
    let pieces = match file.state {
        FileState::Announced => vec![
            run(format!("{size}  not here yet: "), theme::dim()),
            run(get, theme.agent()),
        ],
        FileState::Waiting => vec![
            run(format!("{size}  "), theme::dim()),
            run(waiting, theme.warn()),
        ],
        FileState::Fetching => progress(look, file),
        FileState::Here => {
            let lead = format!("{size}  ");
            let room = look
                .text_columns()
                .saturating_sub(HANG + width(&lead) + width(HERE));
            let path = file.path.as_deref();
            let path = path.and_then(|path| words::path(path, look.user, room));
            // Where there is no room for it, it is there once the file is selected.
            let here = if path.is_some() { HERE } else { "here" };
            vec![
                run(lead, theme::dim()),
                run(here, theme.good()),
                run(path.unwrap_or_default(), theme::plain()),
            ]
        }
        FileState::Damaged => vec![
            run(format!("{size}  "), theme::dim()),
            run(format!("damaged: {fault}; "), theme.bad()),
            run(format!("{get} fetches it again"), theme::dim()),
        ],
        FileState::Failed => vec![
            run(format!("{size}  "), theme::dim()),
            run(format!("failed: {fault}"), theme.bad()),
        ],
    };
    out.extend(look.behind(gutter, &pieces, HANG));
    for row in &mut out {
        row.file = true;
    }
    out
}

/// What is typed after `/get`: the name, or the beginning of the id where the name would need quotes or fills a row.
fn typed<'a>(name: &'a str, id: Option<&'a str>) -> &'a str {
    let is_easy = name
        .chars()
        .all(|c| c.is_alphanumeric() || "._-+".contains(c));
    match id.and_then(|id| id.get(..ID_DIGITS)) {
        Some(id) if !is_easy || name.chars().count() > NAME_CHARS_MAX => id,
        _ => name,
    }
}

/// `█████░░░░░ 45 %  66 KiB of 148 KiB`
fn progress(look: &Look<'_>, file: &FileCard) -> Vec<Run<'static>> {
    let theme = look.theme;
    let (full, empty) = theme.signs().bar;
    let have = file.have.min(file.size);
    let share = |of: u64| {
        let all = u128::from(file.size.max(1));
        (u128::from(have) * u128::from(of) / all) as usize
    };
    let columns = BAR_COLUMNS.min(look.columns / 4).max(4);
    let done = share(columns as u64);
    vec![
        run(full.repeat(done), theme.good()),
        run(empty.repeat(columns - done), theme::dim()),
        run(format!(" {} %", share(100)), theme::bold()),
        run(
            format!("  {} of {}", words::size(have), words::size(file.size)),
            theme::dim(),
        ),
    ]
}
