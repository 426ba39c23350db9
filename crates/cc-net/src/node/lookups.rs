//! How the endpoint finds others: the address book, mDNS, and n0's look-up where it is wanted.

use std::fmt;
use std::sync::Arc;

use iroh::Endpoint;
use iroh::address_lookup::{
    AddressLookup, AddressLookupBuilder, AddressLookupBuilderError, AddressLookupServices,
    DnsAddressLookup, PkarrPublisher, PkarrResolver,
};
use iroh_mdns_address_lookup::MdnsAddressLookup;

use crate::addresses::AddressBook;

/// Look-up services that may pile up before they are cleared away.
const LOOKUPS_SPARE: usize = 64;

/// The look-up services of one endpoint, kept so that they can be installed again.
pub struct Lookups {
    installers: Vec<Installer>,
}

type Installer = Box<dyn Fn(&AddressLookupServices) + Send + Sync>;

impl Lookups {
    /// Those of `endpoint`, installed. Multicast that does not work is a warning: mDNS is only one
    /// way of several.
    ///
    /// # Errors
    /// When n0's look-up is wanted and its client cannot be built.
    pub fn install(
        endpoint: &Endpoint,
        book: &AddressBook,
        mdns: bool,
        n0: bool,
    ) -> Result<Self, AddressLookupBuilderError> {
        let mut installers = vec![installer(book.lookup())];
        if mdns {
            match MdnsAddressLookup::builder().build(endpoint.id()) {
                Ok(mdns) => installers.push(installer(mdns)),
                Err(error) => tracing::warn!(%error, "no mDNS: multicast is not available"),
            }
        }
        if n0 {
            installers.push(installer(
                PkarrPublisher::n0_dns().into_address_lookup(endpoint)?,
            ));
            installers.push(installer(
                PkarrResolver::n0_dns().into_address_lookup(endpoint)?,
            ));
            installers.push(installer(
                DnsAddressLookup::n0_dns().into_address_lookup(endpoint)?,
            ));
        }
        let lookups = Self { installers };
        lookups.install_all(endpoint);
        Ok(lookups)
    }

    /// Every instance of gossip adds a look-up service that nothing removes: when `rooms` rooms
    /// have left too many behind, ours alone are installed anew.
    pub fn prune(&self, endpoint: &Endpoint, rooms: usize) {
        let Ok(services) = endpoint.address_lookup() else {
            return;
        };
        if services.len() > self.installers.len() + rooms + LOOKUPS_SPARE {
            services.clear();
            self.install_all(endpoint);
        }
    }

    fn install_all(&self, endpoint: &Endpoint) {
        if let Ok(services) = endpoint.address_lookup() {
            for install in &self.installers {
                install(services);
            }
        }
    }
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups")
            .field("services", &self.installers.len())
            .finish()
    }
}

fn installer(lookup: impl AddressLookup) -> Installer {
    let lookup = Arc::new(lookup);
    Box::new(move |services| services.add(lookup.clone()))
}
