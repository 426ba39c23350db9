//! The control protocol between clients and the daemon: newline-delimited JSON-RPC 2.0 on a Unix socket.
//!
//! One JSON value a line, at most [`LINE_BYTES_MAX`] bytes with its line feed. Batches are not taken. Requests of one
//! connection run at the same time: who needs an order waits for the answer. A message without `id` is a
//! notification: it is carried out and never answered. Rooms are named by their full id, 64 hexadecimal digits.
//!
//! | method | parameters | result |
//! |---|---|---|
//! | `hello` | [`HelloParams`] | [`Hello`] |
//! | `room.start` | [`StartParams`] | [`Opened`] |
//! | `room.join` | [`JoinParams`] | [`Opened`] |
//! | `room.list` | none | `{"rooms":[`[`RoomInfo`]`…]}` |
//! | `room.ticket` | [`RoomParams`] | [`TicketResult`] |
//! | `room.invite` | [`InviteParams`] | [`Invited`] |
//! | `room.invites` | [`RoomParams`] | [`InviteList`] |
//! | `room.revoke` | [`RevokeParams`] | [`Acted`] |
//! | `room.members` | [`RoomParams`] | [`People`] |
//! | `room.remove` | [`RemoveParams`] | [`RemoveResult`] |
//! | `room.admin` | [`AdminParams`] | [`Acted`] |
//! | `room.leave` | [`RoomParams`] | [`LeaveResult`] |
//! | `room.retract` | [`RetractParams`] | [`Acted`] |
//! | `room.trust` | [`TrustParams`] | `{}` |
//! | `room.petname` | [`PetnameParams`] | `{}` |
//! | `room.receipts` | [`ReceiptsParams`] | [`ReceiptsResult`] |
//! | `room.share_receipts` | [`ShareReceiptsParams`] | [`SharedReceipts`] |
//! | `send` | [`SendParams`] | [`SendResult`] |
//! | `room.wake` | [`WakeParams`] | [`WakeState`] |
//! | `file.share` | [`ShareParams`] | [`ShareResult`] |
//! | `file.list` | [`FileListParams`] | [`FileList`] |
//! | `file.get` | [`FileParams`] | [`FileInfo`], at once; then `file` events |
//! | `file.cancel` | [`FileParams`] | [`FileInfo`] |
//! | `file.verify` | [`FileParams`] | [`FileInfo`] |
//! | `file.settings` | [`FileSettingsParams`] | [`FileSettingsInfo`] |
//! | `held.list` | none | [`HeldList`] |
//! | `held.approve` | [`HeldParams`] | [`SendResult`] |
//! | `held.refuse` | [`HeldParams`] | `{}` |
//! | `status` | none | [`Status`] |
//! | `subscribe` | [`RoomParams`] | [`Subscribed`], then notifications until the connection ends |
//! | `stop` | none | `{"stopping":true}`; the process ends after it |
//!
//! Notifications from the daemon: `event` with [`EventParams`], `lagged` with [`LaggedParams`]. The table of errors is in
//! [`code`].

pub mod code;
mod files;
mod line;
mod members;
mod receipts;
mod types;

pub use files::{
    FileInfo, FileList, FileListParams, FileParams, FileSettingsInfo, FileSettingsParams,
    FileState, ShareParams, ShareResult, WaitsFor,
};
pub use line::{RpcError, answer_line, notification_line, parse_call, request_line};
pub use members::{
    Acted, AdminParams, Expires, FormerPerson, InviteInfo, InviteList, InviteParams, Invited,
    LeaveResult, Never, People, Person, PetnameParams, RemoveParams, RemoveResult, RetractParams,
    RevokeParams, Trust, TrustParams,
};
pub use receipts::{
    OfferInfo, ReceiptInfo, ReceiptsParams, ReceiptsResult, ShareReceiptsParams, SharedReceipts,
};
pub use types::{
    AgentsInfo, ClosedRoom, EventParams, GossipInfo, HeldBackInfo, HeldInfo, HeldList, HeldParams,
    Hello, HelloParams, JoinParams, LaggedParams, Opened, RefusedPeer, RoomInfo, RoomList,
    RoomParams, SendKind, SendParams, SendResult, SendRole, StartParams, State, Status, Stopping,
    Subscribed, TicketResult, WakeMember, WakeParams, WakeState,
};

/// The longest line in either direction, in bytes: the longest text with every character escaped, and room beside.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// The version of this protocol; it grows when a client of the one before would be misled.
pub const API_VERSION: u32 = 1;
