//! What templates see at the top: one map per chart, shared by all its templates (`helm v3.21:pkg/engine/engine.go`,
//! `recAllTpls`).

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json};
use sorted::SortedMap;

use crate::chart::{Loaded, scalar};
use crate::funcs::{base, clean};
use crate::gotmpl::node::Tree;
use crate::gotmpl::parse::parse;
use crate::object::{CapabilitiesData, KubeVersion, Object, Struct};
use crate::value::{Entries, Map, MapKind, Value};
use crate::{Capabilities, Release};

/// A template file and what it is given.
pub(crate) struct Renderable {
    pub(crate) trees: Result<Vec<Arc<Tree>>, String>,
    /// Its chart's map; templates change it for those that run after them.
    pub(crate) context: Map,
    base_path: Arc<str>,
}

impl Renderable {
    /// Sets `.Template`, before the file is run.
    pub(crate) fn enter(&self, path: &str) {
        let entries = Entries::from([
            ("Name".into(), Value::text(path)),
            ("BasePath".into(), Value::Text(Arc::clone(&self.base_path))),
        ]);
        self.context.insert(
            "Template".into(),
            Value::Map(Map::new(MapKind::Values, entries)),
        );
    }
}

/// Returns all templates of a chart and its subcharts by path.
pub(crate) fn contexts(
    chart: &Loaded,
    values: JsonMap<String, Json>,
    release: &Release,
    capabilities: &Capabilities,
) -> SortedMap<Arc<str>, Renderable> {
    let release = Value::map(Entries::from([
        ("Name".into(), Value::text(release.name.as_str())),
        ("Namespace".into(), Value::text(release.namespace.as_str())),
        ("IsUpgrade".into(), Value::Bool(release.is_upgrade)),
        ("IsInstall".into(), Value::Bool(release.is_install)),
        ("Revision".into(), Value::Int(release.revision)),
        ("Service".into(), Value::text("Helm")),
    ]));
    let outer = Outer {
        release,
        capabilities: Value::object(Object::Capabilities(Rc::new(capabilities_data(
            capabilities,
        )))),
    };
    let values = match Value::from_json(&Json::Object(values)) {
        Value::Map(it) => it.of_kind(MapKind::Values),
        _ => Map::new(MapKind::Values, Entries::new()),
    };
    let mut all = SortedMap::new();
    collect(chart, &outer, &values, "", &mut all);
    all
}

/// What all charts share.
struct Outer {
    release: Value,
    capabilities: Value,
}

fn collect(
    chart: &Loaded,
    outer: &Outer,
    values: &Map,
    under: &str,
    into: &mut SortedMap<Arc<str>, Renderable>,
) -> Value {
    let name = &chart.metadata.name;
    let path = clean(&format!("{under}{name}"));
    let subcharts = Map::new(MapKind::Any, Entries::new());
    let context = Map::new(
        MapKind::Any,
        Entries::from([
            ("Chart".into(), metadata(chart, under.is_empty())),
            (
                "Files".into(),
                Value::object(Object::Files(Rc::new(chart.files.as_ref().clone()))),
            ),
            ("Release".into(), outer.release.clone()),
            ("Capabilities".into(), outer.capabilities.clone()),
            ("Values".into(), Value::Map(values.clone())),
            ("Subcharts".into(), Value::Map(subcharts.clone())),
        ]),
    );
    for subchart in &chart.dependencies {
        let name = subchart.metadata.name.as_str();
        let inner = match values.get(name) {
            Some(Value::Map(it)) => it.of_kind(MapKind::Values),
            _ => Map::new(MapKind::Values, Entries::new()),
        };
        let below = format!("{path}/charts/");
        subcharts.insert(name.into(), collect(subchart, outer, &inner, &below, into));
    }
    let base_path: Arc<str> = format!("{path}/templates").into();
    for template in chart.templates.iter() {
        if chart.is_library() && !base(&template.name).starts_with('_') {
            continue;
        }
        let full: Arc<str> = clean(&format!("{path}/{}", template.name)).into();
        let trees = if full == template.path {
            template.trees.clone()
        } else {
            parse(&full, &template.text)
        };
        into.insert(
            full,
            Renderable {
                trees,
                context: context.of_kind(MapKind::Values),
                base_path: Arc::clone(&base_path),
            },
        );
    }
    Value::Map(context)
}

fn capabilities_data(capabilities: &Capabilities) -> CapabilitiesData {
    let given = capabilities.kube_version.as_str();
    let kube_version = match crate::semver::Version::parse(given) {
        Ok(version) => KubeVersion {
            version: format!("v{version}").into(),
            major: version.major.to_string().into(),
            minor: version.minor.to_string().into(),
        },
        Err(_) => KubeVersion {
            version: given.into(),
            major: "".into(),
            minor: "".into(),
        },
    };
    CapabilitiesData {
        kube_version,
        api_versions: capabilities
            .api_versions
            .iter()
            .map(|it| it.as_str().into())
            .collect(),
        helm_version: "v3.21".into(),
    }
}

#[expect(clippy::too_many_lines, reason = "a list of fields")]
/// `.Chart`: Helm's struct of `Chart.yaml` and whether it is the root.
fn metadata(chart: &Loaded, is_root: bool) -> Value {
    let data = &chart.metadata.data;
    let text = |name: &str| Value::text(data.get(name).map(scalar).unwrap_or_default());
    let texts = |data: Option<&Json>| {
        let items = data.and_then(Json::as_array).map(Vec::as_slice);
        Value::texts(items.unwrap_or_default().iter().map(scalar))
    };
    let structs = |name: &str, make: &dyn Fn(&Json) -> Struct| {
        let items = data.get(name).and_then(Json::as_array).map(Vec::as_slice);
        let items = items.unwrap_or_default().iter();
        Value::list(
            items
                .map(|it| Value::object(Object::Struct(Rc::new(make(it)))))
                .collect(),
        )
    };
    let member = |of: &Json, name: &str| Value::text(of.get(name).map(scalar).unwrap_or_default());
    let annotations: Entries = data
        .get("annotations")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str().into(), Value::text(scalar(value))))
        .collect();
    let dependencies = chart.metadata.dependencies.iter().flatten().map(|it| {
        Value::object(Object::Struct(Rc::new(Struct {
            type_name: "*chart.Dependency",
            fields: vec![
                ("Name", "name", Value::text(it.name.as_str())),
                (
                    "Version",
                    "version,omitempty",
                    Value::text(it.version.as_str()),
                ),
                ("Repository", "repository", member(&it.data, "repository")),
                (
                    "Condition",
                    "condition,omitempty",
                    Value::text(it.condition.as_str()),
                ),
                (
                    "Tags",
                    "tags,omitempty",
                    Value::texts(it.tags.iter().map(String::as_str)),
                ),
                ("Enabled", "enabled,omitempty", Value::Bool(it.enabled)),
                (
                    "ImportValues",
                    "import-values,omitempty",
                    Value::from_json(&Json::Array(it.imports.clone())),
                ),
                ("Alias", "alias,omitempty", Value::text(it.alias.as_str())),
            ],
        })))
    });
    let api_version = match text("apiVersion") {
        it if it.truth() => it,
        _ => Value::text("v1"),
    };
    Value::object(Object::Struct(Rc::new(Struct {
        type_name: "struct { chart.Metadata; IsRoot bool }",
        fields: vec![
            (
                "Name",
                "name,omitempty",
                Value::text(chart.metadata.name.as_str()),
            ),
            ("Home", "home,omitempty", text("home")),
            ("Sources", "sources,omitempty", texts(data.get("sources"))),
            ("Version", "version,omitempty", text("version")),
            ("Description", "description,omitempty", text("description")),
            (
                "Keywords",
                "keywords,omitempty",
                texts(data.get("keywords")),
            ),
            (
                "Maintainers",
                "maintainers,omitempty",
                structs("maintainers", &|it| Struct {
                    type_name: "*chart.Maintainer",
                    fields: vec![
                        ("Name", "name,omitempty", member(it, "name")),
                        ("Email", "email,omitempty", member(it, "email")),
                        ("URL", "url,omitempty", member(it, "url")),
                    ],
                }),
            ),
            ("Icon", "icon,omitempty", text("icon")),
            ("APIVersion", "apiVersion,omitempty", api_version),
            ("Condition", "condition,omitempty", text("condition")),
            ("Tags", "tags,omitempty", text("tags")),
            ("AppVersion", "appVersion,omitempty", text("appVersion")),
            (
                "Deprecated",
                "deprecated,omitempty",
                Value::Bool(data.get("deprecated") == Some(&Json::Bool(true))),
            ),
            (
                "Annotations",
                "annotations,omitempty",
                Value::Map(Map::new(MapKind::Text, annotations)),
            ),
            ("KubeVersion", "kubeVersion,omitempty", text("kubeVersion")),
            (
                "Dependencies",
                "dependencies,omitempty",
                Value::list(dependencies.collect()),
            ),
            ("Type", "type,omitempty", text("type")),
            ("IsRoot", "IsRoot", Value::Bool(is_root)),
        ],
    })))
}

/// Returns the files of `crds/` of a chart and its subcharts, by path.
pub(crate) fn crds(chart: &Loaded) -> SortedMap<String, String> {
    let mut all = SortedMap::new();
    collect_crds(chart, "", &mut all);
    all
}

fn collect_crds(chart: &Loaded, under: &str, into: &mut SortedMap<String, String>) {
    let path = clean(&format!("{under}{}", chart.metadata.name));
    for (name, bytes) in chart.files.iter() {
        let is_manifest = [".yaml", ".yml", ".json"]
            .iter()
            .any(|it| name.ends_with(it));
        if name.starts_with("crds/") && is_manifest {
            into.insert(
                clean(&format!("{path}/{name}")),
                String::from_utf8_lossy(bytes).into_owned(),
            );
        }
    }
    for subchart in &chart.dependencies {
        collect_crds(subchart, &format!("{path}/charts/"), into);
    }
}
