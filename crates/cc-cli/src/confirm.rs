//! Asking before what cannot be undone.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::error::{CliError, CliResult, Kind};

/// Returns where the person agrees: by `--yes`, or by `y` on a terminal. Nowhere to ask is no agreement.
pub fn ask(question: &str, yes: bool) -> CliResult {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(
            CliError::new(Kind::Usage, format!("{question} Nobody is there to ask"))
                .hint("--yes answers it"),
        );
    }
    let mut err = io::stderr().lock();
    // Nowhere to ask shows in the answer, which is then none.
    let _ = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(CliError::new(Kind::Declined, "nothing was done"))
}
