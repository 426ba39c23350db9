//! How much a connection may hold of ours, before and after its key is known.

use std::sync::Arc;

use cc_proto::frames::{BLOBS_ALPN_PREFIX, GOSSIP_ALPN_PREFIX, RoomTag, SYNC_ALPN};
use cc_proto::id::RoomId;
use iroh::Endpoint;
use iroh::endpoint::{Incoming, QuicTransportConfig, QuicTransportConfigBuilder, ServerConfig};

use crate::tuning::{
    BLOBS_STREAMS_MAX, GOSSIP_STREAMS_MAX, MEMBER_WINDOW_BYTES, SEND_WINDOW_BYTES,
    STRANGER_WINDOW_BYTES, SYNC_STREAMS_MAX,
};

/// For connections that we dial: whoever answers has shown the key that we asked for, opens nothing
/// but gossip's streams, and sends no datagrams.
pub fn dialed() -> QuicTransportConfig {
    common()
        .max_concurrent_bidi_streams(0_u32.into())
        .max_concurrent_uni_streams(GOSSIP_STREAMS_MAX.into())
        .receive_window(MEMBER_WINDOW_BYTES.into())
        .build()
}

/// For connections that we dial for a file. What may be on its way on its one stream is QUIC's own measure: with less
/// a fast transfer stops for want of it, and both sides wait for each other's turn.
pub fn fetching() -> QuicTransportConfig {
    QuicTransportConfig::builder()
        .datagram_receive_buffer_size(None)
        .max_concurrent_bidi_streams(0_u32.into())
        .max_concurrent_uni_streams(0_u32.into())
        .build()
}

fn common() -> QuicTransportConfigBuilder {
    QuicTransportConfig::builder()
        .send_window(SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(None)
}

/// What incoming connections get, by the protocol that they ask for.
///
/// Every protocol name in the shape of a room's gossip or files is accepted, whatever rooms there are, and
/// the gate closes the connection after the handshake. So a stranger who knows a room's id sees the
/// same whether this machine has the room or not. Other names are refused by TLS, always.
#[derive(Debug)]
pub struct Incomings {
    sync: QuicTransportConfig,
    gossip: QuicTransportConfig,
    blobs: QuicTransportConfig,
}

impl Incomings {
    /// The limits before anything is known of the peer.
    pub fn new() -> Self {
        let limited = || common().receive_window(STRANGER_WINDOW_BYTES.into());
        Self {
            sync: limited()
                .max_concurrent_bidi_streams(SYNC_STREAMS_MAX.into())
                .max_concurrent_uni_streams(0_u32.into())
                .build(),
            gossip: limited()
                .max_concurrent_bidi_streams(0_u32.into())
                .max_concurrent_uni_streams(GOSSIP_STREAMS_MAX.into())
                .build(),
            // What a file's bytes take on their way to a member is QUIC's own measure: less is slower.
            blobs: QuicTransportConfig::builder()
                .datagram_receive_buffer_size(None)
                .receive_window(STRANGER_WINDOW_BYTES.into())
                .max_concurrent_bidi_streams(BLOBS_STREAMS_MAX.into())
                .max_concurrent_uni_streams(0_u32.into())
                .build(),
        }
    }

    /// The configuration for one incoming connection.
    pub fn config(&self, endpoint: &Endpoint, incoming: &Incoming) -> Arc<ServerConfig> {
        let (alpn, transport) = match room_alpn(incoming) {
            Some((alpn, Own::Gossip)) => (alpn, &self.gossip),
            Some((alpn, Own::Blobs)) => (alpn, &self.blobs),
            None => (SYNC_ALPN.to_vec(), &self.sync),
        };
        let config = endpoint
            .create_server_config_builder(vec![alpn])
            .set_transport_config(transport.clone())
            .build();
        Arc::new(config)
    }
}

/// The protocols that each room has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    Gossip,
    Blobs,
}

/// The protocol name that is asked for first, where it has the shape of a room's own.
fn room_alpn(incoming: &Incoming) -> Option<(Vec<u8>, Own)> {
    let asked = incoming.decrypt()?.alpns()?.next()?.ok()?;
    Some((asked.to_vec(), shape_of(&asked)?))
}

fn shape_of(alpn: &[u8]) -> Option<Own> {
    let tag = RoomTag::of(&RoomId::from_bytes([0; 32]));
    let shapes = [
        (GOSSIP_ALPN_PREFIX, tag.gossip_alpn(), Own::Gossip),
        (BLOBS_ALPN_PREFIX, tag.blobs_alpn(), Own::Blobs),
    ];
    let fits = |prefix: &str, like: &[u8]| {
        let label = alpn.strip_prefix(prefix.as_bytes());
        label.is_some_and(|label| {
            alpn.len() == like.len()
                && label
                    .iter()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    let mut shapes = shapes.into_iter();
    let found = shapes.find(|(prefix, like, _)| fits(prefix, like));
    found.map(|(_, _, own)| own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rooms_own_protocols_have_their_shape_and_nothing_else_does() {
        for n in 0..20 {
            let tag = RoomTag::of(&RoomId::from_bytes([n; 32]));
            for (alpn, own) in [
                (tag.gossip_alpn(), Own::Gossip),
                (tag.blobs_alpn(), Own::Blobs),
            ] {
                assert_eq!(shape_of(&alpn), Some(own));
                assert_eq!(shape_of(&alpn[..alpn.len() - 1]), None);
                assert_eq!(shape_of(&[&alpn[..], b"0"].concat()), None);
                assert_eq!(shape_of(&alpn.to_ascii_uppercase()), None);
            }
        }
        assert_eq!(shape_of(SYNC_ALPN), None);
    }
}
