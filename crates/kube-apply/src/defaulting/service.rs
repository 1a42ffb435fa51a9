//! Services (kubernetes@v1.36.3:pkg/apis/core/v1/defaults.go, pkg/registry/core/service).

use serde_json::{Value, json};

use super::{Cluster, at, each, fallback, remove, text_at};

/// Fields that follow the type of a Service and are dropped with it, if nobody changed them.
const CLUSTER_FIELDS: [&str; 4] = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"];

pub(super) fn complete(cluster: &Cluster, live: Option<&Value>, object: &mut Value) {
    let Some(spec) = at(object, &["spec"]) else {
        return;
    };
    defaults(spec);
    let old = live.and_then(|it| it.get("spec"));
    if let Some(old) = old {
        drop_dependent(spec, old);
        keep_allocated(spec, old);
    }
    families(cluster, spec, old);
}

fn is(spec: &Value, types: &[&str]) -> bool {
    types.contains(&text_at(spec, "/type"))
}

/// Whether clients from outside reach it.
fn is_external(spec: &Value) -> bool {
    is(spec, &["LoadBalancer", "NodePort"])
        || is(spec, &["ClusterIP"]) && spec.get("externalIPs").is_some()
}

fn needs_address(spec: &Value) -> bool {
    is(spec, &["ClusterIP", "NodePort", "LoadBalancer"])
}

fn needs_node_port(spec: &Value) -> bool {
    let allocates = spec.get("allocateLoadBalancerNodePorts") != Some(&Value::Bool(false));
    is(spec, &["NodePort"]) || is(spec, &["LoadBalancer"]) && allocates
}

fn needs_health_port(spec: &Value) -> bool {
    is(spec, &["LoadBalancer"]) && text_at(spec, "/externalTrafficPolicy") == "Local"
}

fn defaults(spec: &mut Value) {
    fallback(spec, "sessionAffinity", "None");
    match text_at(spec, "/sessionAffinity") {
        "None" => {
            remove(spec, "sessionAffinityConfig");
        }
        "ClientIP"
            if spec
                .pointer("/sessionAffinityConfig/clientIP/timeoutSeconds")
                .is_none() =>
        {
            spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": 10800}});
        }
        _ => {}
    }
    fallback(spec, "type", "ClusterIP");
    for port in each(spec, "ports") {
        fallback(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or_default();
        if port
            .get("targetPort")
            .is_none_or(|it| *it == json!(0) || *it == json!(""))
        {
            port["targetPort"] = number;
        }
    }
    if is_external(spec) {
        fallback(spec, "externalTrafficPolicy", "Cluster");
    }
    if needs_address(spec) {
        fallback(spec, "internalTrafficPolicy", "Cluster");
    }
    if is(spec, &["LoadBalancer"]) {
        fallback(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// strategy.go, `dropTypeDependentFields`.
fn drop_dependent(spec: &mut Value, old: &Value) {
    let same = |spec: &Value, field: &str| spec.get(field) == old.get(field);
    let drop = |spec: &mut Value, field: &str| {
        if same(spec, field) {
            remove(spec, field);
        }
    };
    if needs_address(old) && !needs_address(spec) {
        for field in CLUSTER_FIELDS {
            drop(spec, field);
        }
    }
    if needs_node_port(old) && !needs_node_port(spec) && node_ports(old) == node_ports(spec) {
        for port in each(spec, "ports") {
            remove(port, "nodePort");
        }
    }
    if needs_health_port(old) && !needs_health_port(spec) {
        drop(spec, "healthCheckNodePort");
    }
    if is(old, &["LoadBalancer"]) && !is(spec, &["LoadBalancer"]) {
        drop(spec, "allocateLoadBalancerNodePorts");
        drop(spec, "loadBalancerClass");
    }
    if is_external(old) && !is_external(spec) {
        drop(spec, "externalTrafficPolicy");
    }
}

/// The node ports of a Service, sorted.
fn node_ports(spec: &Value) -> Vec<i64> {
    let ports = spec
        .get("ports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut ports: Vec<_> = ports
        .filter_map(|it| it.get("nodePort")?.as_i64())
        .filter(|it| *it != 0)
        .collect();
    sorted::sort(&mut ports);
    ports
}

/// storage.go, `patchAllocatedValues`: what the server chose once stays, ports by their name.
fn keep_allocated(spec: &mut Value, old: &Value) {
    let keep = |spec: &mut Value, field: &str| {
        if let Some(value) = old.get(field) {
            fallback(spec, field, value.clone());
        }
    };
    if needs_address(old) && needs_address(spec) {
        keep(spec, "clusterIP");
        if spec.get("clusterIP") == old.get("clusterIP") {
            keep(spec, "clusterIPs");
        }
    }
    if needs_node_port(old) && needs_node_port(spec) {
        let kept = node_ports(spec);
        let mut used: Vec<i64> = node_ports(old)
            .into_iter()
            .filter(|it| kept.contains(it))
            .collect();
        for port in each(spec, "ports") {
            if port.get("nodePort").is_some() {
                continue;
            }
            let name = text_at(port, "/name").to_owned();
            let ports = old
                .get("ports")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let before = ports.rev().find(|it| text_at(it, "/name") == name);
            let Some(number) = before.and_then(|it| it.get("nodePort")?.as_i64()) else {
                continue;
            };
            if !used.contains(&number) {
                used.push(number);
                port["nodePort"] = number.into();
            }
        }
    }
    if needs_health_port(old) && needs_health_port(spec) {
        keep(spec, "healthCheckNodePort");
    }
}

/// alloc.go, `initIPFamilyFields`.
fn families(cluster: &Cluster, spec: &mut Value, old: Option<&Value>) {
    if !needs_address(spec) {
        return;
    }
    let headless = text_at(spec, "/clusterIP") == "None";
    let anything = headless && spec.get("selector").is_none();
    let policy = match old.and_then(|it| it.get("ipFamilyPolicy")) {
        Some(policy) => policy.clone(),
        None if anything => "RequireDualStack".into(),
        None => "SingleStack".into(),
    };
    fallback(spec, "ipFamilyPolicy", policy);
    let single = text_at(spec, "/ipFamilyPolicy") == "SingleStack";
    if let Some(old) = old.filter(|_| single) {
        for field in ["clusterIPs", "ipFamilies"] {
            let same = spec.get(field) == old.get(field);
            if let Some(list) = spec
                .get_mut(field)
                .and_then(Value::as_array_mut)
                .filter(|_| same)
            {
                list.truncate(1);
            }
        }
    }
    fallback(spec, "ipFamilies", vec![cluster.ip_family.clone()]);
    let both = !single && (anything || cluster.dual_stack);
    let list = spec.get_mut("ipFamilies").and_then(Value::as_array_mut);
    if let Some(list) = list.filter(|it| both && it.len() == 1) {
        let other = if list[0] == "IPv4" { "IPv6" } else { "IPv4" };
        list.push(other.into());
    }
    if headless {
        fallback(spec, "clusterIPs", json!(["None"]));
    }
}
