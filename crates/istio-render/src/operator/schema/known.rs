//! Which fields a release knows: for completing an `IstioOperator` while it is written.

use semver::Version;

use super::{Definition, KUBERNETES, LEGACY, MESH_CONFIG, OPERATOR, Table, VALUES};

/// The first minor whose istioctl decodes the whole file by itself.
const CURRENT: u64 = 24;

/// A field of the `IstioOperator` that a release knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownField {
    /// As it is written.
    pub name: String,
    /// `object`, `list`, or the kind of a scalar (`bool`, `string`, `uint32`, …).
    pub kind: String,
    /// What it may be, where that is a closed list.
    pub values: Vec<String>,
}

/// Returns the fields that `version` knows at a path of the `IstioOperator` (`["spec", "values", "pilot"]`), sorted.
///
/// Elements of lists are `-`. Nothing is returned where any key is allowed, or where the path leads nowhere.
pub fn known_fields(version: &Version, path: &[&str]) -> Vec<KnownField> {
    let at = (version.minor, version.patch);
    let mut place = Some(Place::new(
        &OPERATOR,
        if version.minor < CURRENT && !path.is_empty() {
            "legacy"
        } else {
            "IstioOperator"
        },
    ));
    for (depth, segment) in path.iter().enumerate() {
        place = place.and_then(|it| it.below(path.get(..depth).unwrap_or_default(), segment, at));
    }
    let Some(place) = place else {
        return Vec::new();
    };
    let mut fields: Vec<_> = place
        .fields(at)
        .map(|(name, kind)| KnownField {
            name: name.to_owned(),
            kind: Place::new(place.table, kind).described(),
            values: Place::new(place.table, kind).values(at),
        })
        .collect();
    sorted::sort_by(&mut fields, |a, b| a.name.cmp(&b.name));
    fields
}

/// A type, and the table that defines it.
#[derive(Clone, Copy)]
struct Place {
    table: &'static Table,
    kind: &'static str,
}

impl Place {
    fn new(table: &'static Table, kind: &'static str) -> Self {
        match kind.strip_prefix("k8s:") {
            Some(kind) => Self {
                table: &KUBERNETES,
                kind,
            },
            None => Self { table, kind },
        }
    }

    fn definition(&self) -> Option<&'static Definition> {
        let own = self.table.definitions.get(self.kind);
        own.or_else(|| KUBERNETES.definitions.get(self.kind))
    }

    /// The fields that the release knows, each with its kind.
    fn fields(&self, at: (u64, u64)) -> impl Iterator<Item = (&'static str, &'static str)> {
        let fields = match self.definition() {
            Some(Definition::Message(fields)) => fields.as_slice(),
            Some(Definition::Enum(_)) | None => &[],
        };
        fields
            .iter()
            .filter(move |it| it.is_in(at))
            .filter_map(|it| Some((*it.names.first()?, it.kind)))
    }

    /// What stands below a key (or `-`, for elements of a list). Untyped places that have a table of their own lead there.
    fn below(self, above: &[&str], segment: &str, at: (u64, u64)) -> Option<Self> {
        match (above, segment) {
            ([], "spec") if self.kind == "legacy" => {
                return Some(Self::new(&LEGACY, "IstioOperatorSpec"));
            }
            (["spec"], "values") => return Some(Self::new(&VALUES, "Values")),
            (["spec"] | ["spec", "values"], "meshConfig") => {
                return Some(Self::new(&MESH_CONFIG, "MeshConfig"));
            }
            _ => {}
        }
        if let Some(kind) = self.kind.strip_prefix("[]") {
            return (segment == "-").then(|| Self::new(self.table, kind));
        }
        if let Some(kind) = self.kind.strip_prefix("{}") {
            return Some(Self::new(self.table, kind));
        }
        let (_, kind) = self.fields(at).find(|it| it.0 == segment)?;
        Some(Self::new(self.table, kind))
    }

    fn described(&self) -> String {
        match (self.definition(), self.kind) {
            (Some(Definition::Message(_)), _) | (None, "struct" | "any") => "object".to_owned(),
            (Some(Definition::Enum(_)), _) => "string".to_owned(),
            (None, kind) if kind.starts_with("[]") => "list".to_owned(),
            (None, kind) if kind.starts_with("{}") => "object".to_owned(),
            (None, kind) => kind.to_owned(),
        }
    }

    fn values(&self, at: (u64, u64)) -> Vec<String> {
        match (self.definition(), self.kind) {
            (Some(Definition::Enum(names)), _) => names
                .iter()
                .filter(|it| it.is_in(at))
                .map(|it| it.name.to_owned())
                .collect(),
            (None, "bool") => vec!["true".to_owned(), "false".to_owned()],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::known_fields;

    #[track_caller]
    fn names(version: (u64, u64), path: &str) -> Vec<String> {
        let path: Vec<_> = path.split('.').filter(|it| !it.is_empty()).collect();
        let fields = known_fields(&Version::new(1, version.0, version.1), &path);
        fields.into_iter().map(|it| it.name).collect()
    }

    #[test]
    fn fields_follow_the_path_through_all_tables() {
        assert_eq!(
            names((30, 3), ""),
            ["apiVersion", "kind", "metadata", "spec"]
        );
        assert!(names((30, 3), "spec").contains(&"compatibilityVersion".to_owned()));
        assert!(names((30, 3), "spec.values.pilot").contains(&"autoscaleMin".to_owned()));
        assert!(names((30, 3), "spec.meshConfig").contains(&"accessLogFile".to_owned()));
        assert!(
            names((30, 3), "spec.meshConfig.defaultConfig").contains(&"drainDuration".to_owned())
        );
        assert!(
            names((30, 3), "spec.components.ingressGateways.-.k8s").contains(&"hpaSpec".to_owned())
        );
        assert!(
            names((30, 3), "spec.components.pilot.k8s.hpaSpec").contains(&"minReplicas".to_owned())
        );
    }

    #[test]
    fn a_field_is_offered_by_its_release() {
        let has = |version| {
            names(version, "spec.values.cni").contains(&"useAppArmorAnnotation".to_owned())
        };
        assert!(has((30, 3)));
        assert!(!has((29, 6)));
        assert!(names((20, 8), "spec").contains(&"addonComponents".to_owned()));
    }

    #[test]
    fn a_closed_list_tells_its_values_and_a_wrong_path_nothing() {
        let fields = known_fields(&Version::new(1, 30, 3), &["spec", "meshConfig"]);
        let encoding = fields.iter().find(|it| it.name == "accessLogEncoding");
        assert_eq!(
            encoding.map(|it| it.values.clone()),
            Some(vec!["TEXT".to_owned(), "JSON".to_owned()])
        );
        assert!(names((30, 3), "spec.nonsense.pilot").is_empty());
    }
}
