//! Pages that more than one explanation leads to.

pub(super) const APPLY: Option<&str> =
    Some("https://kubernetes.io/docs/reference/using-api/server-side-apply/");
pub(super) const BUDGETS: Option<&str> =
    Some("https://kubernetes.io/docs/tasks/run-application/configure-pdb/");
pub(super) const CANARY: Option<&str> = Some("https://istio.io/latest/docs/setup/upgrade/canary/");
pub(super) const COMPATIBILITY: Option<&str> =
    Some("https://istio.io/latest/docs/setup/additional-setup/compatibility-versions/");
pub(super) const CERTIFICATES: Option<&str> =
    Some("https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/");
pub(super) const CRDS: Option<&str> = Some(
    "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/",
);
pub(super) const CUSTOMISE: Option<&str> =
    Some("https://istio.io/latest/docs/setup/additional-setup/customize-installation/");
pub(super) const GATEWAY_API: Option<&str> =
    Some("https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/");
pub(super) const HELM: Option<&str> = Some("https://istio.io/latest/docs/setup/upgrade/helm/");
pub(super) const INJECTION: Option<&str> =
    Some("https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/");
pub(super) const OPTIONS: Option<&str> =
    Some("https://istio.io/latest/docs/reference/config/istio.operator.v1alpha1/");
pub(super) const SUPPORT: Option<&str> =
    Some("https://istio.io/latest/docs/releases/supported-releases/");
pub(super) const UPGRADE: Option<&str> =
    Some("https://istio.io/latest/docs/setup/upgrade/in-place/");
