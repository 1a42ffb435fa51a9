//! What templates see that is not data: `.Files`, `.Capabilities`, `.Chart`, versions and moments.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value as Json;
use sorted::SortedMap;

mod methods;

use crate::semver::Version;
use crate::time::Moment;
use crate::value::{Elements, Items, List, Value};

/// A Go value with fields and methods.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Object {
    /// Helm's `engine.files`.
    Files(Rc<SortedMap<Arc<str>, Arc<[u8]>>>),
    /// Helm's `*chartutil.Capabilities`.
    Capabilities(Rc<CapabilitiesData>),
    /// Helm's `chartutil.KubeVersion`.
    KubeVersion(KubeVersion),
    /// Helm's `chartutil.VersionSet`.
    ApiVersions(Rc<CapabilitiesData>),
    /// A Go struct that has only fields, such as `.Chart`; with its type name and, in the order of the source, fields.
    Struct(Rc<Struct>),
    /// Masterminds' `*semver.Version`.
    Version(Rc<Version>),
    /// Go's `time.Time`.
    Time(Moment),
}

/// What `.Capabilities` holds.
#[derive(Debug, PartialEq)]
pub(crate) struct CapabilitiesData {
    pub(crate) kube_version: KubeVersion,
    pub(crate) api_versions: Vec<Arc<str>>,
    pub(crate) helm_version: Arc<str>,
}

/// `.Capabilities.KubeVersion`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KubeVersion {
    pub(crate) version: Arc<str>,
    pub(crate) major: Arc<str>,
    pub(crate) minor: Arc<str>,
}

/// A Go struct.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) type_name: &'static str,
    /// Name in templates, name in JSON (with `omitempty` understood), value.
    pub(crate) fields: Vec<(&'static str, &'static str, Value)>,
}

impl PartialEq for Struct {
    fn eq(&self, other: &Self) -> bool {
        self.type_name == other.type_name
            && self.fields.len() == other.fields.len()
            && self
                .fields
                .iter()
                .zip(&other.fields)
                .all(|(a, b)| crate::value::deep_equal(&a.2, &b.2))
    }
}

/// What a name after a dot leads to.
pub(crate) enum Member {
    Field(Value),
    Method(Method),
}

/// The methods of all objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    FilesGet,
    FilesGetBytes,
    FilesGlob,
    FilesLines,
    FilesAsConfig,
    FilesAsSecrets,
    ApiVersionsHas,
    KubeVersionString,
    KubeVersionGitVersion,
    VersionString,
    VersionOriginal,
    VersionMajor,
    VersionMinor,
    VersionPatch,
    VersionPrerelease,
    VersionMetadata,
    VersionCompare,
    VersionEqual,
    VersionLessThan,
    VersionGreaterThan,
    VersionIncMajor,
    VersionIncMinor,
    VersionIncPatch,
    TimeUnix,
    TimeFormat,
    TimeYear,
    TimeDay,
    TimeHour,
    TimeMinute,
    TimeSecond,
    TimeString,
    TimeIsZero,
    TimeUtc,
    ValuesAsMap,
    ValuesYaml,
}

impl Object {
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Files(files) => !files.is_empty(),
            Self::ApiVersions(it) => !it.api_versions.is_empty(),
            Self::Capabilities(_)
            | Self::KubeVersion(_)
            | Self::Struct(_)
            | Self::Version(_)
            | Self::Time(_) => true,
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Files(_) => "engine.files",
            Self::Capabilities(_) => "*chartutil.Capabilities",
            Self::KubeVersion(_) => "chartutil.KubeVersion",
            Self::ApiVersions(_) => "chartutil.VersionSet",
            Self::Struct(it) => it.type_name,
            Self::Version(_) => "*semver.Version",
            Self::Time(_) => "time.Time",
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Files(_) => "map",
            Self::Capabilities(_) | Self::Version(_) => "ptr",
            Self::ApiVersions(_) => "slice",
            Self::Struct(it) if it.type_name.starts_with('*') => "ptr",
            Self::KubeVersion(_) | Self::Struct(_) | Self::Time(_) => "struct",
        }
    }

    /// Tells whether it is a pointer to a struct without a method `String`.
    pub(crate) fn is_pointer(&self) -> bool {
        self.kind() == "ptr" && !matches!(self, Self::Version(_))
    }

    /// Looks a field or method up.
    pub(crate) fn member(&self, name: &str) -> Option<Member> {
        use Member::{Field, Method as M};
        Some(match (self, name) {
            (Self::Files(_), "Get") => M(Method::FilesGet),
            (Self::Files(_), "GetBytes") => M(Method::FilesGetBytes),
            (Self::Files(_), "Glob") => M(Method::FilesGlob),
            (Self::Files(_), "Lines") => M(Method::FilesLines),
            (Self::Files(_), "AsConfig") => M(Method::FilesAsConfig),
            (Self::Files(_), "AsSecrets") => M(Method::FilesAsSecrets),
            // A file's bytes by its name; a missing one is nil bytes.
            (Self::Files(files), _) => Field(Value::List(List {
                elements: Elements::Byte,
                items: files
                    .get(name)
                    .map(|it| Rc::new(Items(it.iter().map(|it| Value::Byte(*it)).collect()))),
            })),
            (Self::Capabilities(it), "KubeVersion") => {
                Field(Value::object(Self::KubeVersion(it.kube_version.clone())))
            }
            (Self::Capabilities(it), "APIVersions") => {
                Field(Value::object(Self::ApiVersions(Rc::clone(it))))
            }
            (Self::Capabilities(it), "HelmVersion") => {
                Field(Value::object(Self::Struct(Rc::new(Struct {
                    type_name: "version.BuildInfo",
                    fields: vec![
                        (
                            "Version",
                            "version",
                            Value::text(Arc::clone(&it.helm_version)),
                        ),
                        ("GitCommit", "git_commit", Value::text("")),
                        ("GitTreeState", "git_tree_state", Value::text("")),
                        ("GoVersion", "go_version", Value::text("")),
                    ],
                }))))
            }
            (Self::ApiVersions(_), "Has") => M(Method::ApiVersionsHas),
            (Self::KubeVersion(it), "Version") => Field(Value::text(Arc::clone(&it.version))),
            (Self::KubeVersion(it), "Major") => Field(Value::text(Arc::clone(&it.major))),
            (Self::KubeVersion(it), "Minor") => Field(Value::text(Arc::clone(&it.minor))),
            (Self::KubeVersion(_), "String") => M(Method::KubeVersionString),
            (Self::KubeVersion(_), "GitVersion") => M(Method::KubeVersionGitVersion),
            (Self::Struct(it), _) => Field(
                it.fields
                    .iter()
                    .find(|(field, _, _)| *field == name)
                    .map(|(_, _, value)| value.clone())?,
            ),
            (Self::Version(_), "String") => M(Method::VersionString),
            (Self::Version(_), "Original") => M(Method::VersionOriginal),
            (Self::Version(_), "Major") => M(Method::VersionMajor),
            (Self::Version(_), "Minor") => M(Method::VersionMinor),
            (Self::Version(_), "Patch") => M(Method::VersionPatch),
            (Self::Version(_), "Prerelease") => M(Method::VersionPrerelease),
            (Self::Version(_), "Metadata") => M(Method::VersionMetadata),
            (Self::Version(_), "Compare") => M(Method::VersionCompare),
            (Self::Version(_), "Equal") => M(Method::VersionEqual),
            (Self::Version(_), "LessThan") => M(Method::VersionLessThan),
            (Self::Version(_), "GreaterThan") => M(Method::VersionGreaterThan),
            (Self::Version(_), "IncMajor") => M(Method::VersionIncMajor),
            (Self::Version(_), "IncMinor") => M(Method::VersionIncMinor),
            (Self::Version(_), "IncPatch") => M(Method::VersionIncPatch),
            (Self::Time(_), "Unix") => M(Method::TimeUnix),
            (Self::Time(_), "Format") => M(Method::TimeFormat),
            (Self::Time(_), "Year") => M(Method::TimeYear),
            (Self::Time(_), "Day") => M(Method::TimeDay),
            (Self::Time(_), "Hour") => M(Method::TimeHour),
            (Self::Time(_), "Minute") => M(Method::TimeMinute),
            (Self::Time(_), "Second") => M(Method::TimeSecond),
            (Self::Time(_), "String") => M(Method::TimeString),
            (Self::Time(_), "IsZero") => M(Method::TimeIsZero),
            (Self::Time(_), "UTC") => M(Method::TimeUtc),
            _ => return None,
        })
    }

    /// What Go prints for it.
    pub(crate) fn print(&self) -> String {
        match self {
            Self::Files(files) => {
                let entries: Vec<String> = files
                    .iter()
                    .map(|(name, bytes)| {
                        let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
                        format!("{name}:[{}]", bytes.join(" "))
                    })
                    .collect();
                format!("map[{}]", entries.join(" "))
            }
            Self::Capabilities(it) => format!(
                "&{{{} [{}] {{{}   }}}}",
                it.kube_version.version,
                it.api_versions.join(" "),
                it.helm_version
            ),
            Self::KubeVersion(it) => format!("{{{} {} {}}}", it.version, it.major, it.minor),
            Self::ApiVersions(it) => format!("[{}]", it.api_versions.join(" ")),
            Self::Struct(it) => {
                let fields: Vec<String> = it
                    .fields
                    .iter()
                    .map(|(_, _, value)| crate::format::plain(value))
                    .collect();
                // `.Chart` embeds Helm's metadata, which prints as a struct of its own.
                match (it.type_name.strip_prefix('*'), fields.split_last()) {
                    (Some(_), _) => format!("&{{{}}}", fields.join(" ")),
                    (None, Some((is_root, metadata))) if it.type_name.starts_with("struct") => {
                        format!("{{{{{}}} {is_root}}}", metadata.join(" "))
                    }
                    (None, _) => format!("{{{}}}", fields.join(" ")),
                }
            }
            Self::Version(it) => it.to_string(),
            Self::Time(it) => it.to_string(),
        }
    }

    pub(crate) fn to_json(&self) -> Result<Json, String> {
        Ok(match self {
            Self::Files(files) => Json::Object(
                files
                    .iter()
                    .map(|(name, bytes)| {
                        (
                            name.as_ref().to_owned(),
                            Json::String(crate::encoding::base64(bytes)),
                        )
                    })
                    .collect(),
            ),
            Self::Capabilities(it) => serde_json::json!({
                "KubeVersion": {"Version": *it.kube_version.version, "Major": *it.kube_version.major, "Minor": *it.kube_version.minor},
                "APIVersions": it.api_versions.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
                "HelmVersion": {"version": *it.helm_version},
            }),
            Self::KubeVersion(it) => serde_json::json!({
                "Version": *it.version, "Major": *it.major, "Minor": *it.minor,
            }),
            Self::ApiVersions(it) => Json::Array(
                it.api_versions
                    .iter()
                    .map(|it| Json::String(it.as_ref().to_owned()))
                    .collect(),
            ),
            Self::Struct(it) => {
                let mut entries = serde_json::Map::new();
                for (_, name, value) in &it.fields {
                    if value.truth() || !name.ends_with(",omitempty") {
                        let name = name.trim_end_matches(",omitempty");
                        entries.insert(name.to_owned(), value.to_json()?);
                    }
                }
                Json::Object(entries)
            }
            Self::Version(it) => Json::String(it.to_string()),
            Self::Time(it) => Json::String(it.rfc3339()),
        })
    }
}

impl Object {
    /// Returns keys and values of what can be ranged over.
    pub(crate) fn entries(&self) -> Option<Vec<(Value, Value)>> {
        match self {
            Self::Files(files) => Some(
                files
                    .iter()
                    .map(|(name, bytes)| {
                        let bytes = bytes.iter().map(|it| Value::Byte(*it)).collect();
                        (
                            Value::Text(Arc::clone(name)),
                            Value::List(List::new(Elements::Byte, bytes)),
                        )
                    })
                    .collect(),
            ),
            Self::ApiVersions(it) => Some(
                it.api_versions
                    .iter()
                    .enumerate()
                    .map(|(at, it)| {
                        let at = i64::try_from(at).unwrap_or(i64::MAX);
                        (Value::Int(at), Value::Text(Arc::clone(it)))
                    })
                    .collect(),
            ),
            Self::Capabilities(_)
            | Self::KubeVersion(_)
            | Self::Struct(_)
            | Self::Version(_)
            | Self::Time(_) => None,
        }
    }
}

/// The methods of Helm's `chartutil.Values`.
pub(crate) fn values_method(name: &str) -> Option<Method> {
    match name {
        "AsMap" => Some(Method::ValuesAsMap),
        "YAML" => Some(Method::ValuesYaml),
        _ => None,
    }
}
