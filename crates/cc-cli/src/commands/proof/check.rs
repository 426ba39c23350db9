//! `proof check`: from nothing but the file, wherever it came from.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use cc_proto::proof::{PROOF_TEXT_BYTES_MAX, Proof};

use super::told;
use crate::args::CheckArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::output::Output;

/// Says what the proof proves, and what it does not.
pub fn check(args: &CheckArgs, output: Output) -> CliResult {
    let text = read(&args.file)?;
    let proven = Proof::from_text(&text)
        .and_then(|proof| proof.check())
        .map_err(|error| {
            CliError::new(Kind::Proof, "this proves nothing")
                .because(&error)
                .hint("ask for the whole file, as `cc-connect proof export` wrote it")
        })?;
    output.data(&told::object(&proven), told::in_words(&proven));
    Ok(())
}

fn read(file: &Path) -> CliResult<String> {
    let failed =
        |error: &io::Error| CliError::new(Kind::Proof, "cannot read the proof").because(error);
    let mut bytes = Vec::new();
    let most = PROOF_TEXT_BYTES_MAX as u64 + 1;
    let read = if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| failed(&error))?;
    // What is around the proof may be anything; the proof itself is ASCII.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
