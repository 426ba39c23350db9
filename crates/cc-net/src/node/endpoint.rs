//! Binding the machine's one endpoint.

use std::net::SocketAddr;

use cc_proto::frames::SYNC_ALPN;
use cc_proto::identity::Identity;
use iroh::endpoint::{BindError, InvalidSocketAddr, PortmapperConfig, presets};
use iroh::{Endpoint, RelayMode, RelayUrl, SecretKey};

use super::transport;
use crate::gate::Gate;

/// Which relay helps where no direct path exists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RelayChoice {
    /// n0's public relays, and n0's look-up of endpoint addresses.
    #[default]
    Default,
    /// No relay and no look-up service: the local network only.
    None,
    /// A relay of one's own, by URL, and no look-up service.
    Url(String),
}

/// Why no endpoint could be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The relay's URL is none.
    #[error("{url:?} is no relay URL")]
    RelayUrl {
        /// What was given.
        url: String,
    },
    /// The address cannot be bound to.
    #[error("cannot listen on {address}")]
    Address {
        /// What was given.
        address: SocketAddr,
        /// Why.
        source: InvalidSocketAddr,
    },
    /// No socket could be opened.
    #[error("cannot open a socket")]
    Bind(#[from] BindError),
}

/// Binds an endpoint whose id is the author id of `identity`, on these addresses alone; on every
/// interface where there are none. Look-ups are installed afterwards.
pub async fn bind(
    identity: &Identity,
    relay: &RelayChoice,
    addresses: &[SocketAddr],
    gate: Gate,
) -> Result<Endpoint, EndpointError> {
    let mode = match relay {
        RelayChoice::Default => RelayMode::Default,
        RelayChoice::None => RelayMode::Disabled,
        RelayChoice::Url(url) => {
            let relay: RelayUrl = url
                .parse()
                .map_err(|_| EndpointError::RelayUrl { url: url.clone() })?;
            RelayMode::custom([relay])
        }
    };
    let mut builder = Endpoint::builder(presets::Minimal)
        .relay_mode(mode)
        .secret_key(SecretKey::from_bytes(identity.seed()))
        .alpns(vec![SYNC_ALPN.to_vec()])
        .transport_config(transport::dialed())
        .hooks(gate);
    if *relay == RelayChoice::None {
        // Nobody from beyond the router is expected.
        builder = builder.portmapper_config(PortmapperConfig::Disabled);
    }
    if !addresses.is_empty() {
        builder = builder.clear_ip_transports();
    }
    for &address in addresses {
        builder = builder
            .bind_addr(address)
            .map_err(|source| EndpointError::Address { address, source })?;
    }
    Ok(builder.bind().await?)
}
