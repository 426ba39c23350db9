//! `receipts`: whether the others hear what reached this machine; and how far messages have come, for `log`.

use std::collections::BTreeMap;

use super::objects::{ReceiptsObject, object};
use crate::args::{OnOff, ReceiptsArgs};
use crate::client::Client;
use crate::error::CliResult;
use crate::home::Home;
use crate::launch;
use crate::output::Printer;
use crate::rooms::{self, KnownRoom};
use crate::rpc::{
    ReceiptInfo, ReceiptsParams, ReceiptsResult, ShareReceiptsParams, SharedReceipts,
};

/// Sets it, or says how it is.
pub async fn run(home: &Home, args: &ReceiptsArgs, output: Printer<'_>) -> CliResult {
    let room = rooms::find(home, args.of.room.as_deref())?;
    let mut client = launch::connect_or_start(home).await?;
    let params = ShareReceiptsParams {
        room: room.id.to_hex(),
        share: args.receipts.map(|receipts| receipts == OnOff::On),
    };
    let is: SharedReceipts = client.call("room.share_receipts", &params).await?;
    let told = if is.receipts {
        "receipts are on: the members see what has reached this machine, and which messages your agents were shown"
    } else {
        "receipts are off: the members see nothing of what has reached this machine or your agents"
    };
    let shown = object(&ReceiptsObject {
        room: is.room,
        receipts: is.receipts,
    });
    output.data(&shown, told);
    Ok(())
}

/// How far messages have come, by their lines.
pub type Receipts = BTreeMap<u64, ReceiptInfo>;

/// Asks how far the messages after a line have come; gives the last line that the answer is about.
pub async fn after(
    client: &mut Client,
    room: &KnownRoom,
    after: u64,
    through: u64,
) -> CliResult<(Receipts, u64)> {
    let params = ReceiptsParams {
        room: room.id.to_hex(),
        after,
        through: Some(through),
    };
    let told: ReceiptsResult = client.call("room.receipts", &params).await?;
    let receipts = told.receipts.into_iter().map(|info| (info.n, info));
    Ok((receipts.collect(), told.through))
}
