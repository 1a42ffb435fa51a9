//! Whether a security bulletin can concern this cluster: its precondition, looked for in the export.
//!
//! A bulletin names objects of which any lets a cluster be hit. A condition that says what must *not* be so ("not
//! STRICT") stands beside them: where it fails, the bulletin does not concern the cluster. What no export tells (who may
//! reach a port) decides nothing, so that the bulletin stays.

use istio_catalog::{Bulletin, Precondition};
use serde_json::Value;

use super::{Situation, count, text};
use crate::outcome::Subject;

/// Whether a bulletin concerns a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Concern {
    /// It names no object, or one that no export tells of: every cluster may be hit.
    Any,
    /// These objects let it.
    By(Vec<Subject>),
    /// Nothing in the export lets it.
    No,
    /// The export does not hold what would tell.
    Unknown,
}

impl Concern {
    /// Whether it is to be reported.
    pub(super) fn is_possible(&self) -> bool {
        *self != Self::No
    }
}

/// A bulletin that concerns this cluster.
pub(super) struct Hit<'a> {
    pub(super) bulletin: &'a Bulletin,
    pub(super) concern: Concern,
}

/// Returns those of some bulletins that concern the cluster.
pub(super) fn hits<'a>(
    situation: &Situation,
    bulletins: impl Iterator<Item = &'a Bulletin>,
) -> Vec<Hit<'a>> {
    bulletins
        .map(|bulletin| Hit {
            bulletin,
            concern: concern(situation, bulletin),
        })
        .filter(|it| it.concern.is_possible())
        .collect()
}

/// `1 security bulletin hits`, `2 security bulletins hit`.
pub(super) fn bulletins(number: usize, verb: &str) -> String {
    let s = if number == 1 { "s" } else { "" };
    format!("{} {verb}{s}", count(number, "security bulletin"))
}

/// Returns each bulletin with its day, what is vulnerable, and what it needs.
pub(super) fn details(hits: &[Hit]) -> String {
    let line = |it: &Hit| {
        let needs = it.bulletin.needs.as_deref();
        let needs = needs.map_or_else(String::new, |it| format!(", needs {it}"));
        let unknown = if it.concern == Concern::Unknown {
            " (the export does not tell whether it is so)"
        } else {
            ""
        };
        format!(
            "{} of {} ({}){needs}{unknown}",
            it.bulletin.id,
            it.bulletin.published,
            it.bulletin.component.join(", ")
        )
    };
    hits.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// Returns the objects that let a cluster be hit, each once.
pub(super) fn subjects(hits: &[Hit]) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = hits
        .iter()
        .filter_map(|it| match &it.concern {
            Concern::By(subjects) => Some(subjects.iter().cloned()),
            _ => None,
        })
        .flatten()
        .collect();
    sorted::sort_by(&mut subjects, |a, b| {
        (&a.object, &a.field).cmp(&(&b.object, &b.field))
    });
    subjects.dedup();
    subjects
}

/// Looks for the precondition of a bulletin.
pub(super) fn concern(situation: &Situation, bulletin: &Bulletin) -> Concern {
    let conditions = &bulletin.objects;
    let (vetoes, mut enablers): (Vec<_>, Vec<_>) = conditions.iter().partition(|it| is_veto(it));
    if enablers.iter().any(|it| !is_of_every_object(it)) {
        enablers.retain(|it| !is_of_every_object(it));
    }
    if vetoes.iter().any(|veto| is_broken(situation, veto)) {
        return Concern::No;
    }
    if enablers.is_empty() {
        return Concern::Any;
    }
    let mut subjects = Vec::new();
    let (mut any, mut unknown) = (false, false);
    for enabler in enablers {
        match met(situation, enabler) {
            Concern::By(found) => subjects.extend(found),
            Concern::Any => any = true,
            Concern::Unknown => unknown = true,
            Concern::No => {}
        }
    }
    if !subjects.is_empty() {
        sorted::sort_by(&mut subjects, |a, b| a.object.cmp(&b.object));
        subjects.dedup_by(|a, b| a.object == b.object);
        Concern::By(subjects)
    } else if any {
        Concern::Any
    } else if unknown {
        Concern::Unknown
    } else {
        Concern::No
    }
}

/// Whether every object of its kind meets a condition: a field that has to be there tells nothing.
fn is_of_every_object(condition: &Precondition) -> bool {
    condition.kind == "VirtualService"
        && condition.path.as_deref() == Some("spec.hosts")
        && condition.value.is_none()
}

/// Whether a `VirtualService` is of the gateway `mesh` because it names none (networking/v1, `VirtualService.gateways`).
fn is_of_mesh_by_default(condition: &Precondition, value: &Value) -> bool {
    condition.kind == "VirtualService"
        && condition.path.as_deref() == Some("spec.gateways")
        && condition.value.as_deref() == Some("mesh")
        && value
            .pointer("/spec/gateways")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
}

/// Whether a condition says what must not be so.
fn is_veto(condition: &Precondition) -> bool {
    let value = condition.value.as_deref().unwrap_or_default();
    value == "absent" || value.starts_with("not ")
}

/// Whether what must not be so is so.
fn is_broken(situation: &Situation, veto: &Precondition) -> bool {
    let Some(value) = veto.value.as_deref().and_then(|it| it.strip_prefix("not ")) else {
        // That an object is absent somewhere is not told by one that is there.
        return false;
    };
    let positive = Precondition {
        value: Some(value.to_owned()),
        ..veto.clone()
    };
    matches!(met(situation, &positive), Concern::By(_))
}

/// Looks for one condition.
fn met(situation: &Situation, condition: &Precondition) -> Concern {
    let path = condition.path.as_deref();
    // Words instead of a path, and a variable without a value, are nothing that an export tells.
    if path.is_some_and(|it| it.contains(' ')) {
        return Concern::Any;
    }
    match condition.kind.as_str() {
        "MeshConfig" => mesh(situation, condition),
        "istiod env" => variable(situation, condition),
        kind => objects(situation, kind, condition),
    }
}

fn mesh(situation: &Situation, condition: &Precondition) -> Concern {
    let Some(plane) = situation.control_plane() else {
        return Concern::Unknown;
    };
    let name = match plane.revision.as_str() {
        "default" => "istio".to_owned(),
        revision => format!("istio-{revision}"),
    };
    let mut maps = situation.objects("", "ConfigMap");
    let found = maps.find(|(object, _)| {
        object.name == name && object.namespace.as_deref() == Some(plane.namespace.as_str())
    });
    let Some((object, kept)) = found else {
        return Concern::Unknown;
    };
    let mesh = text(&kept.value, "/data/mesh").and_then(|it| kube_yaml::from_str(it).ok());
    let path = condition.path.as_deref().unwrap_or_default();
    let is_met = mesh.is_some_and(|mesh| holds(&mesh, path, condition.value.as_deref()));
    let subject = Subject::kept(object, kept).field(format!("data.mesh.{path}"));
    if is_met {
        Concern::By(vec![subject])
    } else {
        Concern::No
    }
}

fn variable(situation: &Situation, condition: &Precondition) -> Concern {
    let name = condition.path.as_deref().unwrap_or_default();
    let Some(wanted) = condition.value.as_deref() else {
        return Concern::Any;
    };
    let mut istiods = situation
        .objects("apps", "Deployment")
        .filter(|(object, kept)| {
            let plane = situation.control_plane();
            plane.is_none_or(|it| object.namespace.as_deref() == Some(it.namespace.as_str()))
                && text(&kept.value, "/spec/template/metadata/labels/app") == Some("istiod")
        });
    let Some((object, kept)) = istiods.next() else {
        return Concern::Unknown;
    };
    let containers = kept.value.pointer("/spec/template/spec/containers");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    let mut variables = containers
        .filter_map(|it| it.get("env")?.as_array())
        .flatten();
    let is_met = variables.any(|it| {
        text(it, "/name") == Some(name) && text(it, "/value").is_some_and(|it| matches(it, wanted))
    });
    if is_met {
        let field = format!("spec.template.spec.containers[name=discovery].env[name={name}]");
        Concern::By(vec![Subject::kept(object, kept).field(field)])
    } else {
        Concern::No
    }
}

/// Looks for objects of a kind, which may be written with its group (`Gateway (networking.istio.io)`) or its name
/// (`ConfigMap kiali`).
fn objects(situation: &Situation, kind: &str, condition: &Precondition) -> Concern {
    let (kind, rest) = kind.split_once(' ').unwrap_or((kind, ""));
    let group = rest.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    let name = (group.is_none() && !rest.is_empty()).then_some(rest);
    let group = group.or(match kind {
        "ConfigMap" => Some(""),
        "ClusterRole" => Some("rbac.authorization.k8s.io"),
        "CustomResourceDefinition" => Some("apiextensions.k8s.io"),
        _ => None,
    });
    let path = condition.path.as_deref();
    let found: Vec<Subject> = situation
        .snapshot
        .objects
        .iter()
        .filter(|(object, _)| object.kind == kind)
        .filter(|(object, _)| {
            let theirs = super::group_of(&object.api_version);
            group.map_or_else(|| is_mesh(theirs), |group| theirs == group)
        })
        .filter(|(object, _)| name.is_none_or(|it| object.name == it))
        .filter(|(_, kept)| {
            path.is_none_or(|path| holds(&kept.value, path, condition.value.as_deref()))
                || is_of_mesh_by_default(condition, &kept.value)
        })
        .map(|(object, kept)| {
            let subject = Subject::kept(object, kept);
            match path {
                Some(path) => subject.field(path),
                None => subject,
            }
        })
        .collect();
    if !found.is_empty() {
        return Concern::By(found);
    }
    // Objects of the mesh's own kinds come with their definitions.
    let told = situation.exported("CustomResourceDefinition") || situation.exported(kind);
    if told { Concern::No } else { Concern::Unknown }
}

fn is_mesh(group: &str) -> bool {
    group.ends_with("istio.io") || group == "gateway.networking.k8s.io"
}

/// Whether something of a value stands at a path: `a.b[].c`; a path of one key is looked for at any depth.
fn holds(value: &Value, path: &str, wanted: Option<&str>) -> bool {
    if !path.contains('.') && anywhere(value, path, wanted) {
        return true;
    }
    let mut places = vec![value];
    for step in path.split('.') {
        let step = step.trim_end_matches("[]");
        places = places
            .into_iter()
            .flat_map(elements)
            .filter_map(|it| it.get(step))
            .collect();
    }
    places
        .into_iter()
        .flat_map(elements)
        .any(|it| wanted.is_none_or(|wanted| says(it, wanted)))
}

/// Looks for a key at any depth.
fn anywhere(value: &Value, key: &str, wanted: Option<&str>) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(name, it)| {
            (name == key && elements(it).any(|it| wanted.is_none_or(|wanted| says(it, wanted))))
                || anywhere(it, key, wanted)
        }),
        Value::Array(list) => list.iter().any(|it| anywhere(it, key, wanted)),
        _ => false,
    }
}

/// The elements of a list, or the value itself; nothing is no value.
fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Value::Array(list) => (list.as_slice(), None),
        Value::Null => (&[][..], None),
        other => (&[][..], Some(other)),
    };
    list.iter().chain(one)
}

/// Whether a value is the one that decides.
fn says(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(it) => matches(it, wanted),
        Value::Bool(it) => matches(&it.to_string(), wanted),
        Value::Number(it) => matches(&it.to_string(), wanted),
        _ => false,
    }
}

/// `a|b` either, `*suffix` a pattern that begins with a star, `contains x`, `x[]` what begins with `x[`, `x://` and
/// `%X%` a part; else the very word.
fn matches(value: &str, wanted: &str) -> bool {
    wanted.split('|').any(|wanted| {
        if wanted == "*suffix" {
            return value.len() > 1 && value.starts_with('*');
        }
        if let Some(part) = wanted.strip_prefix("contains ") {
            return value.contains(part);
        }
        if let Some(start) = wanted.strip_suffix("[]") {
            return value.starts_with(&format!("{start}["));
        }
        value == wanted
            || (wanted.ends_with("://") && value.starts_with(wanted))
            || (wanted.starts_with('%') && value.contains(wanted))
    })
}

#[cfg(test)]
mod tests {
    use istio_catalog::{Bulletin, Facts};
    use serde_json::json;

    use super::{Concern, concern, holds, matches};
    use crate::rules::fixture::Cluster;

    fn bulletin(id: &str) -> &'static Bulletin {
        let mut all = Facts::embedded().bulletins.iter();
        all.find(|it| it.id.ends_with(id)).unwrap()
    }

    fn of(cluster: &Cluster, id: &str) -> Concern {
        cluster.with_situation(|it| concern(it, bulletin(id)))
    }

    #[test]
    fn a_bulletin_without_objects_concerns_every_cluster() {
        assert_eq!(of(&Cluster::new(), "2026-004"), Concern::Any);
    }

    #[test]
    fn objects_decide_where_they_are_named() {
        let mut cluster = Cluster::new();
        assert_eq!(of(&cluster, "2025-001"), Concern::No);
        cluster.object(
            json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
            "metadata": {"name": "oauth", "namespace": "shop"}, "spec": {}}),
        );
        assert!(matches!(of(&cluster, "2025-001"), Concern::By(it) if it.len() == 1));
    }

    #[test]
    fn without_definitions_the_export_does_not_tell() {
        let mut cluster = Cluster::new();
        cluster
            .snapshot
            .kinds
            .retain(|it, _| !it.ends_with("CustomResourceDefinition"));
        assert_eq!(of(&cluster, "2025-001"), Concern::Unknown);
    }

    #[test]
    fn what_must_not_be_so_stands_beside_what_must_be() {
        let mut cluster = Cluster::new();
        cluster.object(
            json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"name": "a", "namespace": "shop"},
            "spec": {"rules": [{"from": [{"source": {"namespaces": ["b"]}}]}]}}),
        );
        assert!(of(&cluster, "2021-004").is_possible());
        cluster.object(json!({"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication",
            "metadata": {"name": "default", "namespace": "istio-system"}, "spec": {"mtls": {"mode": "STRICT"}}}));
        assert_eq!(of(&cluster, "2021-004"), Concern::No);
    }

    #[test]
    fn paths_lead_through_lists() {
        let value = json!({"spec": {"rules": [{"when": [{"key": "request.headers[x]"}]}]}});
        let path = "spec.rules[].when[].key";
        assert!(holds(&value, path, Some("request.headers[]")));
        assert!(!holds(&value, path, Some("source.ip")));
        assert!(!holds(&value, "spec.rules[].from[].source", None));
        assert!(holds(&json!({"a": [{"regex": "x"}]}), "regex", None));
    }

    #[test]
    fn values_are_words_patterns_and_parts() {
        assert!(matches("443", "80|443") && !matches("8443", "80|443"));
        assert!(matches("*/sa", "*suffix") && !matches("*", "*suffix"));
        assert!(matches("ns/a.b", "contains .") && !matches("ns/a", "contains ."));
        assert!(matches("oci://x/y", "oci://") && !matches("https://x", "oci://"));
    }
}
