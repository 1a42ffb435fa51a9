//! Listeners of the Gateway API: which hosts they leave to a route, and which of them conflict.

use serde_json::Value;
use sorted::SortedMap;

use super::cluster::{Cluster, Item};
use crate::outcome::Subject;

/// The group of the Gateway API.
const GROUP: &str = "gateway.networking.k8s.io";

/// Where a listener serves: the Gateway's namespace and name, and the port.
type Port<'a> = (&'a str, &'a str, u64);

/// A listener of a Gateway or of a `ListenerSet`.
#[derive(Clone, Copy)]
struct Listener<'a> {
    /// The object that has it.
    item: Item<'a>,
    /// Its index there.
    at: usize,
    /// It is of a `ListenerSet`.
    in_set: bool,
    protocol: &'a str,
    hostname: &'a str,
}

/// Names host names of `TLSRoutes` that reach beyond every listener that they attach to. A route whose Gateways the
/// export does not hold attaches to nothing that is known.
pub(super) fn hosts_beyond(cluster: &Cluster) -> Vec<Subject> {
    let mut found = Vec::new();
    for route in cluster.objects(GROUP, "TLSRoute") {
        let listeners = hosts_of_listeners(cluster, route);
        if listeners.is_empty() || listeners.iter().any(|it| it.is_empty()) {
            continue;
        }
        for (at, host) in route.texts("/spec/hostnames").enumerate() {
            if !listeners.iter().any(|listener| covers(listener, host)) {
                let field = format!("spec.hostnames[{at}]");
                found.push(route.subject(&field).value(host));
            }
        }
    }
    found
}

/// The host names of the listeners that a route attaches to, empty for one that takes every host.
fn hosts_of_listeners<'a>(cluster: &Cluster<'a>, route: Item<'a>) -> Vec<&'a str> {
    let mut hosts = Vec::new();
    for parent in route.items("/spec/parentRefs") {
        let text = |key: &str| parent.get(key).and_then(Value::as_str);
        if text("kind").is_some_and(|it| it != "Gateway") {
            continue;
        }
        let namespace = text("namespace").unwrap_or(route.namespace());
        let gateways = cluster
            .objects(GROUP, "Gateway")
            .filter(|it| it.namespace() == namespace && Some(it.name()) == text("name"));
        for listener in gateways.flat_map(|it| it.items("/spec/listeners")) {
            let of = |key: &str| listener.get(key).and_then(Value::as_str);
            let section = text("sectionName").is_none_or(|it| of("name") == Some(it));
            let port = parent
                .get("port")
                .is_none_or(|it| listener.get("port") == Some(it));
            if section && port && of("protocol") == Some("TLS") {
                hosts.push(of("hostname").unwrap_or_default());
            }
        }
    }
    hosts
}

/// Whether a listener's host name holds a route's: the same one, or one below its star.
fn covers(listener: &str, host: &str) -> bool {
    let below = |suffix: &str| host.len() > suffix.len() && host.ends_with(suffix);
    listener == host || listener == "*" || listener.strip_prefix('*').is_some_and(below)
}

/// Names the listeners of `ListenerSets` that share port and host with another listener of the same Gateway, or the port
/// with another protocol.
pub(super) fn conflicts(cluster: &Cluster) -> Vec<Subject> {
    let mut ports: SortedMap<Port, Vec<Listener>> = SortedMap::new();
    for gateway in cluster.objects(GROUP, "Gateway") {
        let place = (gateway.namespace(), gateway.name());
        add(&mut ports, place, gateway, false);
    }
    let sets = cluster
        .objects(GROUP, "ListenerSet")
        .chain(cluster.objects("gateway.networking.x-k8s.io", "XListenerSet"));
    for set in sets {
        let namespace = set.text("/spec/parentRef/namespace");
        let place = (
            namespace.unwrap_or(set.namespace()),
            set.text("/spec/parentRef/name").unwrap_or_default(),
        );
        add(&mut ports, place, set, true);
    }
    let mut found = Vec::new();
    for listeners in ports.values() {
        for (index, it) in listeners.iter().enumerate().filter(|(_, it)| it.in_set) {
            let conflicts = |(other, that): (usize, &Listener)| {
                other != index && (it.hostname == that.hostname || it.protocol != that.protocol)
            };
            if listeners.iter().enumerate().any(conflicts) {
                let field = format!("spec.listeners[{}]", it.at);
                found.push(it.item.subject(&field));
            }
        }
    }
    found
}

fn add<'a>(
    ports: &mut SortedMap<Port<'a>, Vec<Listener<'a>>>,
    (namespace, name): (&'a str, &'a str),
    item: Item<'a>,
    in_set: bool,
) {
    for (at, listener) in item.items("/spec/listeners").iter().enumerate() {
        let text = |key: &str| listener.get(key).and_then(Value::as_str);
        let Some(port) = listener.get("port").and_then(Value::as_u64) else {
            continue;
        };
        ports
            .entry((namespace, name, port))
            .or_default()
            .push(Listener {
                item,
                at,
                in_set,
                protocol: text("protocol").unwrap_or_default(),
                hostname: text("hostname").unwrap_or_default(),
            });
    }
}
