//! `tag-of-another-release`: the request pins images of another release than the target's.
//!
//! A tag in the request wins over the release that is applied: manifests, CRDs and injection templates are the target's,
//! the programs that run with them are not (1.30.3:operator/pkg/render/manifest.go, `tag` and `hub` of a component).

use istio_catalog::Version;
use kube_yaml::Node;
use serde_json::Value;
use sorted::SortedMap;

use super::{Explanation, Situation, enumerate, text};
use crate::edit::{Edit, Fix};
use crate::input::place;
use crate::outcome::{Finding, Level, Ref, Subject};
use crate::rules::Code;

/// What `refit explain tag-of-another-release` says.
pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The request names image tags of another release than the one that is planned.",
    why: "A tag wins over the release whose charts are applied: an upgrade to the target would set istiod, the proxies or a \
          node agent to the release of the tag, with CRDs, rights and templates of the target. For another minor that is no \
          upgrade at all, or one into a mix that nobody tests.",
    settle: "Take the tag out of the request: without it every component runs the target's own images. Keep `hub` where the \
             images come from a registry of your own, and see that the target's images are there.",
    source: "1.30.3:operator/pkg/apis/types.go (`tag`), 1.30.3:operator/pkg/render/manifest.go",
    link: Some("https://istio.io/latest/docs/reference/config/istio.operator.v1alpha1/"),
};

/// A setting that names a version of images.
struct Pin {
    path: String,
    value: String,
    version: Version,
    place: Subject,
    /// From a file, where it can be edited.
    editable: bool,
}

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(to) = situation.to else {
        return Vec::new();
    };
    let mut pins = pins(situation);
    pins.retain(|it| it.version.without_variant() != *to);
    // What the request's own settings explain is told at them.
    let mut others = if pins.is_empty() {
        rendered(situation, to)
    } else {
        Vec::new()
    };
    let is_other = |version: &Version| version.minor_release() != to.minor_release();
    let mut findings = Vec::new();
    for other_minor in [true, false] {
        let (now, later): (Vec<_>, Vec<_>) = pins
            .into_iter()
            .partition(|it| is_other(&it.version) == other_minor);
        pins = later;
        let (images, rest): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|it| is_other(&it.0) == other_minor);
        others = rest;
        findings.extend(finding(to, other_minor, &now, images));
    }
    findings
}

fn finding(
    to: &Version,
    other_minor: bool,
    pins: &[Pin],
    images: Vec<(Version, Subject)>,
) -> Option<Finding> {
    let mut versions: Vec<_> = pins
        .iter()
        .map(|it| it.version.without_variant())
        .chain(images.iter().map(|it| it.0.without_variant()))
        .map(|it| it.to_string())
        .collect();
    sorted::sort(&mut versions);
    versions.dedup();
    if versions.is_empty() {
        return None;
    }
    let versions = enumerate(&versions);
    let paths: Vec<_> = pins
        .iter()
        .map(|it| format!("`{}: {}`", it.path, it.value))
        .collect();
    let by = if paths.is_empty() {
        "Overlays of the request set images".to_owned()
    } else {
        format!(
            "{} {} over the release that is applied",
            enumerate(&paths),
            if paths.len() == 1 { "wins" } else { "win" }
        )
    };
    let level = if other_minor {
        Level::Block
    } else {
        Level::Warn
    };
    let finding = Finding::new(
        Code::TagOfAnotherRelease,
        level,
        format!("The request installs images of {versions}, not of {to}"),
        format!(
            "{by}: the plan would apply the charts, CRDs and templates of {to}, and run the images of {versions} with them"
        ),
    );
    let fix = if paths.is_empty() {
        format!("Take the images out of the overlays, or give them the tag {to}")
    } else {
        let names: Vec<_> = pins.iter().map(|it| format!("`{}`", it.path)).collect();
        format!(
            "Remove {} from the request: {to} brings its own tag",
            enumerate(&names)
        )
    };
    let subjects: Vec<_> = pins
        .iter()
        .map(|it| it.place.clone())
        .chain(images.into_iter().map(|it| it.1))
        .collect();
    Some(finding.about(subjects).fix(fix).by(edits(to, pins)))
}

/// One fix that settles all of them, where all stand in files.
fn edits(to: &Version, pins: &[Pin]) -> Option<Fix> {
    if pins.is_empty() || pins.iter().any(|it| !it.editable) {
        return None;
    }
    let edit = |pin: &Pin| {
        let path = pin.path.clone();
        let variant = pin.version.variant();
        let (image, is_image) = match pin.value.rsplit_once(':') {
            Some((image, _)) => (image, true),
            None => ("", false),
        };
        let tag = variant.map_or_else(|| to.to_string(), |it| format!("{to}-{it}"));
        match (is_image, variant) {
            (true, _) => Edit::Set {
                path,
                value: format!("{image}:{tag}").into(),
            },
            (false, Some(_)) => Edit::Set {
                path,
                value: tag.into(),
            },
            (false, None) => Edit::Remove { path },
        }
    };
    let removes = pins
        .iter()
        .all(|it| it.version.variant().is_none() && !it.value.contains(':'));
    let title = match (removes, pins.len()) {
        (true, 1) => "Remove the tag".to_owned(),
        (true, _) => "Remove the tags".to_owned(),
        (false, _) => format!("Name the images of {to}"),
    };
    Some(Fix {
        title,
        edits: pins.iter().map(edit).collect(),
    })
}

/// The last word of files and flags on each setting.
fn pins(situation: &Situation) -> Vec<Pin> {
    let mut said: SortedMap<String, (String, Subject, bool)> = SortedMap::new();
    for (file, document) in situation.documents.all() {
        let Some(spec) = document.get("spec") else {
            continue;
        };
        walk(spec, "", &mut |path, node| {
            if let Some(value) = scalar(&node.to_json()) {
                let place = place(file, node).field(format!("spec.{path}"));
                said.insert(path.to_owned(), (value.clone(), place.value(value), true));
            }
        });
    }
    for set in &situation.request.sets {
        let (path, value) = set.split_once('=').unwrap_or((set, ""));
        let path = path.trim_matches('.');
        let path = path.strip_prefix("spec.").unwrap_or(path);
        if names_image(path) {
            let place = Subject::flag("--set").field(path).value(value);
            said.insert(path.to_owned(), (value.trim().to_owned(), place, false));
        }
    }
    said.into_iter()
        .filter_map(|(path, (value, place, editable))| {
            // `image` may be a bare name, which the tag completes.
            let version = if path.ends_with("tag") {
                Version::parse_tag(&value)?
            } else {
                Version::parse_image(&value)?
            };
            Some(Pin {
                path,
                value,
                version,
                place,
                editable,
            })
        })
        .collect()
}

/// Visits every setting that names images, by its path below `spec`.
fn walk(node: &Node<'_>, at: &str, visit: &mut impl FnMut(&str, &Node<'_>)) {
    for (key, below) in node.entries() {
        let key = key.as_str().unwrap_or_default();
        let path = if at.is_empty() {
            key.to_owned()
        } else {
            format!("{at}.{key}")
        };
        // Objects of Kubernetes and of the mesh have tags of their own.
        if matches!(
            key,
            "k8s" | "meshConfig" | "addonComponents" | "unvalidatedValues"
        ) {
            continue;
        }
        if names_image(&path) {
            visit(&path, below);
        }
        walk(below, &path, visit);
        for item in below.items() {
            if let Some(name) = item.get("name").and_then(Node::as_str) {
                walk(item, &format!("{path}.[name:{name}]"), visit);
            }
        }
    }
}

/// Whether a path below `spec` names images of the installation.
fn names_image(path: &str) -> bool {
    const IMAGES: [&str; 6] = [
        "values.global.proxy.image",
        "values.global.proxy_init.image",
        "values.pilot.image",
        "values.cni.image",
        "values.ztunnel.image",
        "values.istio_cni.image",
    ];
    let keys: Vec<_> = path.split('.').collect();
    match keys.as_slice() {
        ["tag"] | ["components", .., "tag"] | ["values", _, "tag"] => true,
        _ => IMAGES.contains(&path),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Programs of a release.
const PROGRAMS: [&str; 4] = ["pilot", "proxyv2", "install-cni", "ztunnel"];

/// Images of another release in what the target renders: overlays set them.
fn rendered(situation: &Situation, to: &Version) -> Vec<(Version, Subject)> {
    let components = situation
        .desired
        .into_iter()
        .flat_map(|it| &it.rendering.components);
    let mut found = Vec::new();
    for component in components {
        for object in &component.objects {
            let Some(kind) =
                text(object, "/kind").filter(|it| matches!(*it, "Deployment" | "DaemonSet"))
            else {
                continue;
            };
            let containers = object
                .pointer("/spec/template/spec/containers")
                .and_then(Value::as_array);
            for container in containers.into_iter().flatten() {
                let image = text(container, "/image").unwrap_or_default();
                let name = image.rsplit('/').next().unwrap_or_default();
                let program = name.split([':', '@']).next().unwrap_or_default();
                let version = Version::parse_image(image)
                    .filter(|it| it.without_variant() != *to && PROGRAMS.contains(&program));
                if let Some(version) = version {
                    let object = Ref {
                        api_version: text(object, "/apiVersion").unwrap_or_default().to_owned(),
                        kind: kind.to_owned(),
                        namespace: Some(
                            text(object, "/metadata/namespace")
                                .unwrap_or(&component.namespace)
                                .to_owned(),
                        ),
                        name: text(object, "/metadata/name")
                            .unwrap_or_default()
                            .to_owned(),
                    };
                    let field = format!(
                        "spec.template.spec.containers[name={}].image",
                        text(container, "/name").unwrap_or_default()
                    );
                    found.push((version, Subject::new(object).field(field).value(image)));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::edit::{Edit, edit};
    use crate::rules::fixture::Cluster;

    fn with(spec: &str) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.file(&format!(
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n{spec}"
        ));
        cluster
    }

    #[test]
    fn a_tag_of_another_minor_blocks_at_its_line_and_can_be_removed() {
        let cluster = with("  tag: 1.20.0\n  profile: default\n");
        let findings = cluster.check(check);
        assert_eq!(cluster.codes(check), ["tag-of-another-release Block"]);
        assert_eq!(findings[0].subjects[0].line, Some(4));
        assert!(findings[0].title.contains("1.20.0, not of 1.30.3"));
        let edits = &findings[0].fixes[0].edits;
        assert_eq!(
            edits[..],
            [Edit::Remove {
                path: "tag".to_owned()
            }]
        );
        let text = edit(&cluster.request.files[0].text, edits).unwrap();
        assert!(!text.contains("1.20.0"));
        assert!(text.contains("profile: default"));
    }

    #[test]
    fn every_place_of_a_tag_is_found() {
        for spec in [
            "  values:\n    global:\n      tag: 1.29.6\n",
            "  values:\n    pilot:\n      tag: v1.29.6\n",
            "  values:\n    cni:\n      tag: 1.29.6-distroless\n",
            "  values:\n    global:\n      proxy:\n        image: hub.example/proxyv2:1.29.6\n",
            "  components:\n    pilot:\n      tag: 1.29.6\n",
            "  components:\n    cni:\n      tag: 1.29.6\n",
            "  components:\n    ingressGateways:\n    - name: a\n      tag: 1.29.6\n",
            "  tag: 1.29\n",
        ] {
            let cluster = with(spec);
            assert_eq!(
                cluster.codes(check),
                ["tag-of-another-release Block"],
                "{spec}"
            );
            let fixes = &cluster.check(check)[0].fixes;
            let text = edit(&cluster.request.files[0].text, &fixes[0].edits).unwrap();
            assert!(!text.contains("1.29"), "{text}");
        }
        let mut set = Cluster::new();
        set.request.sets.push("values.global.tag=1.29.6".to_owned());
        assert_eq!(set.codes(check), ["tag-of-another-release Block"]);
        assert!(set.check(check)[0].fixes.is_empty());
    }

    #[test]
    fn another_patch_is_worth_a_warning() {
        assert_eq!(
            with("  tag: 1.30.1\n").codes(check),
            ["tag-of-another-release Warn"]
        );
    }

    #[test]
    fn the_last_word_counts() {
        let mut cluster = with("  tag: 1.20.0\n");
        cluster.request.sets.push("tag=1.30.3".to_owned());
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn the_target_itself_its_variants_and_tags_that_tell_nothing_are_silent() {
        for spec in [
            "  tag: 1.30.3\n",
            "  tag: 1.30.3-distroless\n",
            "  tag: latest\n",
            "  tag: 8f3c2d1\n",
            "  values:\n    global:\n      proxy:\n        image: proxyv2\n",
            "  components:\n    pilot:\n      k8s:\n        podAnnotations:\n          tag: 1.20.0\n",
            "  meshConfig:\n    defaultConfig:\n      tag: 1.20.0\n",
        ] {
            assert!(with(spec).check(check).is_empty(), "{spec}");
        }
    }

    #[test]
    fn an_image_that_an_overlay_sets_is_found_in_the_rendering() {
        let mut cluster = Cluster::new();
        let istiod = |image: &str| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "istiod"}, "spec": {
            "template": {"spec": {"containers": [{"name": "discovery", "image": image}]}}}})
        };
        cluster.render("Pilot", istiod("hub/pilot:1.30.3"));
        assert!(cluster.check(check).is_empty());
        cluster.render("Pilot", istiod("hub/pilot:1.29.6"));
        assert_eq!(cluster.codes(check), ["tag-of-another-release Block"]);
        cluster.rendering = None;
        cluster.render("Pilot", istiod("hub/pilot:8f3c2d1"));
        assert!(cluster.check(check).is_empty());
    }
}
