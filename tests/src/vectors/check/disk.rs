//! The log on disk.

use std::path::Path;

use cc_log::fault::FaultStorage;
use cc_log::{Line, LogReader, Position};
use serde_json::{Value, json};

use super::Outcome;
use crate::vectors::input::{self, number};
use crate::vectors::refusals::Refused;

/// `file`: the text of a whole `log.jsonl`. The verdict is the first damaged line's.
pub fn log(input: &Value) -> Outcome {
    let storage = FaultStorage::new();
    let folder = Path::new("/room");
    storage.set_contents(
        &folder.join("log.jsonl"),
        input::text(input, "file").as_bytes(),
    );
    let log = LogReader::open_in(storage, folder).expect("a log opens, whatever it holds");
    let lines: Vec<Line> = log
        .lines_after(&Position::START)
        .map(|line| line.expect("memory can be read"))
        .collect();
    let fields = json!({
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "end": number(log.end_offset()),
    });
    match lines.into_iter().find_map(|line| line.message.err()) {
        None => Ok(fields),
        Some(damage) => Err(Refused {
            details: fields,
            ..damage.into()
        }),
    }
}

fn line(line: &Line) -> Value {
    let message = match &line.message {
        Ok(message) => message,
        Err(damage) => {
            return json!({ "n": line.n.0, "verdict": Refused::from(*damage).verdict });
        }
    };
    json!({
        "n": line.n.0,
        "verdict": crate::vectors::OK,
        "at": number(line.at.0),
        "id": message.id().to_hex(),
        "author": message.header().author.to_hex(),
        "kind": message.kind().name(),
        "text": message.text(),
        "repairs": line.repairs.map(|n| n.0),
    })
}
