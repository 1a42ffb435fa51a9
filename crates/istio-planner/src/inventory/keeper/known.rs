//! Keepers that leave marks of their own, from their documentation and code.

use crate::outcome::InstallerKind;

/// A controller or tool that keeps objects.
pub(in crate::inventory) struct Known {
    /// As it is called in findings.
    pub(in crate::inventory) name: &'static str,
    /// As what it is listed.
    pub(super) kind: InstallerKind,
    /// Labels and annotations, by key (or by prefix, which ends in `/` or `.`) and value.
    pub(super) marks: &'static [(&'static str, Option<&'static str>)],
    /// Labels or annotations by which it lets go of an object.
    pub(super) released_by: &'static [(&'static str, &'static str)],
    /// Groups of owners, controlling or not.
    pub(super) owners: &'static [&'static str],
    /// Parts of `app.kubernetes.io/managed-by`, in lower case.
    pub(super) managed_by: &'static [&'static str],
    /// How its field managers begin, in lower case.
    pub(super) managers: &'static [&'static str],
    /// How it upgrades.
    pub(super) way: &'static str,
    /// It makes what is missing, and leaves the rest alone.
    pub(super) only_creates: bool,
}

/// Nothing but a name.
const NOBODY: Known = Known {
    name: "",
    kind: InstallerKind::Other,
    marks: &[],
    released_by: &[],
    owners: &[],
    managed_by: &[],
    managers: &[],
    way: "",
    only_creates: false,
};

/// The keepers, the more telling marks first.
pub(in crate::inventory) const KNOWN: &[Known] = &[
    // kyma-project/istio: docs/user/00-10-overview-istio-controller.md, "Labeling Resources".
    Known {
        name: "Kyma",
        marks: &[
            ("kyma-project.io/module", None),
            ("istios.operator.kyma-project.io/", None),
            ("operator.kyma-project.io/", None),
        ],
        owners: &["operator.kyma-project.io"],
        managed_by: &["kyma"],
        managers: &["kyma"],
        way: "Upgrade Kyma's Istio module: it brings its own Istio release; settings belong into the Istio resource of \
              operator.kyma-project.io",
        ..NOBODY
    },
    // carvel-dev/kapp: docs, "Labels and annotations kapp applies".
    Known {
        name: "kapp",
        marks: &[
            ("kapp.k14s.io/", None),
            ("packaging.carvel.dev/", None),
            ("kappctrl.k14s.io/", None),
        ],
        owners: &["kappctrl.k14s.io", "packaging.carvel.dev"],
        managed_by: &["kapp"],
        managers: &["kapp"],
        way: "Change the version in the sources of the kapp application, and deploy it with `kapp deploy` (or let \
              kapp-controller reconcile its App or PackageInstall)",
        ..NOBODY
    },
    // Google Cloud, Config Sync: "Labels and annotations".
    Known {
        name: "Config Sync",
        marks: &[
            ("configmanagement.gke.io/managed", Some("enabled")),
            ("configsync.gke.io/", None),
            ("configmanagement.gke.io/", None),
        ],
        released_by: &[("configmanagement.gke.io/managed", "disabled")],
        managed_by: &["configmanagement.gke.io", "configsync"],
        managers: &["configsync", "configmanagement"],
        way: "Change the manifests in the repository that the RootSync or RepoSync of Config Sync reads; to move to \
              istioctl, annotate the objects `configmanagement.gke.io/managed: disabled` first",
        ..NOBODY
    },
    // k3s-io/k3s: pkg/deploy/controller.go; objects of its manifests folder are owned by an Addon.
    Known {
        name: "the manifests folder of k3s",
        marks: &[(
            "objectset.rio.cattle.io/owner-gvk",
            Some("k3s.cattle.io/v1, Kind=Addon"),
        )],
        managers: &["deploy@"],
        way: "Change the manifest in the server's folder `/var/lib/rancher/k3s/server/manifests`, or take it out of there and \
              off the Addon first",
        ..NOBODY
    },
    // rancher/wrangler: pkg/apply/desiredset_apply.go; rancher/fleet deploys by it.
    Known {
        name: "Fleet",
        marks: &[
            ("objectset.rio.cattle.io/", None),
            ("fleet.cattle.io/", None),
        ],
        owners: &["fleet.cattle.io"],
        managed_by: &["fleet"],
        managers: &["fleet"],
        way: "Change the version in the repository of the GitRepo (its Bundle), and let Fleet roll it out",
        ..NOBODY
    },
    // kubernetes/kubernetes: cluster/addons/addon-manager/README.md.
    Known {
        name: "the add-on manager (which only makes what is missing)",
        marks: &[("addonmanager.kubernetes.io/mode", Some("EnsureExists"))],
        way: "Change the manifest in the add-on manager's folder, too: it makes an object again in the old form when it is \
              deleted",
        only_creates: true,
        ..NOBODY
    },
    Known {
        name: "the add-on manager",
        marks: &[("addonmanager.kubernetes.io/mode", None)],
        managers: &["kube-addon-manager", "addon-manager"],
        way: "Change the manifests in the add-on manager's folder, or the provider's add-on, from which they are set back",
        ..NOBODY
    },
    // deckhouse/deckhouse: every module's objects carry `heritage: deckhouse` and `module`.
    Known {
        name: "Deckhouse",
        marks: &[("heritage", Some("deckhouse")), ("deckhouse.io/", None)],
        owners: &["deckhouse.io"],
        managed_by: &["deckhouse"],
        managers: &["deckhouse", "addon-operator", "shell-operator"],
        way: "Set the Istio version in the ModuleConfig `istio` of Deckhouse",
        ..NOBODY
    },
    // crossplane/crossplane: apis/…/labels; crossplane-contrib/provider-kubernetes.
    Known {
        name: "Crossplane",
        marks: &[
            ("crossplane.io/", None),
            ("kubernetes.crossplane.io/", None),
        ],
        owners: &[
            "apiextensions.crossplane.io",
            "kubernetes.crossplane.io",
            "helm.crossplane.io",
        ],
        managed_by: &["crossplane"],
        managers: &["crossplane", "apiextensions.crossplane.io"],
        way: "Change the version in the Composition or in the Object or Release resource of Crossplane",
        ..NOBODY
    },
    // open-cluster-management.io: AppliedManifestWork owns what the work agent applies.
    Known {
        name: "Open Cluster Management",
        marks: &[
            ("apps.open-cluster-management.io/", None),
            ("policy.open-cluster-management.io/", None),
            ("open-cluster-management.io/", None),
            ("work.open-cluster-management.io/", None),
        ],
        owners: &[
            "work.open-cluster-management.io",
            "apps.open-cluster-management.io",
            "policy.open-cluster-management.io",
        ],
        managed_by: &["open-cluster-management"],
        managers: &[
            "work-agent",
            "work-controller",
            "config-policy-controller",
            "multicluster-operators",
            "klusterlet",
        ],
        way: "Change the ManifestWork, Policy or Subscription on the hub cluster (Advanced Cluster Management), from which \
              the objects are set back",
        ..NOBODY
    },
    // hashicorp/terraform-provider-kubernetes: manifest/provider/plugin.go ("Terraform"), user agent "HashiCorp/…".
    Known {
        name: "Terraform",
        marks: &[("terraform.io/", None), ("app.terraform.io/", None)],
        managed_by: &["terraform", "opentofu"],
        managers: &["terraform", "hashicorp", "opentofu"],
        way: "Change the version in the Terraform configuration, and `terraform apply` it; to move to istioctl, take the \
              resources out of Terraform's state first",
        ..NOBODY
    },
    // pulumi/pulumi-kubernetes: provider/pkg/provider/util.go (field manager), provider/pkg/metadata/overrides.go (label).
    Known {
        name: "Pulumi",
        marks: &[("pulumi.com/", None)],
        managed_by: &["pulumi"],
        managers: &["pulumi"],
        way: "Change the version in the Pulumi program, and run `pulumi up`; to move to istioctl, take the resources out of \
              its state first",
        ..NOBODY
    },
    // gardener/gardener: docs/concepts/resource-manager.md.
    Known {
        name: "Gardener",
        marks: &[
            ("resources.gardener.cloud/managed-by", None),
            ("resources.gardener.cloud/origin", None),
        ],
        released_by: &[
            ("resources.gardener.cloud/ignore", "true"),
            ("resources.gardener.cloud/mode", "Ignore"),
        ],
        owners: &["resources.gardener.cloud"],
        managed_by: &["gardener"],
        managers: &["gardener"],
        way: "Change the ManagedResource that Gardener's resource manager applies, or upgrade Gardener, which brings Istio",
        ..NOBODY
    },
    // kubernetes-sigs/cli-utils: pkg/common/common.go; kpt and the agent of GitLab apply by it.
    Known {
        name: "kpt",
        marks: &[("config.k8s.io/owning-inventory", None)],
        managers: &["kpt"],
        way: "Change the version in the package, and apply it by the tool that holds the inventory (`kpt live apply`, the \
              agent of GitLab)",
        ..NOBODY
    },
    // operator-framework/operator-lifecycle-manager: pkg/controller/registry/resolver labels.
    Known {
        name: "the Operator Lifecycle Manager",
        marks: &[("olm.owner", None), ("olm.managed", Some("true"))],
        owners: &["operators.coreos.com"],
        managers: &["olm"],
        way: "Upgrade the operator by its Subscription, and set the version in its own resource",
        ..NOBODY
    },
    // kubernetes-sigs/cluster-api: exp/addons; projectsveltos/addon-controller; karmada-io/karmada; kubevela/kubevela.
    Known {
        name: "Sveltos",
        marks: &[("projectsveltos.io/", None)],
        owners: &["config.projectsveltos.io"],
        managers: &["addon-controller", "sveltos"],
        way: "Change the version in the ClusterProfile or Profile of Sveltos",
        ..NOBODY
    },
    Known {
        name: "Karmada",
        marks: &[
            ("karmada.io/managed", None),
            ("work.karmada.io/", None),
            ("resourcetemplate.karmada.io/", None),
        ],
        owners: &["work.karmada.io"],
        managers: &["karmada"],
        way: "Change the resource template in Karmada's control plane",
        ..NOBODY
    },
    Known {
        name: "KubeVela",
        marks: &[("app.oam.dev/", None)],
        owners: &["core.oam.dev"],
        managed_by: &["kubevela"],
        managers: &["vela", "kubevela"],
        way: "Change the version in the Application of KubeVela",
        ..NOBODY
    },
    // kluctl/kluctl, spinnaker/clouddriver, kubernetes/kops.
    Known {
        name: "kluctl",
        marks: &[("kluctl.io/", None)],
        managers: &["kluctl"],
        way: "Change the version in the kluctl project, and deploy it",
        ..NOBODY
    },
    Known {
        name: "Spinnaker",
        marks: &[
            ("moniker.spinnaker.io/", None),
            ("artifact.spinnaker.io/", None),
        ],
        managed_by: &["spinnaker"],
        way: "Change the version in the manifests that the Spinnaker pipeline deploys",
        ..NOBODY
    },
    Known {
        name: "kops",
        marks: &[("addon.kops.k8s.io/", None)],
        managed_by: &["kops"],
        managers: &["kops"],
        way: "Change the add-on's manifest in the state store of kops",
        ..NOBODY
    },
    // docs.aws.amazon.com, EKS add-ons: the field manager is `eks`.
    Known {
        name: "an EKS add-on",
        marks: &[("eks.amazonaws.com/component", None)],
        managers: &["eks"],
        way: "Update the add-on with `aws eks update-addon`",
        ..NOBODY
    },
    // Controllers that are installers of their own kind; their marks are read in `installer`.
    Known {
        name: "Argo CD",
        kind: InstallerKind::Argocd,
        managed_by: &["argocd", "argo-cd"],
        managers: &["argocd"],
        ..NOBODY
    },
    Known {
        name: "Flux",
        kind: InstallerKind::Flux,
        managed_by: &["flux"],
        managers: &["kustomize-controller", "helm-controller", "flux"],
        ..NOBODY
    },
    Known {
        name: "Helm",
        kind: InstallerKind::Helm,
        managers: &["helm"],
        ..NOBODY
    },
    Known {
        name: "Sail",
        kind: InstallerKind::Sail,
        owners: &["sailoperator.io"],
        managed_by: &["sail-operator"],
        ..NOBODY
    },
];
