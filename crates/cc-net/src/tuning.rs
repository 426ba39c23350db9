//! Every timeout and queue size of this crate, and what happens when one is reached.

use std::time::Duration;

/// A dial that has not connected by then is given up; iroh alone would try for 30 s.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(2);
/// Dials under way at once on one machine; further ones wait for their turn.
pub const DIALS_MAX: usize = 16;
/// Sessions of one room that we dialled and that are not quite over. At this bound a dial counts as
/// failed, and the core tries again.
pub const ROOM_DIALED_SESSIONS_MAX: usize = 32;
/// Members that a room dials when the machine's network changes.
pub const NETWORK_CHANGE_DIALS: usize = 4;

/// Incoming connections under way at once, from the first packet to the end of a sync session;
/// gossip counts only until its handshake is done. Further ones are refused.
pub const CONNECTIONS_MAX: usize = 256;
/// So many of them may be of those whom no room lists. The rest is kept for members: by their keys,
/// and before the handshake by the addresses where they were seen. When it is full, whoever comes
/// from the most crowded address makes way, the oldest first.
pub const CONNECTIONS_STRANGERS_MAX: usize = 192;
/// Strangers' connections that were closed stay in memory until QUIC forgets them. With so many of them, those
/// who have one among them are refused…
pub const CONNECTIONS_LEAVING_FREE: usize = 64;
/// …and with so many, all but members.
pub const CONNECTIONS_LEAVING_MAX: usize = 192;
/// One that ended before its handshake was done counts among them for so long: three probe timeouts where the
/// round trip is not known.
pub const UNFINISHED_LEAVE_TIME: Duration = Duration::from_secs(3);
/// With more than this many under way or leaving, an address must first prove that it receives our packets.
pub const CONNECTIONS_UNPROVEN_MAX: usize = 64;
/// Incoming sync connections of one member at once; further ones are refused.
pub const CONNECTIONS_PER_PEER_MAX: usize = 8;
/// Incoming sync connections of one key that no room lists; further ones are refused.
pub const CONNECTIONS_PER_STRANGER_MAX: usize = 2;
/// Gossip connections of a room, in both directions; further ones are refused.
pub const GOSSIP_CONNECTIONS_MAX: usize = 64;
/// Gossip connections of one member in a room; a further one closes the oldest.
pub const GOSSIP_CONNECTIONS_PER_PEER_MAX: usize = 4;

/// Bytes that a peer may send ahead of our reading before its key is known to a room.
pub const STRANGER_WINDOW_BYTES: u32 = 64 * 1024;
/// Bytes that a member may send ahead of our reading.
pub const MEMBER_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// Bytes sent to a peer and not yet acknowledged that are kept for it.
pub const SEND_WINDOW_BYTES: u64 = 4 * 1024 * 1024;
/// Streams that a peer may have open to us for sync: one a connection.
pub const SYNC_STREAMS_MAX: u32 = 1;
/// Streams that a peer may have open to us for gossip: one a topic, and one on its way out.
pub const GOSSIP_STREAMS_MAX: u32 = 4;
/// A first frame up to this long is always read; a longer one…
pub const FIRST_FRAME_BYTES_FREE: usize = 16 * 1024;
/// …waits until those of strangers that are being read take less than this together.
pub const FIRST_FRAMES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// An incoming connection that has not finished its handshake by then is dropped.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// An incoming sync connection must have sent its whole first frame by then.
pub const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(5);

/// A sync session in which neither direction moved for this long is aborted.
pub const SESSION_IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// One frame, begun, may take this long and…
pub const FRAME_GRACE: Duration = Duration::from_secs(10);
/// …a second more for every so many bytes: a peer that trickles cannot hold a session for ever.
pub const FRAME_BYTES_PER_SECOND_MIN: u64 = 8 * 1024;
/// How long we wait for the peer to take the end of a finished session.
pub const FINISH_TIMEOUT: Duration = Duration::from_secs(5);
/// Frames of one session on their way out. The core stops by itself at
/// [`cc_proto::limits::SESSION_FRAMES_AHEAD`]; a session over this is aborted.
pub const SESSION_SEND_FRAMES_MAX: usize = 64;
/// Frames of one session that the room has not taken yet; then nothing more is read from the
/// peer, and QUIC's flow control makes it wait.
pub const SESSION_RECEIVE_FRAMES_MAX: usize = 2;

/// Frames that one session takes from its peer at once…
pub const SESSION_FRAMES_BURST: u64 = 8192;
/// …and this many a second after that: whoever sends more is read more slowly, alone.
pub const SESSION_FRAMES_PER_SECOND: u64 = 256;
/// Bytes that one session takes from its peer at once…
pub const SESSION_BYTES_BURST: u64 = 64 * 1024 * 1024;
/// …and this many a second after that.
pub const SESSION_BYTES_PER_SECOND: u64 = 32 * 1024 * 1024;

/// Requests and network inputs waiting for a room's thread. When full, senders and sessions wait;
/// gossip frames are dropped and reported as lag, so that a sync fetches them.
pub const ROOM_QUEUE_MAX: usize = 1024;
/// Most inputs that share one commit.
pub const ROOM_TURN_MAX: usize = 256;
/// Events kept for each subscriber of [`crate::Room::events`]; a slower one is told how many it missed.
pub const ROOM_EVENTS_MAX: usize = 4096;
/// Dials that the core asked for and that were not begun. When full, further ones are dropped: the
/// core asks again.
pub const ROOM_DIALS_QUEUE_MAX: usize = 64;

/// Gossip frames waiting to go out. When full, further ones are dropped: heights and sync heal it.
pub const GOSSIP_SEND_QUEUE_MAX: usize = 256;
/// Frames that one neighbour may deliver by gossip at once…
pub const GOSSIP_NEIGHBOR_BURST: u64 = 2048;
/// …and this many a second after that. What is above it is dropped and fetched by sync: the frames
/// of other neighbours keep their place.
pub const GOSSIP_NEIGHBOR_PER_SECOND: u64 = 512;
/// Gossip frames waiting for a room's thread. When as many wait, further ones are dropped and
/// reported as lag: requests and sessions keep their place in the queue.
pub const GOSSIP_RECEIVE_QUEUE_MAX: usize = 512;
/// Events kept by gossip for us before it reports a lag.
pub const GOSSIP_SUBSCRIPTION_MAX: usize = 1024;
/// Gossip that does not take a frame or answer a probe for this long has stalled and is rebuilt.
pub const GOSSIP_STALL_TIMEOUT: Duration = Duration::from_secs(5);
/// How often gossip with neighbours is asked for a sign of life.
pub const GOSSIP_PROBE_INTERVAL: Duration = Duration::from_secs(5);
/// Gossip without neighbours tries its bootstrap peers again this often.
pub const GOSSIP_JOIN_INTERVAL: Duration = Duration::from_secs(2);
/// Gossip with neighbours tries one further member this often: overlays that parted do not merge by
/// themselves.
pub const GOSSIP_MERGE_INTERVAL: Duration = Duration::from_mins(1);
/// Most peers that one such try names.
pub const GOSSIP_JOIN_PEERS_MAX: usize = 8;
/// First pause before gossip is built anew; doubles with each failure…
pub const GOSSIP_BACKOFF_MIN: Duration = Duration::from_secs(1);
/// …up to this. Gossip that lived longer than this starts again from the first.
pub const GOSSIP_BACKOFF_MAX: Duration = Duration::from_mins(1);
/// How soon neighbours and lag that the room's full queue did not take are offered again.
pub const GOSSIP_REPORT_INTERVAL: Duration = Duration::from_millis(200);

/// Peers in the address book; beyond it the one not seen for longest is forgotten.
pub const ADDRESS_BOOK_PEERS_MAX: usize = 1024;
/// A changed address book is written at most this often, and at shutdown.
pub const ADDRESS_BOOK_SAVE_INTERVAL: Duration = Duration::from_secs(5);

/// A node that has been up for this long knows where it can be reached, or will not find out soon:
/// no ticket waits longer for an address.
pub const ADDRESS_SETTLE_TIMEOUT: Duration = Duration::from_secs(3);
/// Most direct addresses in a ticket for each member but its maker: people paste tickets.
pub const TICKET_OTHERS_DIRECT_MAX: usize = 2;

/// How long a room that is being left waits for somebody to take the word of it.
pub const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it dials them meanwhile.
pub const LEAVE_DIAL_INTERVAL: Duration = Duration::from_millis(2500);
/// How long shutdown waits for peers to take the close of their connections. Those that are there
/// do at once; iroh alone would wait three seconds for a dial that nobody answered.
pub const ENDPOINT_CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long shutdown waits for a room, and then for all tasks, before it aborts what is left.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A room's store of files that did not open is tried again after this time.
pub const STORE_RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// A store that another has open is tried so many times…
pub const STORE_LOCKED_TRIES: u32 = 10;
/// …at this distance, before it counts as one that does not open.
pub const STORE_LOCKED_INTERVAL: Duration = Duration::from_millis(100);
/// How long closing it may take; what it did not write is fetched again.
pub const STORE_CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// Files that a room fetches at once; further ones wait.
pub const ROOM_FETCHES_MAX: usize = 2;
/// Files that a machine fetches at once, of all rooms together.
pub const FETCHES_MAX: usize = 4;
/// How soon a file that nobody gave is tried again…
pub const FETCH_RETRY_MIN: Duration = Duration::from_secs(3);
/// …and how late, after many tries.
pub const FETCH_RETRY_MAX: Duration = Duration::from_secs(30);
/// A member who is asked for a file's true size must have shown it by then.
pub const FETCH_SIZE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for all files of a folder.
pub const FETCH_FOLDER_TIMEOUT: Duration = Duration::from_mins(1);
/// A member of whose file nothing came for this long is left, and the next one asked.
pub const FETCH_STALL_TIMEOUT: Duration = Duration::from_secs(15);
/// So many bytes a second have to come from a member who is asked for a file, else the next one is asked.
pub const FETCH_BYTES_PER_SECOND_MIN: u64 = 8 * 1024;
/// A file's progress is told at most this often.
pub const FILE_PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// Connections for files of a room, in both directions; further ones are refused.
pub const BLOBS_CONNECTIONS_MAX: usize = 32;
/// Connections for files of one member in a room; a further one closes the oldest.
pub const BLOBS_CONNECTIONS_PER_PEER_MAX: usize = 6;
/// Requests of a member that are served at once on one connection; QUIC makes it wait with further ones.
pub const BLOBS_STREAMS_MAX: u32 = 4;
/// A request for a file must be there whole by then.
pub const BLOBS_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection on which nothing was asked for, or of what was asked nothing was taken, for this long is closed.
pub const BLOBS_IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// Connections for files that wait to be served. When as many wait, further ones are closed.
pub const BLOBS_ACCEPT_QUEUE_MAX: usize = 16;
/// A file with at most so many bytes is synced before it is told to be here. A larger one, or a folder, is noted down, told
/// and synced then: what a power loss may have taken of it is found at the next start.
pub const SYNC_FIRST_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What is taken back is removed from disk at most this often: the store is closed meanwhile.
pub const FILES_SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// So much of what is new of a room's files is seen to at once.
pub const FILES_NEWS_BATCH: usize = 64;
/// What is noted of a room's files is written this often at most, where nobody waits for it.
pub const FILES_SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// A file in a folder counts at least so many bytes of the quota, as it does on a disk.
pub const FOLDER_FILE_BYTES_MIN: u64 = 4 * 1024;
/// A folder of more files does not come by itself.
pub const AUTO_FOLDER_FILES_MAX: usize = 1_000;
