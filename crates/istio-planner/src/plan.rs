//! What an executor performs: complete data, nothing left to decide (crates/README.md, Invariants).

use istio_catalog::stated_revision;
use sorted::SortedMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{hex, sha256};
use crate::outcome::{Direction, Ref, RestartHow};

/// The field manager of every apply: istioctl's own, so that ownership goes on (domain §4.2).
pub const FIELD_MANAGER: &str = "istio-operator";

/// Steps in the order in which they are performed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// SHA-256 of the plan's own JSON with this field empty; names the journal.
    pub id: String,
    /// From where.
    pub source: Option<String>,
    /// To where.
    pub target: String,
    /// Upgrade, downgrade, patch or same.
    pub direction: Option<Direction>,
    /// The cluster that it was made for: the uid of its namespace `kube-system`, where the export holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub cluster: Option<String>,
    /// The namespace of istiod.
    pub namespace: String,
    /// Written although a finding blocks.
    pub forced: bool,
    /// When no restart begins: `Mon-Fri 08:00-18:00`, `Sat,Sun`, `22:00-06:00`, in UTC ([`Window`](crate::order::pacing::Window)).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(optional, as = "Option<Vec<String>>"))]
    pub freeze: Vec<String>,
    /// In order; a step starts when the one before is done.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Gives a plan its name, made from its content: what is equal has the same.
    ///
    /// # Panics
    ///
    /// Never: a plan is made of strings, maps and numbers.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.id.clear();
        self.id = hex(&sha256(&self));
        self
    }

    /// Whether the plan still is what was named: nobody changed it since.
    pub fn is_sealed(&self) -> bool {
        self.id == self.clone().sealed().id
    }

    /// Whether all that the plan does is to restart pods.
    pub fn is_restart(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(Step::is_restart)
    }
}

/// The name of the Lease by which the istiods of a revision (empty is the default one) agree who makes the Deployments of
/// gateways (1.31:pilot/pkg/leaderelection, `NewPerRevisionLeaderElection`).
pub fn gateway_lease(revision: &str) -> String {
    format!("istio-gateway-deployment-{}", stated_revision(revision))
}

/// One step: one component's apply, one deletion, one wave of restarts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Unique in the plan, stable: `apply-pilot`, `prune`, `restart-1`.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// For example `Pilot`.
    pub component: Option<String>,
    /// What is done, in order.
    pub actions: Vec<Action>,
    /// What has to be true before the step counts as done.
    pub waits: Vec<Wait>,
    /// Seconds between the end of the step before and the beginning of this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "types", ts(optional, as = "Option<u32>"))]
    pub pause: u32,
}

impl Step {
    /// Whether the step only restarts pods, or looks whether they were restarted.
    pub fn is_restart(&self) -> bool {
        let actions = self
            .actions
            .iter()
            .all(|it| matches!(it, Action::Restart { .. }));
        let looks = self
            .waits
            .iter()
            .all(|it| matches!(it, Wait::Proxies { .. }));
        actions && (!self.actions.is_empty() || looks && !self.waits.is_empty())
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// One write to the cluster. The list is closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(
    tag = "action",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Action {
    /// Creates the object if it is absent, else leaves it alone (the control plane's namespace).
    Ensure {
        /// The whole object.
        #[cfg_attr(feature = "types", ts(type = "unknown"))]
        manifest: Value,
    },
    /// Server-side apply as [`FIELD_MANAGER`].
    Apply {
        /// The object.
        object: Ref,
        /// What is sent: the rendered object with owner labels, without status and managedFields.
        #[cfg_attr(feature = "types", ts(type = "unknown"))]
        manifest: Value,
        /// Take over fields that others own.
        force: bool,
        /// The live object that the plan relies on.
        expected: Expected,
    },
    /// Deletes and makes again, because a field cannot be changed in place.
    Replace {
        /// The object.
        object: Ref,
        /// What is made.
        #[cfg_attr(feature = "types", ts(type = "unknown"))]
        manifest: Value,
        /// The live object that the plan relies on.
        expected: Expected,
    },
    /// JSON merge patch as the executor's own manager (for example the deactivation of a webhook).
    Patch {
        /// The object.
        object: Ref,
        /// An RFC 7386 merge patch.
        #[cfg_attr(feature = "types", ts(type = "unknown"))]
        patch: Value,
        /// The live object that the plan relies on.
        expected: Expected,
    },
    /// Deletes; a workload goes after its pods.
    Delete {
        /// The object.
        object: Ref,
        /// The live object that the plan relies on.
        expected: Expected,
    },
    /// Restarts a workload's pods.
    Restart {
        /// The workload.
        object: Ref,
        /// How.
        how: RestartHow,
        /// Pods when the plan was made.
        pods: u32,
        /// The proxy version its pods must have afterwards.
        to: Option<String>,
        /// Pods that are restarted at the same time where that is done pod by pod; absent: one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "types", ts(optional))]
        at_once: Option<u32>,
    },
}

/// The live object that a plan relies on. The executor compares it before it writes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// False: the object must not exist.
    pub exists: bool,
    /// As exported; equal means unchanged, different means: compare the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub resource_version: Option<String>,
    /// [`crate::digest::digest`] of the object without what only the server writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub digest: Option<String>,
    /// [`crate::digest::relevant`] of the object: differs only if the change concerns the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub relevant: Option<String>,
    /// The fields that the apply changes, by path, as they are now: for showing drift in words.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    #[cfg_attr(feature = "types", ts(type = "Record<string, unknown>"))]
    pub fields: SortedMap<String, Value>,
}

/// What has to be true before a step counts as done. The list is closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(
    tag = "wait",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Wait {
    /// All replicas updated and available, old ones gone.
    Deployment {
        /// The Deployment.
        object: Ref,
    },
    /// All scheduled pods updated and ready; none desired is ready too.
    DaemonSet {
        /// The `DaemonSet`.
        object: Ref,
    },
    /// All replicas updated and ready, up to the partition.
    StatefulSet {
        /// The `StatefulSet`.
        object: Ref,
    },
    /// Condition Established.
    Established {
        /// The `CustomResourceDefinition`.
        object: Ref,
    },
    /// The Service behind a webhook has a ready endpoint.
    WebhookReachable {
        /// The webhook configuration.
        object: Ref,
    },
    /// A workload that istiod itself rolls reaches the target version.
    AutoRollout {
        /// The Deployment.
        object: Ref,
        /// For example `1.30.3`.
        to: String,
        /// The Lease whose holder rolls them: an istiod that gave up tries again when it takes it anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "types", ts(optional))]
        lock: Option<Ref>,
    },
    /// Every pod of a workload runs the target's proxy. Looked at once: what is not so is told.
    Proxies {
        /// The workload.
        object: Ref,
        /// For example `1.30.3`.
        to: String,
    },
}
