//! Writes what the fuzz targets start from: the inputs of the conformance vectors, in each target's form.
//!
//! ```text
//! cargo run -p cc-tests --example fuzz_seeds -- fuzz/seeds
//! ```

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cc_proto::proof::Proof;
use cc_tests::vectors::{self, Case};
use serde_json::Value;

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: fuzz_seeds FOLDER");
        std::process::exit(2);
    };
    let mut count = 0;
    for case in vectors::load_all() {
        for (target, bytes) in seeds(&case) {
            write(&folder, target, &case, &bytes)?;
            count += 1;
        }
    }
    println!("{count} seeds in {}", folder.display());
    Ok(())
}

fn write(folder: &Path, target: &str, case: &Case, bytes: &[u8]) -> io::Result<()> {
    let folder = folder.join(target);
    fs::create_dir_all(&folder)?;
    let kind = bytes.first().copied().unwrap_or_default();
    let name = format!("{}-{}-{kind:02x}", case.group, case.name);
    fs::write(folder.join(name), bytes)
}

/// What a case's input is to which targets; `fuzz/README.md` has the forms.
fn seeds(case: &Case) -> Vec<(&'static str, Vec<u8>)> {
    let input = &case.input;
    let hex = |name: &str| unhex(&input[name]);
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let raws = |name: &str| -> Vec<Vec<u8>> {
        let list = input[name].as_array().map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(unhex).collect()
    };
    let mut seeds = Vec::new();
    match case.group.as_str() {
        "message" | "genesis" => seeds.extend(hex("raw").map(|raw| ("message", raw))),
        "body" => seeds.extend(hex("bytes").map(|bytes| {
            let number =
                |name: &str| (input[name].as_u64().unwrap_or_default() as u16).to_le_bytes();
            ("body", [&number("kind")[..], &number("v"), &bytes].concat())
        })),
        "ticket" => seeds.push(("ticket", [&[0], text("text").as_bytes()].concat())),
        "hello" => seeds.extend(hex("bytes").map(|bytes| ("sync_frame", bytes))),
        "frame" => {
            let gossip = text("of") == "gossip";
            let target = if gossip { "gossip_frame" } else { "sync_frame" };
            seeds.extend(hex("bytes").map(|bytes| (target, bytes)));
        }
        "segment" => {
            let raws = raws("messages");
            seeds.extend([0, 1].map(|mode| ("segment", list(mode, &raws))));
            seeds.push(("log_file", lines(&raws)));
        }
        "roster" => seeds.push(("log_file", lines(&raws("acts")))),
        "log" => seeds.push(("log_file", [&[0], text("file").as_bytes()].concat())),
        "proof" => {
            seeds.push(("proof", [&[0], text("text").as_bytes()].concat()));
            if let Ok(proof) = Proof::from_text(text("text")) {
                seeds.extend([1, 2].map(|mode| ("proof", [&[mode], &proof.encode()[..]].concat())));
            }
        }
        "receipt" => seeds.extend(hex("bytes").into_iter().flat_map(|bytes| {
            let signed = [&[0][..], &bytes].concat();
            [
                ("receipt", signed),
                ("receipt", [&[1][..], &bytes].concat()),
            ]
        })),
        "clean-text" | "clean-line" => seeds.push(("text", text("text").into())),
        "nick" => seeds.push(("text", text("nick").into())),
        "mention" => seeds.push(("text", format!("{}\n{}", text("nick"), text("text")).into())),
        _ => {}
    }
    seeds
}

fn unhex(value: &Value) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER
        .decode(value.as_str()?.as_bytes())
        .ok()
}

/// A list in the canonical encoding, of fewer than 128 items.
fn list(mode: u8, items: &[Vec<u8>]) -> Vec<u8> {
    let count = items.len().min(127);
    let mut bytes = vec![mode, count as u8];
    items[..count].iter().for_each(|item| bytes.extend(item));
    bytes
}

/// Messages that are to stand in good lines, each behind its length.
fn lines(raws: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![1];
    for raw in raws {
        bytes.extend((raw.len().min(65535) as u16).to_le_bytes());
        bytes.extend(&raw[..raw.len().min(65535)]);
    }
    bytes
}
