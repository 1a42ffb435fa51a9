//! From a request and a snapshot to an outcome: finds the releases, calls the planner.

use istio_planner::outcome::Outcome;
use istio_planner::snapshot::Snapshot;
use istio_planner::{Input, Request};
use istio_render::Release;

use crate::output;
use crate::release::{self, Places};

/// Plans what `request` asks for. A release that cannot be had makes a poorer plan, not an error, and is said.
pub fn plan(
    request: Request,
    snapshot: Snapshot,
    places: &Places,
    as_of: Option<String>,
) -> Outcome {
    istio_planner::plan(&input(request, snapshot, places, as_of))
}

/// Puts together what a plan depends on: the releases that were found, and the day.
pub fn input(
    request: Request,
    snapshot: Snapshot,
    places: &Places,
    as_of: Option<String>,
) -> Input {
    let releases = releases(&request, &snapshot, places);
    with(request, snapshot, releases, places, as_of)
}

/// The same with releases that were found already.
pub fn with(
    request: Request,
    snapshot: Snapshot,
    releases: Vec<Release>,
    places: &Places,
    as_of: Option<String>,
) -> Input {
    Input {
        request,
        snapshot,
        releases,
        as_of: as_of.or_else(|| Some(today())),
        facts: places.facts.as_deref().cloned(),
    }
}

/// Finds the releases that are needed, as far as they are found; what is missing is said.
pub fn releases(request: &Request, snapshot: &Snapshot, places: &Places) -> Vec<Release> {
    let target = request.to.trim_start_matches('v');
    let mut found = Vec::new();
    for version in istio_planner::needs::releases(request, snapshot) {
        // `--manifests` names the target; where the source is found is another matter.
        let is_target = version == target;
        let places = if is_target {
            places.clone()
        } else {
            Places {
                manifests: None,
                ..places.clone()
            }
        };
        let what = if is_target {
            "rendering"
        } else {
            "the release that runs"
        };
        let rendered = if is_target {
            &places.rendered
        } else {
            &places.rendered_source
        };
        let release = match rendered {
            Some(path) => release::rendered(path, &version),
            None => release::find(&version, &places),
        };
        match release {
            Ok(release) if rendered.is_some() && release.version().to_string() != version => {
                output::warning(&format!(
                    "going on without {what}: {} is of Istio {}, not of {version}",
                    release.origin().unwrap_or_default(),
                    release.version()
                ));
            }
            Ok(release) => found.push(release),
            Err(error) => output::warning(&format!(
                "going on without {what}: {}",
                output::chain(&error)
            )),
        }
    }
    found
}

/// Puts together what a plan depends on with the releases that are found, without a day; says nothing of what is missing.
pub fn quietly(request: Request, snapshot: Snapshot, places: &Places) -> Input {
    let versions = istio_planner::needs::releases(&request, &snapshot);
    let releases = versions
        .iter()
        .filter_map(|it| release::find(it, places).ok())
        .collect();
    Input {
        request,
        snapshot,
        releases,
        as_of: None,
        facts: places.facts.as_deref().cloned(),
    }
}

/// Returns today in UTC as `YYYY-MM-DD`.
pub fn today() -> String {
    crate::clock::now().strftime("%Y-%m-%d").to_string()
}
