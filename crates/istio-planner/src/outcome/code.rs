//! What a finding is called: the closed list of codes.
//!
//! The list stands here, on the document's floor, so that a finding can hold a code and a document with another is
//! refused. What a code means is said above: each row of `rules` has its module there (`rules/MODULE.rs`), each row of
//! `notes` its fact (`notes/SUBJECT.rs`).

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Hands the list to a macro: here to the one that makes the type, in `rules` to the one that makes its modules.
///
/// A row of `rules` is `module Variant "code" Level (runs) "Summary.";`: the level is what its findings have unless the
/// cluster says otherwise, `runs` is `once` or `hops` (once, and for every hop), and `hides_nothing` after it says that no
/// block could hide behind a finding of level `unknown`.
/// A row of `notes` is `Variant "code";`, in the order of the facts.
macro_rules! codes {
    ($then:ident) => {
        $then! {
            rules {
                version_skew VersionSkew "version-skew" Block (once) "Source and target are more than one minor apart.";
                source_too_old SourceTooOld "source-too-old" Block (once) "The source is older than 1.6.";
                source_version_unknown SourceVersionUnknown "source-version-unknown" Unknown (once) "Nothing in the export gives the version that runs.";
                target_unknown TargetUnknown "target-unknown" Unknown (once) "The target is not a release that this build knows.";
                newer_patch NewerPatch "newer-patch" Warn (once) "The target is not the newest patch of its minor.";
                target_defect TargetDefect "target-defect" Warn (once) "The very patch of the target has a defect that this cluster meets.";
                tag_of_another_release TagOfAnotherRelease "tag-of-another-release" Warn (once) "The request installs images of another release than the target.";
                mixed_versions MixedVersions "mixed-versions" Block (once) "Parts of the installation differ in version.";
                revisioned_install RevisionedInstall "revisioned-install" Block (once) "The control plane or the request has a revision.";
                foreign_installer ForeignInstaller "foreign-installer" Block (once) "Something other than istioctl installed what would be applied.";
                operator_managed OperatorManaged "operator-managed" Block (once) "An in-cluster operator would reconcile everything back.";
                installer_unknown InstallerUnknown "installer-unknown" Unknown (once) "The export does not tell who installed the mesh.";
                no_control_plane NoControlPlane "no-control-plane" Block (once) "No control plane was found.";
                several_control_planes SeveralControlPlanes "several-control-planes" Block (once) "The request could mean more than one control plane.";
                control_plane_not_rendered ControlPlaneNotRendered "control-plane-not-rendered" Block (once) "The request leaves istiod out, so it stays at its version.";
                remote_cluster RemoteCluster "remote-cluster" Warn (once) "The control plane runs in another cluster.";
                mesh_peers MeshPeers "mesh-peers" Warn (once) "Other clusters are of the same mesh.";
                control_plane_not_ready ControlPlaneNotReady "control-plane-not-ready" Warn (once) "A part of the installation is not healthy now.";
                kubernetes_below_minimum KubernetesBelowMinimum "kubernetes-below-minimum" Block (hops) "The server is older than the target accepts.";
                kubernetes_untested KubernetesUntested "kubernetes-untested" Warn (hops) "The server is outside the target's documented range.";
                kubernetes_unknown KubernetesUnknown "kubernetes-unknown" Unknown (hops) "The export does not tell the server's version.";
                compatibility_version_unsupported CompatibilityVersionUnsupported "compatibility-version-unsupported" Block (hops) "The target does not ship the compatibility version.";
                request_invalid RequestInvalid "request-invalid" Block (once) "The target's own validation refuses the request.";
                request_warning RequestWarning "request-warning" Warn (once) "The target's own validation warns about the request.";
                request_meaning_changed RequestMeaningChanged "request-meaning-changed" Warn (once) "The target reads the same request otherwise than the source did.";
                istioctl_defect IstioctlDefect "istioctl-defect" Info (once) "A known defect of istioctl is corrected here.";
                render_failed RenderFailed "render-failed" Block (once) "A chart of the target refuses the values.";
                target_release_missing TargetReleaseMissing "target-release-missing" Unknown (once) "The target's release was not found, so nothing was rendered.";
                source_release_missing SourceReleaseMissing "source-release-missing" Unknown (once hides_nothing) "The source's release was not found, so settings cannot be told from its defaults.";
                apply_refused ApplyRefused "apply-refused" Block (once) "The API server would refuse a rendered object.";
                istiod_single_replica IstiodSingleReplica "istiod-single-replica" Warn (once) "Fewer than two istiod would run during or after the upgrade.";
                istiod_no_disruption_budget IstiodNoDisruptionBudget "istiod-no-disruption-budget" Warn (once) "No disruption budget covers istiod.";
                disruption_budget_exhausted DisruptionBudgetExhausted "disruption-budget-exhausted" Warn (once) "A budget allows no disruption now.";
                disruption_budget_change DisruptionBudgetChange "disruption-budget-change" Warn (once) "The apply makes, changes or deletes a disruption budget.";
                disruption_budget_blocks_drains DisruptionBudgetBlocksDrains "disruption-budget-blocks-drains" Warn (once) "A budget would allow no eviction after the upgrade.";
                node_agents_restart NodeAgentsRestart "node-agents-restart" Info (once) "The apply replaces ztunnel or the CNI agent on every node.";
                node_agent_left NodeAgentLeft "node-agent-left" Warn (once) "The request no longer holds ztunnel or the CNI agent, which run.";
                failure_policy_change FailurePolicyChange "failure-policy-change" Warn (once) "The apply changes what happens while istiod does not answer.";
                istiod_rolls_gateways IstiodRollsGateways "istiod-rolls-gateways" Info (once) "The new istiod itself replaces gateways and waypoints.";
                proxy_tag_differs ProxyTagDiffers "proxy-tag-differs" Warn (once) "The request injects proxies of another version than the target's.";
                settings_unknown SettingsUnknown "settings-unknown" Warn (once) "The installation has settings that the target does not know.";
                room_missing RoomMissing "room-missing" Warn (once) "The nodes have no room for what the target asks for.";
                proxies_too_old ProxiesTooOld "proxies-too-old" Warn (once) "Proxies are more than one minor behind the target.";
                proxies_ahead ProxiesAhead "proxies-ahead" Warn (once) "Proxies are newer than the control plane, now or afterwards.";
                settings_reverted SettingsReverted "settings-reverted" Warn (once) "The request would revert settings of the installation.";
                gateway_list_replaced GatewayListReplaced "gateway-list-replaced" Warn (once) "A gateway that runs is missing from the request's list.";
                webhook_overlap WebhookOverlap "webhook-overlap" Block (once) "Two injectors would match the same pod.";
                webhook_gap WebhookGap "webhook-gap" Warn (once) "Pods that are injected today would start without a sidecar.";
                revision_tag_stale RevisionTagStale "revision-tag-stale" Info (once) "A revision tag keeps the webhook of the source release.";
                webhook_service_missing WebhookServiceMissing "webhook-service-missing" Warn (once) "A webhook that must answer calls a Service that does not.";
                root_certificates_differ RootCertificatesDiffer "root-certificates-differ" Warn (once) "Namespaces trust another root certificate than istiod's.";
                webhook_ca_differs WebhookCaDiffers "webhook-ca-differs" Warn (once) "A webhook's caBundle does not hold istiod's root certificate.";
                ca_change CaChange "ca-change" Warn (once) "The apply changes who signs the certificates of the mesh.";
                cni_conflict CniConflict "cni-conflict" Warn (once) "A setting of another network plug-in does not go with this mesh.";
                alpha_security_objects AlphaSecurityObjects "alpha-security-objects" Block (once) "Objects of the removed alpha security APIs exist.";
                crd_stored_version CrdStoredVersion "crd-stored-version" Block (once) "The older release does not serve a version in which objects are stored.";
                crd_version_missing CrdVersionMissing "crd-version-missing" Warn (once) "CRDs that the request leaves alone lack a version that the target reads.";
                fields_lost FieldsLost "fields-lost" Block (once) "Objects use fields that the target's definitions do not have.";
                objects_refused ObjectsRefused "objects-refused" Warn (once) "The target's definitions would refuse objects that are there.";
                objects_ignored ObjectsIgnored "objects-ignored" Warn (once) "Objects are of kinds that the target does not know.";
                gateway_api_bundle GatewayApiBundle "gateway-api-bundle" Warn (hops) "The target ignores or refuses the installed Gateway API bundle.";
                immutable_field ImmutableField "immutable-field" Warn (once) "A change needs deletion and creation.";
                load_balancer_change LoadBalancerChange "load-balancer-change" Warn (once) "A gateway's Service changes in what a load balancer sees.";
                scale_reset ScaleReset "scale-reset" Warn (once) "Replicas or autoscaler bounds set by others would be overwritten.";
                edits_overwritten EditsOverwritten "edits-overwritten" Warn (once) "Fields that others set would be overwritten.";
                ownership_unknown OwnershipUnknown "ownership-unknown" Unknown (once hides_nothing) "Without managedFields take-overs cannot be told.";
                orphans_left OrphansLeft "orphans-left" Warn (once) "istioctl would leave objects behind.";
                end_of_life EndOfLife "end-of-life" Warn (hops) "The target is past its end of support.";
                fixes_missing FixesMissing "fixes-missing" Warn (once) "The target lacks fixes that the source has.";
                registry_ends RegistryEnds "registry-ends" Warn (once) "Images come from a registry that ends.";
                signing_key_changed SigningKeyChanged "signing-key-changed" Warn (once) "A policy verifies images with a key that does not sign the target's.";
                security_fixed SecurityFixed "security-fixed" Warn (once) "Security bulletins hit the source and not the target.";
                security_open SecurityOpen "security-open" Warn (once hides_nothing) "Security bulletins hit the target.";
                security_until_restart SecurityUntilRestart "security-until-restart" Warn (once) "Proxies stay open to security bulletins until they are restarted.";
                would_lose_proxy WouldLoseProxy "would-lose-proxy" Warn (once) "A restart would remove a proxy.";
                manual_restart ManualRestart "manual-restart" Warn (once) "No rollout can restart a proxy.";
                admission_refuses AdmissionRefuses "admission-refuses" Warn (once) "A policy of the cluster refuses what the upgrade makes.";
                metric_renamed MetricRenamed "metric-renamed" Warn (once) "Rules or dashboards read metrics that go or change name.";
                setting_without_effect SettingWithoutEffect "setting-without-effect" Warn (once) "A setting that the target accepts and nobody reads.";
                rollout_stuck RolloutStuck "rollout-stuck" Warn (once) "A rollout of the upgrade cannot make its new pod.";
                envoyfilter_version EnvoyfilterVersion "envoyfilter-version" Warn (once) "Patches of `EnvoyFilter` are bound to the proxies that run now.";
                envoyfilter_type EnvoyfilterType "envoyfilter-type" Warn (once) "Patches of `EnvoyFilter` bring what the target's proxies do not have.";
                export_conflict ExportConflict "export-conflict" Warn (once) "The export holds the same object twice, at different times.";
                export_incomplete ExportIncomplete "export-incomplete" Unknown (once) "Kinds that a rule reads are missing in the export.";
            }
            notes {
                WaypointAttachment "waypoint-attachment";
                AmbientRedirectionAnnotation "ambient-redirection-annotation";
                AmbientDnsCapture "ambient-dns-capture";
                IptablesReconciled "iptables-reconciled";
                ExcludedNamespacesLeave "excluded-namespaces-leave";
                AmbientGatewaysExcluded "ambient-gateways-excluded";
                CniOwnNetwork "cni-own-network";
                CniUnprivileged "cni-unprivileged";
                CniFileMode "cni-file-mode";
                ZtunnelNames "ztunnel-names";
                ZtunnelNamesFixed "ztunnel-names-fixed";
                DryRunPoliciesAmbient "dry-run-policies-ambient";
                MultiNetworkIngress "multi-network-ingress";
                WorkloadRequestsLarger "workload-requests-larger";
                AutomaticSni "automatic-sni";
                ServerCertificatesVerified "server-certificates-verified";
                DestinationRuleTlsExternal "destination-rule-tls-external";
                DestinationRuleMerge "destination-rule-merge";
                CircuitBreakerMetrics "circuit-breaker-metrics";
                UnhealthyEndpointsSent "unhealthy-endpoints-sent";
                GatewayNameLabelChanges "gateway-name-label-changes";
                GatewayNameLabelGone "gateway-name-label-gone";
                GatewayAttributesCopied "gateway-attributes-copied";
                MultiNetworkGateways "multi-network-gateways";
                StrictGatewayMerging "strict-gateway-merging";
                TlsListeners "tls-listeners";
                BackendTlsPolicyAlphaGone "backend-tls-policy-alpha-gone";
                InferencePoolAlphaGone "inference-pool-alpha-gone";
                GatewayAgentsEncrypted "gateway-agents-encrypted";
                ServiceEntryTargetPort "service-entry-target-port";
                DiscoverySelectorsScope "discovery-selectors-scope";
                SidecarScopeConflicts "sidecar-scope-conflicts";
                SidecarBestServiceNamespace "sidecar-best-service-namespace";
                ServiceEntryAddresses "service-entry-addresses";
                DnsAutoAllocationDeprecated "dns-auto-allocation-deprecated";
                WorkloadEntryTunnelLabel "workload-entry-tunnel-label";
                ServiceEntryPassthroughAmbient "service-entry-passthrough-ambient";
                DnsCertificatesGone "dns-certificates-gone";
                InstalledStateGone "installed-state-gone";
                InClusterOperatorGone "in-cluster-operator-gone";
                ExternalProfileGone "external-profile-gone";
                IstiodRemoteGone "istiod-remote-gone";
                CrdsTemplated "crds-templated";
                CniValuesMoved "cni-values-moved";
                ValuesGone "values-gone";
                CniPolicyRoleGone "cni-policy-role-gone";
                CniPrivilegedGone "cni-privileged-gone";
                MultiClusterValuesGone "multi-cluster-values-gone";
                CniLogLevel "cni-log-level";
                ImageRegistry "image-registry";
                ImageRegistryBack "image-registry-back";
                UntaintController "untaint-controller";
                GkeDetected "gke-detected";
                RemoteEndpointSlices "remote-endpoint-slices";
                LocalityWithoutService "locality-without-service";
                PortNamesInZtunnel "port-names-in-ztunnel";
                ControlCharactersRefused "control-characters-refused";
                WaypointsReachNetworks "waypoints-reach-networks";
                ConnectionsPerEventBound "connections-per-event-bound";
                IstiodMemoryTarget "istiod-memory-target";
                DebugOfOwnNamespace "debug-of-own-namespace";
                GatewaySecretsNeedGrant "gateway-secrets-need-grant";
                IncompleteCacerts "incomplete-cacerts";
                BackendTlsFailsClosed "backend-tls-fails-closed";
                NftablesNotPinned "nftables-not-pinned";
                JwksOfMetadataBlocked "jwks-of-metadata-blocked";
                TlsMinimumDownstream "tls-minimum-downstream";
                TlsRouteHostsLimited "tls-route-hosts-limited";
                CorsOriginsStricter "cors-origins-stricter";
                RetryBudgetPercent "retry-budget-percent";
                LongProxyVersionRefused "long-proxy-version-refused";
                HostNetworkLeavesAmbient "host-network-leaves-ambient";
                EmptySelectorTakesNone "empty-selector-takes-none";
                ListenerSetConflicts "listener-set-conflicts";
                IstioCsrAlpn "istio-csr-alpn";
                AmbientDnsOrder "ambient-dns-order";
                AmbientInsidePods "ambient-inside-pods";
                LogRotationFlagsGone "log-rotation-flags-gone";
                UnhealthyNotTerminating "unhealthy-not-terminating";
                InferencePoolVersion "inference-pool-version";
                ExternalNameAlias "external-name-alias";
                OverlappingWildcardHosts "overlapping-wildcard-hosts";
                DefaultRetryWithout503 "default-retry-without-503";
                InboundRetryPolicy "inbound-retry-policy";
                TrafficDistributionZone "traffic-distribution-zone";
                MirrorHostSuffix "mirror-host-suffix";
                InternalHeaders "internal-headers";
                FilterOrder "filter-order";
                EnvoyFiltersGone "envoy-filters-gone";
                ConnectionsPerEvent "connections-per-event";
                DebugEndpoints "debug-endpoints";
                DebugOverXds "debug-over-xds";
                ConfigurationOverXds "configuration-over-xds";
                JwksFailClosed "jwks-fail-closed";
                PolicyNamesLiteral "policy-names-literal";
                DnsUpstreamRandom "dns-upstream-random";
                NativeSidecars "native-sidecars";
                NativeSidecarsMixedNodes "native-sidecars-mixed-nodes";
                StartupProbe "startup-probe";
                CoreDumpAnnotation "core-dump-annotation";
                DnsRespectsExclusions "dns-respects-exclusions";
                VirtualInterfacesAnnotation "virtual-interfaces-annotation";
                DeltaXds "delta-xds";
                BootstrapXds "bootstrap-xds";
                FirstPartyJwt "first-party-jwt";
                DefaultTracing "default-tracing";
                TelemetryExpressions "telemetry-expressions";
                TelemetryFiltersGone "telemetry-filters-gone";
                OpencensusProviderGone "opencensus-provider-gone";
                OpencensusGone "opencensus-gone";
                LightstepGone "lightstep-gone";
                StackdriverGone "stackdriver-gone";
                StatsTagPatterns "stats-tag-patterns";
                DeferredClusters "deferred-clusters";
                DeferredMetrics "deferred-metrics";
                StatsCompressionAnnotation "stats-compression-annotation";
                UpstreamSpanForGateway "upstream-span-for-gateway";
                JsonLogOrder "json-log-order";
                GrafanaDashboards "grafana-dashboards";
                VariableUnread "variable-unread";
            }
        }
    };
}

macro_rules! code {
    (
        rules { $($module:ident $rule:ident $rule_name:literal $level:ident ($($runs:ident)*) $doc:literal;)* }
        notes { $($note:ident $note_name:literal;)* }
    ) => {
        /// What a finding is called: stable, kebab-case; `refit explain` knows it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts", rename_all = "kebab-case"))]
        pub enum Code {
            $(#[doc = $doc] $rule,)*
            $(#[doc = concat!("Behaviour of releases: `", $note_name, "`.")] $note,)*
        }

        impl Code {
            /// Every code: of the rules, then of the notes.
            pub const ALL: &[Self] = &[$(Self::$rule,)* $(Self::$note,)*];

            /// Returns the code as it is printed.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$rule => $rule_name,)*
                    $(Self::$note => $note_name,)*
                }
            }

            /// Whether a note has it: a fact of releases, where a rule's finding is about the request.
            pub const fn is_note(self) -> bool {
                matches!(self, $(Self::$note)|*)
            }
        }
    };
}

pub(crate) use codes;
codes!(code);

impl Code {
    /// Returns the code of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let code = Self::parse(&name);
        code.ok_or_else(|| D::Error::custom(format_args!("{name:?} is no code of a finding")))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Code {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::ALL.iter().map(|it| it.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

#[cfg(test)]
mod tests;
