//! Settings of the installation that another release does not have: found out before a downgrade, not by its refusal.

use istio_render::{OperatorFile, Options, Release};
use serde_json::{Map, Value, json};

use super::search::listed;
use super::{Installation, Setting};
use crate::defaults::tree;

/// Returns the settings that the release's own validation (V1 of domain §1.7) calls unknown.
pub(crate) fn unknown<'a>(found: &'a Installation, release: &Release) -> Vec<&'a Setting> {
    if found.settings.is_empty() || release.is_rendered() {
        return Vec::new();
    }
    let mut spec = Value::Object(Map::new());
    for setting in &found.settings {
        tree::set(&mut spec, &setting.keys(), setting.value.clone());
    }
    let operator = json!({
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "spec": listed(spec),
    });
    let options = Options {
        files: vec![OperatorFile {
            name: "installation".to_owned(),
            text: kube_yaml::to_string(&operator),
        }],
        ..Options::default()
    };
    let diagnostics = match istio_render::render(release, &options) {
        Ok(rendering) => rendering.diagnostics,
        Err(diagnostics) => diagnostics,
    };
    let paths: Vec<_> = diagnostics
        .iter()
        .filter(|it| it.code == "unknown-field")
        .filter_map(|it| it.path.as_deref()?.strip_prefix("spec."))
        .collect();
    let is_unknown = |setting: &&Setting| {
        let name = setting.name();
        let below = |long: &str, short: &str| {
            long.strip_prefix(short)
                .is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']))
        };
        paths.iter().any(|it| below(&name, it) || below(it, &name))
    };
    found.settings.iter().filter(is_unknown).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::PathBuf;

    use serde_json::json;

    use super::unknown;
    use crate::customisation::{Installation, Setting};
    use crate::outcome::Subject;

    #[test]
    fn a_setting_of_a_newer_release_is_unknown_to_the_older() {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        let data = std::env::var_os("REFIT_ISTIO_DATA").map_or(beside, PathBuf::from);
        let Ok(archive) = File::open(data.join("istio/releases/istio-1.29.6.tar.gz")) else {
            println!("skipped: no shared/istio/releases");
            return;
        };
        let release = istio_render::Release::from_tar_gz(archive).unwrap();
        let setting = |path: &[&str]| {
            Setting::new(
                path.iter().map(|it| (*it).to_owned()).collect(),
                json!("x"),
                Subject::default(),
            )
        };
        let found = Installation {
            profile: "default".to_owned(),
            settings: vec![
                setting(&["values", "global", "hub"]),
                setting(&["values", "pilot", "settingOfTheFuture"]),
            ],
            evidence: Subject::default(),
        };
        let names: Vec<_> = unknown(&found, &release)
            .iter()
            .map(|it| it.name())
            .collect();
        assert_eq!(names, ["values.pilot.settingOfTheFuture"]);
    }
}
