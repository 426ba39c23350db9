//! How far messages have come, and whether others are told of this machine.

use serde::{Deserialize, Serialize};

/// `room.receipts`
#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiptsParams {
    /// The room's id.
    pub room: String,
    /// The line before the first that is asked about.
    #[serde(default)]
    pub after: u64,
    /// The last that is asked about; the newest by default.
    #[serde(default)]
    pub through: Option<u64>,
}

/// What `room.receipts` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiptsResult {
    /// The room's id.
    pub room: String,
    /// The last line that the answer is about; what follows is asked for with this as `after`.
    pub through: u64,
    /// Each message among those lines.
    pub receipts: Vec<ReceiptInfo>,
}

/// How far a message has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReceiptInfo {
    /// Its line in our log.
    pub n: u64,
    /// Its id.
    pub id: String,
    /// How many members there are beside us and its author.
    pub others: u64,
    /// Those of them on whose disks it is, as far as they tell.
    pub reached: Vec<String>,
    /// Whose agents were shown it, ours too.
    pub offered: Vec<OfferInfo>,
}

/// An agent that was shown a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OfferInfo {
    /// Whose agent.
    pub author: String,
    /// Its name.
    pub agent: String,
}

/// `room.share_receipts`: without `share` it stays as it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShareReceiptsParams {
    /// The room's id.
    pub room: String,
    /// Whether others are told what is on this machine's disk and what its agents were shown.
    #[serde(default)]
    pub share: Option<bool>,
}

/// What `room.share_receipts` answers: how it is now.
#[derive(Debug, Serialize, Deserialize)]
pub struct SharedReceipts {
    /// The room's id.
    pub room: String,
    /// Whether others are told.
    pub receipts: bool,
}
