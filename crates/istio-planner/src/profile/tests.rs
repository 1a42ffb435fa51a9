use expect_test::{Expect, expect};

use super::{Choice, Format, ProfileError, Scope, diff, dump, list};

fn choice(version: &str, profile: &str) -> Choice {
    Choice {
        version: version.parse().unwrap(),
        profile: profile.to_owned(),
    }
}

#[track_caller]
fn check(from: (&str, &str), to: (&str, &str), scope: Scope, expected: &Expect) {
    let text = diff(&choice(from.0, from.1), &choice(to.0, to.1), scope).unwrap();
    expected.assert_eq(text.as_deref().unwrap_or("the same\n"));
}

#[track_caller]
fn check_dump(
    of: (&str, &str),
    scope: Scope,
    path: Option<&str>,
    format: Format,
    expected: &Expect,
) {
    expected.assert_eq(&dump(&choice(of.0, of.1), scope, path, format).unwrap());
}

#[test]
fn profiles_are_listed_in_order() {
    expect![[r"
        Istio configuration profiles:
            ambient
            default
            demo
            empty
            minimal
            openshift
            openshift-ambient
            preview
            remote
            stable
    "]]
    .assert_eq(&list(&"1.30.3".parse().unwrap()).unwrap());
}

#[test]
fn a_profile_lies_over_the_default_one() {
    check_dump(
        ("1.30.3", "ambient"),
        Scope::Profile,
        None,
        Format::Yaml,
        &expect![[r#"
            apiVersion: install.istio.io/v1alpha1
            kind: IstioOperator
            spec:
              components:
                base:
                  enabled: true
                cni:
                  enabled: true
                egressGateways:
                - enabled: false
                  name: istio-egressgateway
                ingressGateways:
                - enabled: false
                  name: istio-ingressgateway
                pilot:
                  enabled: true
                ztunnel:
                  enabled: true
              hub: registry.istio.io/release
              tag: 1.30.3
              values:
                defaultRevision: ""
                gateways:
                  istio-egressgateway: {}
                  istio-ingressgateway: {}
                global:
                  configValidation: true
                  istioNamespace: istio-system
                profile: ambient
                ztunnel:
                  resourceName: ztunnel
        "#]],
    );
}

#[test]
fn up_to_1_23_gateways_are_merged_by_name() {
    check_dump(
        ("1.20.8", "minimal"),
        Scope::Profile,
        Some("components"),
        Format::Yaml,
        &expect![[r"
            base:
              enabled: true
            cni:
              enabled: false
            egressGateways:
            - enabled: false
              name: istio-egressgateway
            ingressGateways:
            - enabled: false
              name: istio-ingressgateway
            istiodRemote:
              enabled: false
            pilot:
              enabled: true
        "]],
    );
}

#[test]
fn effective_settings_hold_those_of_the_charts() {
    check_dump(
        ("1.30.3", "demo"),
        Scope::Effective,
        Some("values.pilot.resources"),
        Format::Json,
        &expect![[r#"
            {
                "requests": {
                    "cpu": "10m",
                    "memory": "100Mi"
                }
            }
        "#]],
    );
    check_dump(
        ("1.30.3", "default"),
        Scope::Effective,
        Some("values.gateways.istio-egressgateway.ports"),
        Format::Yaml,
        &expect![[r"
            - name: http2
              port: 80
              protocol: TCP
              targetPort: 8080
            - name: https
              port: 443
              protocol: TCP
              targetPort: 8443
        "]],
    );
}

#[test]
fn flags_are_sorted_and_quoted() {
    check_dump(
        ("1.30.3", "default"),
        Scope::Profile,
        None,
        Format::Flags,
        &expect![[r#"
            components.base.enabled=true
            components.egressGateways[0].enabled=false
            components.egressGateways[0].name="istio-egressgateway"
            components.ingressGateways[0].enabled=true
            components.ingressGateways[0].name="istio-ingressgateway"
            components.pilot.enabled=true
            hub="registry.istio.io/release"
            tag="1.30.3"
            values.defaultRevision=""
            values.global.configValidation=true
            values.global.istioNamespace="istio-system"
            values.ztunnel.resourceName="ztunnel"
        "#]],
    );
}

#[test]
fn profiles_of_two_patches_are_compared() {
    check(
        ("1.30.3", "default"),
        ("1.30.3", "demo"),
        Scope::Profile,
        &expect![[r"
            The difference between profiles:
            components:
              egressGateways:
                '[#0]':
                  enabled: false -> true
            values:
              profile: <empty> -> demo (ADDED)
        "]],
    );
    check(
        ("1.30.3", "default"),
        ("1.30.0", "default"),
        Scope::Effective,
        &expect![[r"
            The difference between profiles:
            tag: 1.30.3 -> 1.30.0
            values:
              global:
                tag: 1.30.3 -> 1.30.0
              pilot:
                taint:
                  name: cni.istio.io/not-ready -> <empty> (REMOVED)
              ztunnel:
                tag: 1.30.3 -> 1.30.0
        "]],
    );
}

#[test]
fn a_profile_is_compared_across_releases() {
    check(
        ("1.29.6", "default"),
        ("1.30.3", "default"),
        Scope::Effective,
        &expect![[r"
            The difference between profiles:
            hub: docker.io/istio -> registry.istio.io/release
            tag: 1.29.6 -> 1.30.3
            values:
              cni:
                useAppArmorAnnotation: <empty> -> true (ADDED)
              global:
                enableReaderRBAC: <empty> -> true (ADDED)
                hub: docker.io/istio -> registry.istio.io/release
                tag: 1.29.6 -> 1.30.3
              pilot:
                taint:
                  name: <empty> -> cni.istio.io/not-ready (ADDED)
              ztunnel:
                hub: docker.io/istio -> registry.istio.io/release
                tag: 1.29.6 -> 1.30.3
        "]],
    );
    check(
        ("1.22.8", "default"),
        ("1.23.6", "default"),
        Scope::Profile,
        &expect![[r"
            The difference between profiles:
            tag: 1.22.8 -> 1.23.6
        "]],
    );
}

#[test]
fn old_profiles_are_compared_whole() {
    check(
        ("1.10.6", "default"),
        ("1.11.8", "demo"),
        Scope::Profile,
        &expect![[r"
            The difference between profiles:
            components:
              egressGateways:
                '[#0]':
                  enabled: false -> true
                  k8s: <empty> -> map[resources:map[requests:map[cpu:10m memory:40Mi]]] (ADDED)
              ingressGateways:
                '[#0]':
                  k8s: <empty> -> map[resources:map[requests:map[cpu:10m memory:40Mi]] service:map[ports:[map[name:status-port
                    port:15021 targetPort:15021] map[name:http2 port:80 targetPort:8080] map[name:https
                    port:443 targetPort:8443] map[name:tcp port:31400 targetPort:31400] map[name:tls
                    port:15443 targetPort:15443]]]] (ADDED)
              pilot:
                k8s: <empty> -> map[env:[map[name:PILOT_TRACE_SAMPLING value:100]] resources:map[requests:map[cpu:10m
                  memory:100Mi]]] (ADDED)
            meshConfig:
              accessLogFile: <empty> -> /dev/stdout (ADDED)
            tag: 1.10.6 -> 1.11.8
            values:
              gateways:
                istio-egressgateway:
                  autoscaleEnabled: true -> false
                istio-ingressgateway:
                  autoscaleEnabled: true -> false
              global:
                proxy:
                  resources:
                    requests:
                      cpu: 100m -> 10m
                      memory: 128Mi -> 40Mi
              pilot:
                autoscaleEnabled: true -> false
        "]],
    );
}

#[test]
fn what_is_not_there_is_an_error_that_says_what_is() {
    let error =
        |choice: &Choice, path| dump(choice, Scope::Profile, path, Format::Yaml).unwrap_err();
    expect!["1.30 ships no profile \"external\"; it ships ambient, default, demo, empty, minimal, openshift, openshift-ambient, preview, remote, stable"]
        .assert_eq(&error(&choice("1.30.3", "external"), None).to_string());
    expect!["the catalogue holds no release 1.5; it holds 1.6 to 1.31"]
        .assert_eq(&error(&choice("1.5.0", "default"), None).to_string());
    assert_eq!(
        error(&choice("1.30.3", "default"), Some("components.x")),
        ProfileError::NothingThere("components.x".to_owned())
    );
}
