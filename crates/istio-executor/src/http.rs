//! Asking HTTP servers that are not the cluster: downloads, registries, those who are notified.

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// What `settings` make of the client that all such servers are asked with: it names itself, and trusts whom the machine
/// trusts.
pub(crate) fn agent(
    settings: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let common = Agent::config_builder()
        .tls_config(tls)
        .user_agent(concat!("refit/", env!("CARGO_PKG_VERSION")));
    Agent::new_with_config(settings(common).build())
}
