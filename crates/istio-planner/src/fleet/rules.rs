//! What only several exports together show: one file for each code, as in [`crate::rules`].
//!
//! A rule reads the [`Situation`] and none knows another. To add one, write its file with `EXPLANATION`, `check` and tests,
//! and a row in the table below.

use istio_catalog::Version;
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::mesh::Group;
use super::{Finding, Member};
use crate::explain::Explanation;
use crate::outcome::Level;

macro_rules! rules {
    ($($module:ident $variant:ident $code:literal $level:ident $summary:literal;)*) => {
        $(mod $module;)*

        /// The codes of findings across clusters.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FleetCode"))]
        #[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts", rename = "FleetCode"))]
        pub enum Code {
            $(#[doc = $summary] #[serde(rename = $code)] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it stands in documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// What it means, why it matters, how to settle it.
            pub const fn explanation(self) -> Explanation {
                match self { $(Self::$variant => $module::EXPLANATION),* }
            }

            /// The level that its findings have unless the clusters say otherwise.
            pub const fn usual_level(self) -> Level {
                match self { $(Self::$variant => Level::$level),* }
            }
        }

        const CHECKS: &[fn(&Situation) -> Vec<Finding>] = &[$($module::check),*];
    };
}

rules! {
    same_cluster SameCluster "fleet-same-cluster" Block "Two exports are of the very same cluster.";
    remote_ahead RemoteAhead "fleet-remote-ahead" Block "A remote cluster would be newer than the control plane that serves it.";
    version_skew VersionSkew "fleet-version-skew" Block "Control planes of one mesh are, or would be, more than one minor apart.";
    cluster_missing ClusterMissing "fleet-cluster-missing" Unknown "A cluster of the mesh is not in the fleet.";
    name_twice NameTwice "fleet-name-twice" Warn "Two clusters of one mesh have the same name.";
    roots_differ RootsDiffer "fleet-roots-differ" Warn "Clusters of one mesh trust no common root certificate.";
    trust_domains_differ TrustDomainsDiffer "fleet-trust-domains-differ" Warn "Clusters of one mesh have trust domains that do not know each other.";
    no_way_between NoWayBetween "fleet-no-way-between" Warn "A cluster on a network of its own has no gateway that leads to it.";
    gateway_api_differs GatewayApiDiffers "fleet-gateway-api-differs" Warn "Clusters joined by gateways of the Gateway API have its CRDs of different releases.";
}

/// What the rules read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    /// The clusters.
    pub(super) members: &'a [Member],
    /// Which of them are of one mesh.
    pub(super) groups: &'a [Group],
    /// Where the fleet is to go.
    pub(super) to: Option<&'a Version>,
}

impl<'a> Situation<'a> {
    /// The meshes of several clusters, each as its clusters that could be read, with their names.
    fn meshes(&self) -> impl Iterator<Item = (&'a Group, Vec<(&'a str, &'a Identity)>)> {
        let members = self.members;
        let several = self.groups.iter().filter(|it| it.members.len() > 1);
        several.map(move |group| {
            let all = group.members.iter().filter_map(|at| members.get(*at));
            let read =
                all.filter_map(|it| Some((it.name.as_str(), &it.read.as_ref().ok()?.identity)));
            (group, read.collect())
        })
    }

    /// All clusters that could be read, with their names.
    fn all(&self) -> impl Iterator<Item = (&'a str, &'a Identity)> {
        let read = |it: &'a Member| Some((it.name.as_str(), &it.read.as_ref().ok()?.identity));
        self.members.iter().filter_map(read)
    }
}

/// All findings, in the order of output: level, code, first cluster.
pub(super) fn findings(situation: &Situation) -> Vec<Finding> {
    let mut all: Vec<Finding> = CHECKS.iter().flat_map(|check| check(situation)).collect();
    all.sort_by(|a, b| {
        let key = |it: &Finding| (it.level, it.code.as_str());
        key(a).cmp(&key(b))
    });
    all
}

/// A finding, put together.
struct Told {
    code: Code,
    level: Level,
    title: String,
    detail: String,
    fix: String,
}

impl Told {
    fn about(self, subjects: Vec<super::Evidence>) -> Finding {
        Finding {
            code: self.code,
            level: self.level,
            title: self.title,
            detail: self.detail,
            subjects,
            fix: self.fix,
            link: self.code.explanation().link.map(str::to_owned),
        }
    }
}

/// Where Istio describes meshes of several clusters.
const MULTICLUSTER: Option<&str> = Some("https://istio.io/latest/docs/setup/install/multicluster/");
