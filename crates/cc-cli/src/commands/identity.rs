//! `identity`: who this machine is to others.

use cc_proto::text::fingerprint;

use super::objects::{IdentityObject, object};
use crate::error::CliResult;
use crate::home::Home;
use crate::output::{Output, Style};

/// Prints the public key, making the identity where there is none yet.
pub fn run(home: &Home, output: Output) -> CliResult {
    let author = home.identity()?.author();
    let it = IdentityObject {
        id: author.to_hex(),
        fingerprint: fingerprint(&author),
        home: home.path().to_path_buf(),
    };
    output.data(&object(&it), output.style(Style::Bold, &it.id));
    Ok(())
}
