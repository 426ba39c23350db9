//! How much a connection may hold of ours, before and after its key is known.

use std::sync::Arc;

use cc_proto::frames::{GOSSIP_ALPN_PREFIX, RoomTag, SYNC_ALPN};
use cc_proto::id::RoomId;
use iroh::Endpoint;
use iroh::endpoint::{Incoming, QuicTransportConfig, QuicTransportConfigBuilder, ServerConfig};

use crate::tuning::{
    GOSSIP_STREAMS_MAX, MEMBER_WINDOW_BYTES, SEND_WINDOW_BYTES, STRANGER_WINDOW_BYTES,
    SYNC_STREAMS_MAX,
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

fn common() -> QuicTransportConfigBuilder {
    QuicTransportConfig::builder()
        .send_window(SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(None)
}

/// What incoming connections get, by the protocol that they ask for.
///
/// Every protocol name in the shape of a room's gossip is accepted, whatever rooms there are, and
/// the gate closes the connection after the handshake. So a stranger who knows a room's id sees the
/// same whether this machine has the room or not. Other names are refused by TLS, always.
#[derive(Debug)]
pub struct Incomings {
    sync: QuicTransportConfig,
    gossip: QuicTransportConfig,
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
        }
    }

    /// The configuration for one incoming connection.
    pub fn config(&self, endpoint: &Endpoint, incoming: &Incoming) -> Arc<ServerConfig> {
        let (alpn, transport) = match gossip_alpn(incoming) {
            Some(alpn) => (alpn, &self.gossip),
            None => (SYNC_ALPN.to_vec(), &self.sync),
        };
        let config = endpoint
            .create_server_config_builder(vec![alpn])
            .set_transport_config(transport.clone())
            .build();
        Arc::new(config)
    }
}

/// The protocol name that is asked for first, where it has the shape of a room's gossip.
fn gossip_alpn(incoming: &Incoming) -> Option<Vec<u8>> {
    let asked = incoming.decrypt()?.alpns()?.next()?.ok()?;
    is_gossip_alpn(&asked).then(|| asked.to_vec())
}

fn is_gossip_alpn(alpn: &[u8]) -> bool {
    let label = alpn.strip_prefix(GOSSIP_ALPN_PREFIX.as_bytes());
    let length = RoomTag::of(&RoomId::from_bytes([0; 32]))
        .gossip_alpn()
        .len();
    label.is_some_and(|label| {
        alpn.len() == length
            && label
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rooms_gossip_has_the_shape_and_nothing_else_does() {
        for n in 0..20 {
            let alpn = RoomTag::of(&RoomId::from_bytes([n; 32])).gossip_alpn();
            assert!(is_gossip_alpn(&alpn));
            assert!(!is_gossip_alpn(&alpn[..alpn.len() - 1]));
            assert!(!is_gossip_alpn(&[&alpn[..], b"0"].concat()));
            assert!(!is_gossip_alpn(&alpn.to_ascii_uppercase()));
        }
        assert!(!is_gossip_alpn(SYNC_ALPN));
    }
}
