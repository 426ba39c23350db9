//! `send`: one message.

use std::io::Read as _;

use cc_proto::limits::TEXT_BYTES_MAX;

use super::objects::{Sent, object};
use crate::args::SendArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::launch;
use crate::output::Output;
use crate::rooms;
use crate::rpc::{SendParams, SendResult};

/// Sends the message and returns when it is on disk.
pub async fn run(home: &Home, args: &SendArgs, output: Output) -> CliResult {
    let room = rooms::find(home, args.room.as_deref())?;
    let text = match args.text.as_slice() {
        [dash] if dash == "-" => read_text()?,
        words => words.join(" "),
    };
    check_text(&text)?;
    let mut client = launch::connect_or_start(home).await?;
    let params = SendParams {
        room: room.id.to_hex(),
        text,
        via: args.via.clone().unwrap_or_default(),
        ..SendParams::default()
    };
    let sent: SendResult = client.call("send", &params).await?;
    let object = object(&Sent {
        room: params.room,
        id: sent.id,
        n: sent.n,
        held: sent.held,
    });
    if output.json() {
        output.data(&object, "");
    } else if let Some(held) = sent.held {
        output.note(format!(
            "held until you approve it: cc-connect approve {held}"
        ));
    } else {
        let line = sent.n.unwrap_or_default();
        output.note(format!("sent to {} (line {line})", room.shown_name()));
    }
    Ok(())
}

/// Refuses what no room takes, before anything is asked.
pub fn check_text(text: &str) -> CliResult {
    if text.trim().is_empty() {
        return Err(CliError::new(Kind::Message, "the message is empty"));
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(CliError::new(
            Kind::Message,
            format!(
                "the message has {} bytes, and at most {TEXT_BYTES_MAX} can be sent",
                text.len()
            ),
        )
        .hint("send it in parts"));
    }
    Ok(())
}

fn read_text() -> CliResult<String> {
    let failed = |error: std::io::Error| {
        CliError::new(Kind::Message, "cannot read the message from standard input").because(&error)
    };
    let mut bytes = Vec::new();
    // One more than can be sent tells a text that is too long, whatever more there is.
    let limit = TEXT_BYTES_MAX as u64 + 2;
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    text_of(bytes)
}

/// The text in what was read, without the line break at its end. What is too long was not read to its end, and may be
/// cut within a character.
fn text_of(mut bytes: Vec<u8>) -> CliResult<String> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(CliError::new(
            Kind::Message,
            format!("the message has more than {TEXT_BYTES_MAX} bytes"),
        )
        .hint("send it in parts"));
    }
    String::from_utf8(bytes)
        .map_err(|_| CliError::new(Kind::Message, "standard input is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_told_from_what_is_no_text() {
        let of =
            |text: &str, bytes: usize| text_of(text.repeat(bytes).into_bytes()[..bytes].to_vec());
        assert_eq!(of("x", TEXT_BYTES_MAX).unwrap().len(), TEXT_BYTES_MAX);
        let with_break = "x".repeat(TEXT_BYTES_MAX) + "\n";
        assert_eq!(
            text_of(with_break.into_bytes()).unwrap().len(),
            TEXT_BYTES_MAX
        );
        // Cut within a character.
        let error = of("€", TEXT_BYTES_MAX + 2).unwrap_err();
        assert_eq!(error.message, "the message has more than 16384 bytes");
        let error = text_of(b"\xff\n".to_vec()).unwrap_err();
        assert_eq!(error.message, "standard input is not UTF-8 text");
    }
}
