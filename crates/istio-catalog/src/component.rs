//! What components are called.

use std::fmt;

/// The name of a component, as istioctl writes it into the label `operator.istio.io/component`.
///
/// Labels in clusters may hold anything, so documents hold text; code compares it with these. In the order of the
/// names, by which they sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComponentName {
    /// What 1.6 and 1.7 called all that they installed beside the mesh.
    AddonComponents,
    /// CRDs, and what every control plane needs.
    Base,
    /// The node agent that sets up the network of pods.
    Cni,
    /// The gateways of the list for traffic that leaves.
    EgressGateways,
    /// A gateway that is in no such list: of a chart of its own, or made for a `Gateway` of Gateway API.
    Gateway,
    /// The gateways of the list for traffic that comes in.
    IngressGateways,
    /// What is left of a control plane that runs in another cluster, up to 1.23.
    IstiodRemote,
    /// istiod.
    Pilot,
    /// Mixer's policies, up to 1.7.
    Policy,
    /// Mixer's telemetry, up to 1.7.
    Telemetry,
    /// A waypoint of the ambient data plane.
    Waypoint,
    /// The node proxy of the ambient data plane.
    Ztunnel,
}

impl ComponentName {
    const ALL: [Self; 12] = [
        Self::AddonComponents,
        Self::Base,
        Self::Cni,
        Self::EgressGateways,
        Self::Gateway,
        Self::IngressGateways,
        Self::IstiodRemote,
        Self::Pilot,
        Self::Policy,
        Self::Telemetry,
        Self::Waypoint,
        Self::Ztunnel,
    ];

    /// The two lists of gateways.
    pub const GATEWAYS: [Self; 2] = [Self::IngressGateways, Self::EgressGateways];

    /// Returns the name as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddonComponents => "AddonComponents",
            Self::Base => "Base",
            Self::Cni => "Cni",
            Self::EgressGateways => "EgressGateways",
            Self::Gateway => "Gateway",
            Self::IngressGateways => "IngressGateways",
            Self::IstiodRemote => "IstiodRemote",
            Self::Pilot => "Pilot",
            Self::Policy => "Policy",
            Self::Telemetry => "Telemetry",
            Self::Waypoint => "Waypoint",
            Self::Ztunnel => "Ztunnel",
        }
    }

    /// Whether it is one of the two lists of gateways.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::IngressGateways | Self::EgressGateways)
    }

    /// Whether it runs a pod on every node.
    pub const fn is_node_agent(self) -> bool {
        matches!(self, Self::Cni | Self::Ztunnel)
    }

    /// Returns the main container of its pods.
    pub const fn container(self) -> &'static str {
        match self {
            Self::Pilot => "discovery",
            Self::Cni => "install-cni",
            _ => "istio-proxy",
        }
    }

    /// Returns the component of this name; `None` for a text that names none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

impl fmt::Display for ComponentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<ComponentName> for String {
    fn from(name: ComponentName) -> Self {
        name.as_str().to_owned()
    }
}

impl PartialEq<ComponentName> for str {
    fn eq(&self, other: &ComponentName) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<ComponentName> for &str {
    fn eq(&self, other: &ComponentName) -> bool {
        *self == other.as_str()
    }
}

impl PartialEq<ComponentName> for String {
    fn eq(&self, other: &ComponentName) -> bool {
        self == other.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::ComponentName;

    #[test]
    fn they_sort_as_their_names_do_and_names_lead_back() {
        assert!(ComponentName::ALL.is_sorted());
        assert!(ComponentName::ALL.map(ComponentName::as_str).is_sorted());
        for it in ComponentName::ALL {
            assert_eq!(ComponentName::parse(it.as_str()), Some(it));
        }
        assert_eq!(ComponentName::parse("Other"), None);
    }
}
