//! Every bound of the protocol in one place; `spec/limits.md` lists the same values.

/// Longest text of one chat message, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Longest body of any other kind than those below, in bytes of its encoding.
pub const BODY_BYTES_MAX: usize = TEXT_BYTES_MAX + 1024;
/// Longest body of an invite-revoke, a remove or a grant, in bytes of its encoding: they list chains
/// and members.
pub const ROSTER_BODY_BYTES_MAX: usize = 64 * 1024;
/// Most members that one invite-revoke or remove names as staying; further ones are named by further
/// acts of the same kind.
pub const KEEP_PER_ACT_MAX: usize = 512;
/// Most cuts that one remove or grant lists: the highest tip of each chain first.
pub const CUTS_PER_ACT_MAX: usize = 1040;
/// Longest `via`, in bytes of UTF-8.
pub const VIA_BYTES_MAX: usize = 64;
/// Longest nickname, in bytes of UTF-8.
pub const NICK_BYTES_MAX: usize = 128;
/// Longest room name, in bytes of UTF-8.
pub const ROOM_NAME_BYTES_MAX: usize = 256;
/// Longest note of an invite, in bytes of UTF-8.
pub const NOTE_BYTES_MAX: usize = 256;
/// Longest safe name of a file, in bytes of UTF-8.
pub const FILE_NAME_BYTES_MAX: usize = 120;
/// Most files in a folder.
pub const FOLDER_FILES_MAX: usize = 10_000;
/// Longest list of the names in a folder, in bytes.
pub const FOLDER_LIST_BYTES_MAX: usize = 1024 * 1024;
/// Most names in the path of a file below its folder.
pub const FOLDER_DEPTH_MAX: usize = 16;
/// Files up to so many bytes are fetched by themselves unless the owner said otherwise.
pub const AUTO_GET_BYTES: u64 = 10 * 1024 * 1024;
/// So many bytes of a room's files are on disk before nothing more is fetched by itself, unless the owner said otherwise.
pub const ROOM_FILES_BYTES: u64 = 1024 * 1024 * 1024;
/// So many bytes of a disk stay free, whatever is fetched or shared.
pub const DISK_RESERVE_BYTES: u64 = 256 * 1024 * 1024;
/// Files of a room that are wanted and not here; more are not noted down.
pub const WANTED_FILES_MAX: usize = 4_096;
/// Most addresses in a ticket.
pub const TICKET_ADDRESSES_MAX: usize = 4;
/// Most direct socket addresses of one peer address.
pub const DIRECT_ADDRESSES_MAX: usize = 8;
/// Longest ticket, in characters.
pub const TICKET_CHARS_MAX: usize = 4096;

/// A timestamp further than this ahead of the receiver's wall clock is skewed, in milliseconds.
pub const SKEW_MS_MAX: u64 = 10 * 60 * 1000;
/// An invite lasts this long unless told otherwise, in milliseconds.
pub const INVITE_LIFETIME_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Most messages in one segment frame.
pub const SEGMENT_MESSAGES_MAX: usize = 256;
/// Most bytes of messages in one segment frame.
pub const SEGMENT_BYTES_MAX: usize = 1024 * 1024;
/// Most messages that a receiver takes in one segment frame. A sender goes above
/// [`SEGMENT_MESSAGES_MAX`] only where no signature stands before, as after damage.
pub const SEGMENT_MESSAGES_HARD_MAX: usize = 512;
/// Most bytes of messages that a receiver takes in one segment frame.
pub const SEGMENT_BYTES_HARD_MAX: usize = 2 * SEGMENT_BYTES_MAX;
/// Longest sync frame, in bytes, the length prefix not counted.
pub const SYNC_FRAME_BYTES_MAX: usize = SEGMENT_BYTES_HARD_MAX + 64 * 1024;
/// Longest first frame of a sync connection, in bytes: nothing is known yet of who sends it.
pub const HELLO_BYTES_MAX: usize = 256 * 1024;
/// Most heads in one frame; more follow in further frames.
pub const HEADS_PER_FRAME_MAX: usize = 4096;
/// Most heads that one peer may announce in one session.
pub const HEADS_MAX: usize = 4_194_304;
/// Most chains kept of one author.
pub const CHAINS_PER_AUTHOR_MAX: usize = 1024;
/// Most locators that one side asks for in one session; further chains wait for the next.
pub const LOCATORS_MAX: usize = 1024;
/// Most messages in the bundle that proves a membership.
pub const BUNDLE_MESSAGES_MAX: usize = 64;
/// Most places in a locator, a branch.
pub const LOCATOR_PLACES_MAX: usize = 64;
/// Most addresses that one peer may tell of in one session.
pub const LEARNED_ADDRESSES_MAX: usize = 64;

/// Longest gossip frame, in bytes; the same on every peer.
pub const GOSSIP_FRAME_BYTES_MAX: usize = 20 * 1024;
/// Gossip carries whole messages up to this many at once…
pub const GOSSIP_BURST: u32 = 32;
/// …and this many a second after that; above it, heights.
pub const GOSSIP_PER_SECOND: u32 = 100;
/// Most heights in one gossip frame.
pub const HEIGHTS_PER_FRAME_MAX: usize = 128;

/// Messages kept in memory because the one before them is missing.
pub const PENDING_MESSAGES_MAX: usize = 1024;
/// Messages of one author among them.
pub const PENDING_PER_AUTHOR_MAX: usize = 128;
/// Most branches kept of one forked chain.
pub const FORK_TIPS_MAX: usize = 4;
/// Most messages kept of a chain at and above the place where it forked.
pub const FORK_REGION_MAX: usize = 16_384;
/// Sessions that a room has under way at once.
pub const SESSIONS_MAX: usize = 16;
/// A session whose sides have not told each other what they hold by then is ended, in milliseconds.
pub const SESSION_OPENING_MS_MAX: u64 = 60 * 1000;
/// Frames that the core has handed over of one session before it waits for the transport.
pub const SESSION_FRAMES_AHEAD: usize = 4;
/// Gossip frames of one neighbour that are looked at up to this many at once…
pub const NEIGHBOR_FRAMES_BURST: u64 = 2_048;
/// …and this many a second after that; what is passed over comes by sync.
pub const NEIGHBOR_FRAMES_PER_SECOND: u64 = 1_024;
/// Live messages of one author that are appended as they come, up to this many at once…
pub const LIVE_BURST: u64 = 256;
/// …and this many a second after that; above it they come by sync.
pub const LIVE_PER_SECOND: u64 = 200;
/// Bytes of one author that are appended by sync, up to this many at once…
pub const AUTHOR_BYTES_BURST: u64 = 256 * 1024 * 1024;
/// …and this many a second after that; the rest is left for later sessions.
pub const AUTHOR_BYTES_PER_SECOND: u64 = 1024 * 1024;
/// Added to the length of a body where the bytes of an author are counted, for header and signature.
pub const MESSAGE_OVERHEAD_BYTES: u64 = 512;
/// Bytes of one author's acts that are kept in memory. Beyond it nothing more of the author is taken,
/// and people are told.
pub const ACT_BYTES_PER_AUTHOR_MAX: u64 = 16 * 1024 * 1024;
/// Most messages of one author that are sent in one session while it has others' to send as well; the
/// rest waits for the next.
pub const SESSION_MESSAGES_PER_AUTHOR_MAX: u64 = 65_536;
/// Bundles of strangers that are judged, up to this many at once…
pub const BUNDLES_BURST: u64 = 64;
/// …and this many a second after that; above it they are refused like any stranger.
pub const BUNDLES_PER_SECOND: u64 = 16;
/// Most places whose body was withheld that are asked for again.
pub const BODILESS_MAX: usize = 65_536;
/// Most members of whom it is remembered that they wait for a session.
pub const WAITING_MAX: usize = 4_096;
/// Where all sessions of a room are taken, the one that began first gives way to a member without one
/// after this time, in milliseconds.
pub const SESSION_TURN_MS: u64 = 10 * 1000;
/// Messages that agents may write to a room in a minute, shared by the members whose agents wrote in the last one.
pub const AGENT_MESSAGES_PER_MINUTE: u64 = 20;
/// Status and error notes that the agents of one member may write to a room in a minute, beside the others.
pub const AGENT_NOTES_PER_MINUTE: u64 = 6;
/// Messages of agents in a row, those of several members among them, after which they wait for a person.
pub const AGENT_RUN_MAX: u64 = 8;
/// What an agent wrote longer ago is no longer part of a row, in milliseconds.
pub const AGENT_RUN_MS: u64 = 60 * 60 * 1000;

/// Longest receipt with its signature, in bytes: it fits into a gossip frame.
pub const RECEIPT_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of a receipt that say what is on disk; the chains that grew last come first.
pub const RECEIPT_REACHED_BYTES_MAX: usize = 12 * 1024;
/// Most agents that a receipt names.
pub const RECEIPT_AGENTS_MAX: usize = 16;
/// Most messages that a receipt says agents were shown, the latest ones.
pub const RECEIPT_OFFERED_MAX: usize = 1000;
/// In a room with more members nobody sends receipts, and none are taken.
pub const RECEIPTS_MEMBERS_MAX: usize = 256;
/// Shortest time between two receipts of a member, in milliseconds…
pub const RECEIPT_SPACING_MS_MIN: u64 = 2_000;
/// …and so much longer that the receipts of all members take no more bytes a second than this.
pub const RECEIPTS_BYTES_PER_SECOND: u64 = 16 * 1024;
/// Receipts of one peer, in whoever's name, that are verified up to this many at once…
pub const RECEIPTS_BURST: u64 = 512;
/// …and this many a second after that; others are not looked at.
pub const RECEIPTS_PER_SECOND: u64 = 128;
/// Most bytes of receipts that one side sends in a session; the rest waits for the next.
pub const SESSION_RECEIPTS_BYTES_MAX: usize = 256 * 1024;
/// In sessions with one peer, others' receipts are passed on this often, in milliseconds.
pub const RECEIPTS_RELAY_SPACING_MS: u64 = 10 * 1000;
/// How often a session of an agent is woken in an hour.
pub const WAKES_PER_HOUR_MAX: u64 = 10;
