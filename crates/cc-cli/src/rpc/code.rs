//! The numbers of errors. Negative ones are JSON-RPC's own; positive ones are ours and do not change their meaning.
//!
//! | code | kind (`error.data.kind`) | meaning |
//! |---|---|---|
//! | -32700 | `parse_error` | the line is not JSON |
//! | -32600 | `invalid_request` | the line is JSON but no request, or it is too long; after the latter the connection is closed |
//! | -32601 | `method_not_found` | no such method |
//! | -32602 | `invalid_params` | a parameter is missing or of the wrong type |
//! | -32603 | `internal_error` | the daemon failed in a way that has no number |
//! | 1 | `no_such_room` | no room of that id in this home |
//! | 2 | `bad_ticket` | the ticket is malformed, mistyped, cut or of a later version |
//! | 3 | `refused` | a member at the door refused the join; the message says why |
//! | 4 | `joining` | the room has not let us in yet |
//! | 5 | `bad_message` | the text is empty or too long |
//! | 6 | `bad_name` | the nick or the room's name is empty or too long |
//! | 7 | `disk` | nothing was stored: the disk is full or failing |
//! | 8 | `network` | the endpoint could not be opened |
//! | 9 | `relay_in_use` | another relay is in use by the rooms that are open |
//! | 10 | `stopping` | the daemon is ending |
//! | 11 | `cannot_bind` | the folder to bind does not exist or cannot be looked at |
//! | 12 | `too_many` | this connection has as many subscriptions as it may have |
//! | 13 | `no_ticket` | this machine has no ticket of the room that still lets anybody in |
//! | 14 | `not_allowed` | the roster gives us no right to that; the message says why |
//! | 15 | `no_such_member` | nobody of that key belongs to the room, or did |
//! | 16 | `no_such_invite` | the room has no such invite |
//! | 17 | `no_such_message` | the room has no such message here |
//! | 18 | `not_a_member` | we belong to the room no longer |
//! | 19 | `secret` | an agent's text seems to hold a credential |
//! | 20 | `held_back` | agents said as much as they may; the hint says what frees them |
//! | 21 | `paused` | the owner has paused the room for agents |
//! | 22 | `no_such_held` | no message of that number waits for the owner |
//! | 23 | `no_such_file` | the room has no such file |
//! | 24 | `credential` | the file is or seems to hold a credential, and no person wanted it shared all the same |
//! | 25 | `changed` | the file changed while it was read, or since it was held; nothing was announced |
//! | 26 | `no_space` | the disk has no room for it |
//! | 27 | `unreadable` | there is nothing at that path, it cannot be read, or it is neither a file nor a folder |
//! | 28 | `too_large` | the folder has more files, longer names or deeper folders than can be shared |
//! | 29 | `outside` | an agent shares nothing from outside its session's folder and the folder for temporary files |
//! | 30 | `over_quota` | an agent fetches no more than the room's quota has space for |

/// The line is not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// The line is no request.
pub const INVALID_REQUEST: i64 = -32600;
/// No such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// A parameter is missing or wrong.
pub const INVALID_PARAMS: i64 = -32602;
/// The daemon failed.
pub const INTERNAL_ERROR: i64 = -32603;
/// No such room.
pub const NO_SUCH_ROOM: i64 = 1;
/// The ticket cannot be read.
pub const BAD_TICKET: i64 = 2;
/// The door refused.
pub const REFUSED: i64 = 3;
/// Not let in yet.
pub const JOINING: i64 = 4;
/// The text cannot be sent.
pub const BAD_MESSAGE: i64 = 5;
/// The name cannot be used.
pub const BAD_NAME: i64 = 6;
/// The disk failed.
pub const DISK: i64 = 7;
/// The endpoint could not be opened.
pub const NETWORK: i64 = 8;
/// Another relay is in use.
pub const RELAY_IN_USE: i64 = 9;
/// The daemon is ending.
pub const STOPPING: i64 = 10;
/// The folder cannot be bound.
pub const CANNOT_BIND: i64 = 11;
/// Too many subscriptions.
pub const TOO_MANY: i64 = 12;
/// No ticket of the room.
pub const NO_TICKET: i64 = 13;
/// The roster gives us no right to that.
pub const NOT_ALLOWED: i64 = 14;
/// Nobody of that key.
pub const NO_SUCH_MEMBER: i64 = 15;
/// No such invite.
pub const NO_SUCH_INVITE: i64 = 16;
/// No such message.
pub const NO_SUCH_MESSAGE: i64 = 17;
/// We belong no longer.
pub const NOT_A_MEMBER: i64 = 18;
/// A credential in an agent's text.
pub const SECRET: i64 = 19;
/// Agents said as much as they may.
pub const HELD_BACK: i64 = 20;
/// The room is paused for agents.
pub const PAUSED: i64 = 21;
/// No such message waits.
pub const NO_SUCH_HELD: i64 = 22;
/// No such file in the room.
pub const NO_SUCH_FILE: i64 = 23;
/// The file is or holds a credential.
pub const CREDENTIAL: i64 = 24;
/// The file changed while it was read.
pub const CHANGED: i64 = 25;
/// The disk has no room for it.
pub const NO_SPACE: i64 = 26;
/// There is nothing that can be read at a path.
pub const UNREADABLE: i64 = 27;
/// A folder that is larger than can be shared.
pub const TOO_LARGE: i64 = 28;
/// An agent may not share from there.
pub const OUTSIDE: i64 = 29;
/// An agent may not fetch so much.
pub const OVER_QUOTA: i64 = 30;

/// The stable name of a code.
pub const fn name(code: i64) -> &'static str {
    match code {
        PARSE_ERROR => "parse_error",
        INVALID_REQUEST => "invalid_request",
        METHOD_NOT_FOUND => "method_not_found",
        INVALID_PARAMS => "invalid_params",
        NO_SUCH_ROOM => "no_such_room",
        BAD_TICKET => "bad_ticket",
        REFUSED => "refused",
        JOINING => "joining",
        BAD_MESSAGE => "bad_message",
        BAD_NAME => "bad_name",
        DISK => "disk",
        NETWORK => "network",
        RELAY_IN_USE => "relay_in_use",
        STOPPING => "stopping",
        CANNOT_BIND => "cannot_bind",
        TOO_MANY => "too_many",
        NO_TICKET => "no_ticket",
        NOT_ALLOWED => "not_allowed",
        NO_SUCH_MEMBER => "no_such_member",
        NO_SUCH_INVITE => "no_such_invite",
        NO_SUCH_MESSAGE => "no_such_message",
        NOT_A_MEMBER => "not_a_member",
        SECRET => "secret",
        HELD_BACK => "held_back",
        PAUSED => "paused",
        NO_SUCH_HELD => "no_such_held",
        NO_SUCH_FILE => "no_such_file",
        CREDENTIAL => "credential",
        CHANGED => "changed",
        NO_SPACE => "no_space",
        UNREADABLE => "unreadable",
        TOO_LARGE => "too_large",
        OUTSIDE => "outside",
        OVER_QUOTA => "over_quota",
        _ => "internal_error",
    }
}
