//! The CRDs that istiod reads, and in which version (1.30.3:pkg/config/schema/metadata.yaml).

use istio_catalog::Version;

/// CRDs that istiod reads, with the version before 1.24 and since.
const READ: [(&str, &str, &str); 14] = [
    ("authorizationpolicies.security.istio.io", "v1beta1", "v1"),
    ("destinationrules.networking.istio.io", "v1alpha3", "v1"),
    ("envoyfilters.networking.istio.io", "v1alpha3", "v1alpha3"),
    ("gateways.networking.istio.io", "v1alpha3", "v1"),
    ("peerauthentications.security.istio.io", "v1beta1", "v1"),
    ("proxyconfigs.networking.istio.io", "v1beta1", "v1beta1"),
    ("requestauthentications.security.istio.io", "v1beta1", "v1"),
    ("serviceentries.networking.istio.io", "v1alpha3", "v1"),
    ("sidecars.networking.istio.io", "v1alpha3", "v1"),
    ("telemetries.telemetry.istio.io", "v1alpha1", "v1"),
    ("virtualservices.networking.istio.io", "v1alpha3", "v1"),
    ("wasmplugins.extensions.istio.io", "v1alpha1", "v1alpha1"),
    ("workloadentries.networking.istio.io", "v1alpha3", "v1"),
    ("workloadgroups.networking.istio.io", "v1alpha3", "v1"),
];

/// Returns the version in which an istiod reads the objects of a CRD; `None` for one that it does not read.
pub(crate) fn version_read(name: &str, istiod: &Version) -> Option<&'static str> {
    let (_, before, since) = READ.iter().find(|it| it.0 == name)?;
    let new = istiod.major > 1 || istiod.minor >= 24;
    Some(if new { since } else { before })
}

/// Whether some istiod reads the objects of a CRD: it is nothing that an upgrade leaves behind.
pub(crate) fn is_read(name: &str) -> bool {
    READ.iter().any(|it| it.0 == name)
}
