use std::fmt::Write as _;

use serde_json::json;

use super::*;
use crate::diff::Leftover;
use crate::outcome::RestartReason;

fn write(component: &str, instance: &str, kind: &str, name: &str) -> Write<'static> {
    Write {
        object: Ref {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
        },
        component: component.to_owned(),
        instance: instance.to_owned(),
        class: ChangeClass::Change,
        manifest: std::borrow::Cow::Owned(
            json!({"kind": kind, "webhooks": [{"clientConfig": {"service": {}}}]}),
        ),
        how: WriteHow::Apply,
        force: false,
        expected: crate::plan::Expected::default(),
    }
}

fn restart(kind: &str, namespace: &str, name: &str, how: RestartHow) -> Restart {
    Restart {
        object: Ref {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        },
        pods: 1,
        proxies: SortedMap::new(),
        to: Some("1.30.3".to_owned()),
        how,
        reason: RestartReason::StaleImage,
    }
}

fn diff() -> DiffOutcome<'static> {
    let mut diff = DiffOutcome::default();
    for (component, instance, kind, name) in [
        ("Base", "", "ServiceAccount", "istio-reader-service-account"),
        (
            "Base",
            "",
            "CustomResourceDefinition",
            "gateways.networking.istio.io",
        ),
        ("Pilot", "", "Deployment", "istiod"),
        ("Pilot", "", "ConfigMap", "istio-sidecar-injector"),
        ("Pilot", "", "ConfigMap", "istio"),
        (
            "Pilot",
            "",
            "MutatingWebhookConfiguration",
            "istio-sidecar-injector",
        ),
        ("Pilot", "", "ServiceAccount", "istiod"),
        ("Cni", "", "DaemonSet", "istio-cni-node"),
        ("IngressGateways", "b", "Deployment", "b"),
        ("IngressGateways", "a", "Deployment", "a"),
        ("Ztunnel", "", "DaemonSet", "ztunnel"),
    ] {
        diff.writes.push(write(component, instance, kind, name));
    }
    diff.tag_writes.push(write(
        "Pilot",
        "",
        "MutatingWebhookConfiguration",
        "istio-revision-tag-default",
    ));
    diff.tag_writes.push(Write {
        how: WriteHow::Patch,
        ..write(
            "Pilot",
            "",
            "MutatingWebhookConfiguration",
            "istio-sidecar-injector",
        )
    });
    let leftover = |name: &str| Leftover {
        object: write("", "", "EnvoyFilter", name).object,
        component: "Pilot".to_owned(),
        expected: crate::plan::Expected::default(),
        by_istioctl: false,
    };
    diff.orphans = vec![leftover("left")];
    diff.deletes = vec![leftover("unwanted")];
    diff
}

fn planned(direction: Direction, revision: &str) -> Plan {
    let restarts = [
        restart("Deployment", "shop", "cart", RestartHow::Rollout),
        restart("Deployment", "mesh", "waypoint", RestartHow::Auto),
        restart("Pod", "shop", "debug", RestartHow::None),
        restart("ReplicaSet", "edge", "bare", RestartHow::DeletePods),
    ];
    let diff = diff();
    let desired = Desired {
        namespace: "istio-system".to_owned(),
        revision: revision.to_owned(),
        ..Desired::default()
    };
    let mut snapshot = Snapshot::default();
    snapshot.kinds.insert("v1/Namespace".to_owned(), 1);
    plan(&Context {
        snapshot: &snapshot,
        desired: &desired,
        diff: &diff,
        restarts: &restarts,
        source: Some("1.29.6"),
        target: "1.30.3",
        direction: Some(direction),
        forced: false,
    })
}

#[track_caller]
fn check(direction: Direction, expected: &expect_test::Expect) {
    let plan = planned(direction, "");
    assert_eq!(plan.id.len(), 64);
    let name = |it: &Ref| format!("{} {}", it.kind, it.name);
    let mut text = String::new();
    for step in &plan.steps {
        let actions: Vec<String> = step
            .actions
            .iter()
            .map(|it| match it {
                Action::Ensure { .. } => "ensure".to_owned(),
                Action::Apply { object, .. } => name(object),
                Action::Patch { object, .. } => format!("patch {}", name(object)),
                Action::Replace { object, .. } => format!("replace {}", name(object)),
                Action::Delete { object, .. } => format!("delete {}", name(object)),
                Action::Restart { object, .. } => format!("restart {}", name(object)),
            })
            .collect();
        writeln!(
            text,
            "{}: {} ({} waits)",
            step.id,
            actions.join(", "),
            step.waits.len()
        )
        .unwrap();
    }
    expected.assert_eq(&text);
}

#[test]
fn an_upgrade_begins_with_the_control_plane() {
    check(
        Direction::Upgrade,
        &expect_test::expect![[r"
        namespace: ensure (0 waits)
        apply-base: CustomResourceDefinition gateways.networking.istio.io, ServiceAccount istio-reader-service-account (1 waits)
        apply-pilot: ServiceAccount istiod, ConfigMap istio, Deployment istiod (1 waits)
        apply-pilot-injection: ConfigMap istio-sidecar-injector, MutatingWebhookConfiguration istio-sidecar-injector (1 waits)
        apply-tag: MutatingWebhookConfiguration istio-revision-tag-default, patch MutatingWebhookConfiguration istio-sidecar-injector (1 waits)
        observe-gateways:  (1 waits)
        apply-cni: DaemonSet istio-cni-node (1 waits)
        apply-ztunnel: DaemonSet ztunnel (1 waits)
        apply-ingressgateways-b: Deployment b (1 waits)
        apply-ingressgateways-a: Deployment a (1 waits)
        prune: delete EnvoyFilter unwanted (0 waits)
        restart-1: restart ReplicaSet bare (0 waits)
        restart-2: restart Deployment cart (1 waits)
        check-proxies:  (2 waits)
    "]],
    );
}

#[test]
fn a_downgrade_ends_with_the_control_plane() {
    check(
        Direction::Downgrade,
        &expect_test::expect![[r"
        namespace: ensure (0 waits)
        apply-pilot-injection: ConfigMap istio-sidecar-injector, MutatingWebhookConfiguration istio-sidecar-injector (1 waits)
        apply-ingressgateways-b: Deployment b (1 waits)
        apply-ingressgateways-a: Deployment a (1 waits)
        restart-1: restart ReplicaSet bare (0 waits)
        restart-2: restart Deployment cart (1 waits)
        check-proxies:  (2 waits)
        apply-ztunnel: DaemonSet ztunnel (1 waits)
        apply-cni: DaemonSet istio-cni-node (1 waits)
        apply-pilot: ServiceAccount istiod, ConfigMap istio, Deployment istiod (1 waits)
        apply-tag: MutatingWebhookConfiguration istio-revision-tag-default, patch MutatingWebhookConfiguration istio-sidecar-injector (1 waits)
        observe-gateways:  (1 waits)
        apply-base: CustomResourceDefinition gateways.networking.istio.io, ServiceAccount istio-reader-service-account (1 waits)
        prune: delete EnvoyFilter unwanted (0 waits)
    "]],
    );
}

#[test]
fn gateways_are_the_business_of_the_istiod_of_their_revision() {
    for (revision, lease) in [
        ("", "istio-gateway-deployment-default"),
        ("canary", "istio-gateway-deployment-canary"),
    ] {
        let plan = planned(Direction::Upgrade, revision);
        let locks: Vec<&Ref> = plan
            .steps
            .iter()
            .flat_map(|it| &it.waits)
            .filter_map(|it| match it {
                Wait::AutoRollout { lock, .. } => lock.as_ref(),
                _ => None,
            })
            .collect();
        assert_eq!(locks.len(), 1);
        assert_eq!(locks[0].name, lease);
        assert_eq!(locks[0].namespace.as_deref(), Some("istio-system"));
    }
}
