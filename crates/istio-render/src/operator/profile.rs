//! Profiles: the base that files and sets are merged over (domain §1.2 steps 5 to 7).

use serde_json::{Map, Value};

use super::merge::merge;
use crate::{Diagnostic, Release};

/// Reads `profiles/default.yaml` with the named profile merged over it.
pub(crate) fn read(release: &Release, name: &str) -> Result<Map<String, Value>, Box<Diagnostic>> {
    let name = if name.is_empty() { "default" } else { name };
    let mut base = read_one(release, "default")?;
    if name != "default" {
        merge(&mut base, &read_one(release, name)?);
    }
    Ok(base)
}

/// Reads one profile as it is.
pub(crate) fn read_one(
    release: &Release,
    name: &str,
) -> Result<Map<String, Value>, Box<Diagnostic>> {
    let path = format!("profiles/{name}.yaml");
    let Some(text) = release.text(&path) else {
        let message =
            format!("merge inputs: profile {name:?} not found: open {path}: file does not exist");
        let profiles = release.profiles().join(", ");
        let hint = format!("the profiles of {} are {profiles}", release.version());
        let refused = Diagnostic::error("unknown-profile", message).at("spec.profile");
        return Err(Box::new(refused.hinted(hint)));
    };
    let broken = |why: String| {
        Box::new(Diagnostic::error(
            "broken-release",
            format!("merge inputs: {why}"),
        ))
    };
    match kube_yaml::from_str(text).map(kube_yaml::as_go_json) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(broken(format!("{path} is no map"))),
        Err(it) => Err(broken(format!("{path}: {it}"))),
    }
}

/// Writes what istioctl detects on a cluster: on GKE, where CNI goes and (from 1.26) the platform.
///
/// 1.24.6:operator/pkg/render/manifest.go:423-437, 1.26.8:operator/pkg/render/manifest.go:425-447.
pub(crate) fn detect_cluster(base: &mut Map<String, Value>, kubernetes: Option<&str>, minor: u64) {
    if !kubernetes.is_some_and(|it| it.contains("-gke")) {
        return;
    }
    super::merge::set(
        base,
        &["spec", "components", "cni", "namespace"],
        "kube-system".into(),
    );
    if minor >= 26 {
        super::merge::set(
            base,
            &["spec", "values", "global", "platform"],
            "gke".into(),
        );
        super::merge::set(
            base,
            &["spec", "values", "cni", "resourceQuotas", "enabled"],
            false.into(),
        );
    }
}
