//! A chart's files to a chart (`helm v3.21:pkg/chart/loader/load.go`).

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sorted::SortedMap;

use crate::Error;
use crate::gotmpl::node::Tree;
use crate::gotmpl::parse::parse;

/// Subcharts nested deeper are refused.
const DEPTH: usize = 20;

/// A chart with its subcharts. What is heavy is shared, because resolving dependencies makes changed copies.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) metadata: Metadata,
    pub(crate) values: Arc<Json>,
    pub(crate) schema: Option<Arc<str>>,
    pub(crate) templates: Arc<Vec<Template>>,
    /// Everything that is neither a template nor a subchart nor read by Helm itself.
    pub(crate) files: Arc<SortedMap<Arc<str>, Arc<[u8]>>>,
    pub(crate) dependencies: Vec<Loaded>,
}

/// A template file.
#[derive(Debug)]
pub(crate) struct Template {
    /// Its path within the chart.
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
    /// Its path from the root chart, as it was when the chart was loaded, and what it was parsed to under that name.
    pub(crate) path: Arc<str>,
    pub(crate) trees: Result<Vec<Arc<Tree>>, String>,
}

/// `Chart.yaml`.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    /// None if there is no list of dependencies at all.
    pub(crate) dependencies: Option<Vec<Dependency>>,
    /// The file as data.
    pub(crate) data: Arc<Map<String, Json>>,
}

/// An entry of `dependencies`.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) alias: String,
    pub(crate) condition: String,
    pub(crate) tags: Vec<String>,
    pub(crate) imports: Vec<Json>,
    pub(crate) enabled: bool,
    pub(crate) data: Json,
}

impl Loaded {
    /// Loads a chart from its files.
    pub(crate) fn new(files: SortedMap<String, Vec<u8>>) -> Result<Self, Error> {
        Self::within(files, "", 0)
    }

    /// Loads a chart that stands under a path from the root chart.
    fn within(files: SortedMap<String, Vec<u8>>, under: &str, depth: usize) -> Result<Self, Error> {
        let mut chart = match files.get("Chart.yaml") {
            None => return Err(Error::new("Chart.yaml file is missing")),
            Some(bytes) => read(bytes, "Chart.yaml")?,
        };
        if let Some(bytes) = files.get("requirements.yaml") {
            for (key, value) in read(bytes, "requirements.yaml")? {
                chart.insert(key, value);
            }
        }
        let metadata = Metadata::new(chart)?;
        let path = format!("{under}{}", metadata.name);
        let mut loaded = Self {
            metadata,
            values: Arc::new(Json::Object(Map::new())),
            schema: None,
            templates: Arc::default(),
            files: Arc::default(),
            dependencies: Vec::new(),
        };
        let mut templates = Vec::new();
        let mut others = SortedMap::new();
        let mut subcharts: SortedMap<String, SortedMap<String, Vec<u8>>> = SortedMap::new();
        for (name, bytes) in files {
            if name == "Chart.yaml" || name == "Chart.lock" {
                continue;
            }
            if name == "values.yaml" {
                loaded.values = Arc::new(Json::Object(read(&bytes, &name)?));
            } else if name == "values.schema.json" {
                loaded.schema = Some(text(&bytes));
            } else if name.starts_with("templates/") {
                let text = text(&bytes);
                let path: Arc<str> = crate::funcs::clean(&format!("{path}/{name}")).into();
                templates.push(Template {
                    name: name.as_str().into(),
                    trees: parse(&path, &text),
                    text,
                    path,
                });
            } else if let Some((subchart, file)) = name
                .strip_prefix("charts/")
                .and_then(|it| it.split_once('/'))
            {
                subcharts
                    .entry(subchart.to_owned())
                    .or_default()
                    .insert(file.to_owned(), bytes);
            } else if name.starts_with("charts/") {
                // Go's filepath.Ext: what is neither a folder nor packed is not a chart.
                if std::path::Path::new(&name)
                    .extension()
                    .is_none_or(|it| it != "tgz")
                {
                    continue;
                }
                return Err(Error::new(format!(
                    "error unpacking subchart tar in {}: packed subcharts are not supported: {name}",
                    loaded.metadata.name
                )));
            } else {
                others.insert(name.into(), bytes.into());
            }
        }
        loaded.templates = Arc::new(templates);
        loaded.files = Arc::new(others);
        for (name, files) in subcharts {
            if name.starts_with(['_', '.']) {
                continue;
            }
            if depth >= DEPTH {
                return Err(Error::new("subcharts are nested too deeply"));
            }
            let under = format!("{path}/charts/");
            let subchart = Self::within(files, &under, depth + 1).map_err(|error| {
                Error::new(format!(
                    "error unpacking subchart {name} in {}: {error}",
                    loaded.metadata.name
                ))
            })?;
            loaded.dependencies.push(subchart);
        }
        Ok(loaded)
    }

    /// Tells whether it only holds definitions for other charts.
    pub(crate) fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }
}

impl Metadata {
    fn new(data: Map<String, Json>) -> Result<Self, Error> {
        let field = |name: &str| data.get(name).map(scalar).unwrap_or_default();
        let name = field("name");
        let version = field("version");
        let kind = field("type");
        let refuse = |message: String| Err(Error::new(format!("validation: {message}")));
        if name.is_empty() {
            return refuse("chart.metadata.name is required".to_owned());
        }
        if crate::funcs::base(&name) != name {
            return refuse(format!("chart.metadata.name \"{name}\" is invalid"));
        }
        if version.is_empty() {
            return refuse("chart.metadata.version is required".to_owned());
        }
        if crate::semver::Version::parse(&version).is_err() {
            return refuse(format!("chart.metadata.version \"{version}\" is invalid"));
        }
        if !matches!(kind.as_str(), "" | "application" | "library") {
            return refuse("chart.metadata.type must be application or library".to_owned());
        }
        let dependencies = data
            .get("dependencies")
            .and_then(Json::as_array)
            .map(|all| all.iter().map(Dependency::new).collect());
        Ok(Self {
            name,
            version,
            kind,
            dependencies,
            data: Arc::new(data),
        })
    }
}

impl Dependency {
    fn new(data: &Json) -> Self {
        let field = |name: &str| data.get(name).map(scalar).unwrap_or_default();
        let list = |name: &str| {
            data.get(name)
                .and_then(Json::as_array)
                .cloned()
                .unwrap_or_default()
        };
        Self {
            name: field("name"),
            version: field("version"),
            alias: field("alias"),
            condition: field("condition"),
            tags: list("tags").iter().map(scalar).collect(),
            imports: list("import-values"),
            // Set when dependencies are resolved, which those of a chart without a list of its own never are.
            enabled: data.get("enabled") == Some(&Json::Bool(true)),
            data: data.clone(),
        }
    }
}

/// Reads a scalar into text, as `sigs.k8s.io/yaml` does where the target is a string.
pub(crate) fn scalar(value: &Json) -> String {
    match value {
        Json::String(it) => it.clone(),
        Json::Bool(it) => it.to_string(),
        Json::Number(it) => match it.as_f64() {
            Some(float) if it.is_f64() => kube_yaml::format_float(float),
            _ => it.to_string(),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => String::new(),
    }
}

fn text(bytes: &[u8]) -> Arc<str> {
    // Lossy reading goes piece by piece even through what is whole.
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes).into(),
    }
}

/// Reads a file that holds a mapping, or nothing.
fn read(bytes: &[u8], name: &str) -> Result<Map<String, Json>, Error> {
    match kube_yaml::from_str(&text(bytes)) {
        Ok(Json::Object(it)) if name == "values.yaml" => {
            match kube_yaml::as_go_json(Json::Object(it)) {
                Json::Object(it) => Ok(it),
                _ => Ok(Map::new()),
            }
        }
        Ok(Json::Object(it)) => Ok(it),
        Ok(Json::Null) => Ok(Map::new()),
        Ok(_) => Err(Error::new(format!(
            "cannot load {name}: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal into a mapping"
        ))),
        Err(error) => Err(Error::new(format!(
            "cannot load {name}: error converting YAML to JSON: yaml: line {}: {}",
            error.position.line, error.message
        ))),
    }
}
