use std::fs;

use istio_planner::Request;
use istio_planner::fleet::fleet;

use super::{Common, Named, Source, plan};
use crate::release::Places;

#[test]
fn clusters_keep_their_order_and_one_that_cannot_be_read_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..20).map(|it| format!("c{it:02}")).collect();
    for name in &names {
        let text = if name == "c07" {
            "{"
        } else {
            r#"{"apiVersion":"v1","kind":"List","items":[]}"#
        };
        fs::write(folder.path().join(format!("{name}.json")), text).unwrap();
    }
    let clusters: Vec<Named> = names
        .iter()
        .map(|it| Named {
            name: it.clone(),
            source: Source::Export(folder.path().join(format!("{it}.json"))),
        })
        .collect();
    let places = Places {
        offline: true,
        releases: Some(folder.path().to_owned()),
        ..Places::default()
    };
    let request = |_: &str| {
        Ok(Request {
            to: "1.30.3".to_owned(),
            ..Request::default()
        })
    };
    let members = plan(
        &clusters,
        &Common {
            request: &request,
            take: &|name, _| Ok(Some(format!("{name}.out"))),
            places: &places,
            as_of: Some("2026-11-29"),
        },
    );
    let fleet = fleet("1.30.3", &members);
    let told: Vec<&str> = fleet.clusters.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(told, names);
    let failed: Vec<&str> = fleet
        .clusters
        .iter()
        .filter(|it| it.error.is_some())
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(failed, ["c07"]);
    assert_eq!(fleet.clusters[0].file.as_deref(), Some("c00.out"));
    assert!(
        fleet.clusters[0]
            .exported
            .as_deref()
            .unwrap()
            .ends_with('Z')
    );
}
