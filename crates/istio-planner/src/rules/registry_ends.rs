//! `registry-ends`: images come from a registry whose end is announced, that is switched off, or gone.

use istio_catalog::{Ending, Outage, Place, Registry, State};
use serde_json::Value;
use sorted::SortedMap;

use super::Code;
use super::{Desired, Explanation, Situation, count, enumerate, pod_subject, runs, text};
use crate::edit::{Edit, Fix};
use crate::kubernetes::containers;
use crate::outcome::{Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Images that run, that new pods would get, or that the target renders come from a registry that ends.",
    why: "A node that does not hold an image yet pulls it: when it is added or cleaned up, when a pod moves, when a \
          workload is restarted. While the registry is switched off, and once it is gone, such a pod does not start, and \
          an upgrade stops half way.",
    settle: "Set the hub that lives, `hub: docker.io/istio`, or that of your own mirror, in the request, apply, and \
             restart the workloads whose proxies come from the old one.",
    source: "istio.io, blog 2026: retirement of GCP-hosted artifacts; 1.31, upgrade notes (days of the outages)",
    link: Some("https://istio.io/latest/blog/2026/retirement-of-gcp/"),
};

/// What of the mesh comes from one registry.
#[derive(Default)]
struct Uses {
    /// Pods that run.
    pods: Vec<Subject>,
    /// What istiod injects today.
    injector: Vec<Subject>,
    /// What the target renders.
    rendered: Vec<Subject>,
}

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut uses: SortedMap<&str, (&Registry, Uses)> = SortedMap::new();
    let mut add = |image: &str, subject: Subject, part: fn(&mut Uses) -> &mut Vec<Subject>| {
        let registry = situation.known.registry(image);
        let ends = registry.filter(|it| it.holds == Place::Images && it.ends.is_some());
        if let Some(registry) = ends {
            let (_, uses) = uses
                .entry(&registry.place)
                .or_insert_with(|| (registry, Uses::default()));
            part(uses).push(subject);
        }
    };
    for pod in situation.snapshot.pods.values().filter(|it| runs(it)) {
        let mut images = pod.containers.iter().filter(|container| {
            let registry = situation.known.registry(&container.image);
            registry.is_some_and(|it| it.ends.is_some())
        });
        if let Some(first) = images.next() {
            let list = if first.init {
                "initContainers"
            } else {
                "containers"
            };
            let field = format!("spec.{list}[name={}].image", first.name);
            let subject = pod_subject(pod).field(field).value(first.image.clone());
            add(&first.image, subject, |it| &mut it.pods);
        }
    }
    for (object, kept) in situation.objects("", "ConfigMap") {
        if let Some((path, image)) = injector(object, &kept.value) {
            let subject = Subject::kept(object, kept).field(path).value(image.clone());
            add(&image, subject, |it| &mut it.injector);
        }
    }
    for (object, path, image) in situation.desired.iter().flat_map(rendered) {
        let subject = Subject::new(object).field(path).value(image.clone());
        add(&image, subject, |it| &mut it.rendered);
    }
    uses.into_values()
        .map(|(registry, uses)| finding(situation, registry, uses))
        .collect()
}

fn finding(situation: &Situation, registry: &Registry, uses: Uses) -> Finding {
    let place = &registry.place;
    let state = registry.state(situation.as_of, &situation.known.outages);
    // Only what is rendered is pulled by the plan; without a rendering, new pods get what istiod injects today.
    let pulls =
        !uses.rendered.is_empty() || (situation.desired.is_none() && !uses.injector.is_empty());
    let off = matches!(state, State::Out(_) | State::Gone(_));
    let level = if off && pulls {
        Level::Block
    } else {
        Level::Warn
    };
    let mut parts = Vec::new();
    if !uses.pods.is_empty() {
        parts.push(format!(
            "{} run images from it",
            count(uses.pods.len(), "pod")
        ));
    }
    if !uses.injector.is_empty() {
        parts.push("istiod injects proxies from it today".to_owned());
    }
    if !uses.rendered.is_empty() {
        parts.push("the target renders it".to_owned());
    }
    let coming = situation
        .known
        .outages
        .iter()
        .filter(|outage| outage.places.contains(place))
        .filter(|outage| situation.as_of.is_none_or(|day| outage.end_day() >= day))
        .map(|it| format!("{} to {}", it.start, it.end))
        .collect::<Vec<_>>();
    let outages = if coming.is_empty() {
        String::new()
    } else {
        format!("; it is switched off from {}", enumerate(&coming))
    };
    let when = registry.ends.as_ref().map_or_else(String::new, end);
    let finding = Finding::new(
        Code::RegistryEnds,
        level,
        title(place, &state),
        format!(
            "{} {when}{outages}. Of this mesh, {}",
            capital(place),
            enumerate(&parts)
        ),
    );
    let lives = hub_that_lives(situation);
    let fix = match (&lives, uses.rendered.is_empty()) {
        (Some(hub), false) => format!(
            "Set `hub: {hub}` in the request, or your own mirror, and restart the workloads after the apply"
        ),
        (Some(hub), true) => format!(
            "Apply with `{hub}` or your own mirror as hub, as the request does, and restart the workloads that still run \
             images from {place}"
        ),
        (None, _) => "Mirror the images, and set the mirror as hub".to_owned(),
    };
    let edit = lives.filter(|_| !uses.rendered.is_empty()).map(|hub| Fix {
        title: format!("Take images from {hub}"),
        edits: vec![Edit::Set {
            path: "hub".to_owned(),
            value: Value::from(hub),
        }],
    });
    finding
        .about(uses.pods)
        .about(uses.injector)
        .about(uses.rendered)
        .fix(fix)
        .by(edit)
}

fn title(place: &str, state: &State) -> String {
    match state {
        State::Gone(Ending { by, .. }) => format!("{place} is gone since {by} at the latest"),
        State::Out(Outage { start, end, .. }) => {
            format!("{place} is switched off from {start} to {end}")
        }
        State::MayBeGone(Ending { by, .. }) => {
            format!("{place} may be gone any day, before {by}")
        }
        State::WillEnd(Ending { from, .. }) => format!("{place} ends, from {from} on"),
        State::Lives => format!("{place} is in use"),
    }
}

/// `ends between 2026-12-01 and 2027-01-01`.
fn end(ending: &Ending) -> String {
    format!("ends between {} and {}", ending.from, ending.by)
}

fn capital(place: &str) -> String {
    format!("The registry {place}")
}

/// The registry that releases are stamped with and that does not end.
fn hub_that_lives(situation: &Situation) -> Option<String> {
    let hubs = situation.known.hubs.iter().rev().map(|it| it.hub.as_str());
    let mut lives = hubs.filter(|hub| {
        situation
            .known
            .registry(hub)
            .is_some_and(|it| it.ends.is_none())
    });
    lives.next().map(str::to_owned)
}

/// The registry, or the whole image, that an injector's ConfigMap names.
fn injector(object: &Ref, value: &Value) -> Option<(String, String)> {
    if !object.name.starts_with("istio-sidecar-injector") {
        return None;
    }
    let values: Value = serde_json::from_str(text(value, "/data/values")?).ok()?;
    let image = text(&values, "/global/proxy/image").filter(|it| it.contains('/'));
    let (path, image) = match image {
        Some(image) => ("global.proxy.image", image),
        None => ("global.hub", text(&values, "/global/hub")?),
    };
    Some((format!("data.values: {path}"), image.to_owned()))
}

/// Images that the target renders: of workloads, and of what it injects.
fn rendered(desired: &Desired) -> Vec<(Ref, String, String)> {
    let objects = desired
        .rendering
        .components
        .iter()
        .flat_map(|it| &it.objects);
    let mut found = Vec::new();
    for object in objects {
        let Some(reference) = crate::outcome::Ref::of(object) else {
            continue;
        };
        if let Some((path, image)) = injector(&reference, object) {
            found.push((reference.clone(), path, image));
        }
        let image = containers(object.pointer("/spec/template/spec"))
            .find_map(|it| text(it, "/image").filter(|it| *it != "auto"));
        if let Some(image) = image {
            let path = "spec.template.spec.containers[].image".to_owned();
            found.push((reference, path, image.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::rules::fixture::Cluster;
    use crate::snapshot::Container;

    fn running(image: &str) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.pod("shop", "web-1", &[]).containers = vec![Container {
            name: "istio-proxy".to_owned(),
            image: image.to_owned(),
            ..Container::default()
        }];
        cluster
    }

    fn istiod(image: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "istiod", "namespace": "istio-system"},
            "spec": {"template": {"spec": {"containers": [{"name": "discovery", "image": image}]}}}})
    }

    #[track_caller]
    fn on(cluster: &mut Cluster, day: &str) -> Vec<String> {
        cluster.as_of = Some(day.to_owned());
        cluster.codes(check)
    }

    #[test]
    fn what_is_rendered_blocks_while_the_registry_is_off_and_once_it_is_gone() {
        let mut cluster = running("registry.istio.io/release/proxyv2:1.30.3");
        cluster.render("Pilot", istiod("registry.istio.io/release/pilot:1.30.3"));
        let warn = ["registry-ends Warn"];
        assert_eq!(on(&mut cluster, "2026-11-28"), warn);
        assert_eq!(on(&mut cluster, "2026-12-07"), warn);
        assert_eq!(on(&mut cluster, "2026-12-08"), ["registry-ends Block"]);
        assert_eq!(on(&mut cluster, "2026-12-09"), ["registry-ends Block"]);
        assert_eq!(on(&mut cluster, "2026-12-10"), warn);
        assert_eq!(on(&mut cluster, "2027-01-01"), ["registry-ends Block"]);
        let finding = &cluster.check(check)[0];
        assert_eq!(finding.fixes[0].edits.len(), 1);
        assert_eq!(finding.subjects.len(), 2);
    }

    #[test]
    fn what_only_runs_warns() {
        let mut cluster = running("gcr.io/istio-release/proxyv2:1.29.6");
        cluster.render("Pilot", istiod("docker.io/istio/pilot:1.30.3"));
        assert_eq!(on(&mut cluster, "2026-12-08"), ["registry-ends Warn"]);
        assert!(cluster.check(check)[0].fixes.is_empty());
    }

    #[test]
    fn registries_that_live_are_silent() {
        for image in [
            "docker.io/istio/proxyv2:1.29.6",
            "registry.example/istio-release/proxyv2:1.29.6",
        ] {
            let mut cluster = running(image);
            cluster.render("Pilot", istiod("docker.io/istio/pilot:1.30.3"));
            assert!(on(&mut cluster, "2026-12-08").is_empty(), "{image}");
        }
    }

    #[test]
    fn without_a_day_the_end_is_told() {
        let cluster = running("gcr.io/istio-release/proxyv2:1.29.6");
        assert_eq!(cluster.codes(check), ["registry-ends Warn"]);
    }
}
