use std::pin::pin;
use std::sync::Arc;

use http::{Response, StatusCode};
use kube::client::Body;
use serde_json::json;
use tower_test::mock::{self, Handle};

use super::*;
use crate::lease::Held;

type Server = Handle<http::Request<Body>, Response<Body>>;

/// A cluster whose API server is the other end.
fn cluster() -> (Cluster, Server) {
    let (service, handle) = mock::pair::<http::Request<Body>, Response<Body>>();
    let cluster = Cluster::new(Client::new(service, "default"));
    let kinds = ["Pod", "ConfigMap"].map(|it| Kind {
        api_version: "v1".to_owned(),
        kind: it.to_owned(),
        plural: format!("{}s", it.to_lowercase()),
        namespaced: true,
        verbs: vec!["list".to_owned()],
    });
    cluster
        .kinds
        .try_lock()
        .unwrap()
        .insert("v1".to_owned(), kinds.to_vec());
    (cluster, handle)
}

/// One whose lease is held.
fn writer(cluster: Cluster) -> Writer {
    Writer::new(Arc::new(cluster), Arc::new(Held::taken()))
}

fn answer(code: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string().into_bytes()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

fn object() -> Ref {
    Ref {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some("n".to_owned()),
        name: "c".to_owned(),
    }
}

/// Gives these answers, in order, and returns the paths that were asked for.
async fn serve(handle: Server, answers: Vec<Response<Body>>) -> Vec<String> {
    let mut handle = pin!(handle);
    let mut asked = Vec::new();
    for answer in answers {
        let (request, send) = handle.next_request().await.expect("a request");
        let query = request.uri().path_and_query().unwrap().to_string();
        asked.push(format!("{} {query}", request.method()));
        send.send_response(answer);
    }
    asked
}

#[tokio::test]
async fn what_fails_for_a_passing_reason_is_asked_again_after_as_long_as_the_server_wants() {
    let (cluster, handle) = cluster();
    let mut busy = answer(429, &json!({ "message": "slow down" }));
    busy.headers_mut()
        .insert("retry-after", "0".parse().unwrap());
    let cut = Response::new(Body::from(b"{\"kind\":".to_vec()));
    let mut away = answer(503, &json!({}));
    away.headers_mut()
        .insert("retry-after", "0".parse().unwrap());
    let there = answer(200, &json!({ "data": {} }));
    let server = tokio::spawn(serve(handle, vec![busy, away, cut, there]));
    let live = cluster.get(&object()).await.unwrap();
    assert_eq!(live, Some(json!({ "data": {} })));
    assert_eq!(server.await.unwrap().len(), 4);
}

#[tokio::test]
async fn what_is_refused_is_not_asked_again() {
    let (cluster, handle) = cluster();
    let refused = answer(403, &json!({ "message": "forbidden" }));
    let server = tokio::spawn(serve(handle, vec![refused]));
    let error = cluster.get(&object()).await.unwrap_err();
    assert_eq!(error.code(), Some(403));
    server.await.unwrap();
}

/// The words are a 1.36 server's (`tests/suite/control_plane/model.rs`).
#[tokio::test]
async fn what_was_made_again_under_its_name_is_not_what_was_to_be_deleted() {
    let (cluster, handle) = cluster();
    let words = "Operation cannot be fulfilled on ConfigMap \"c\": the UID in the precondition (u) does not match the UID in record (v). The object might have been deleted and then recreated";
    let answers = vec![answer(409, &json!({ "message": words }))];
    let server = tokio::spawn(serve(handle, answers));
    assert!(!writer(cluster).delete(&object(), Some("u")).await.unwrap());
    server.await.unwrap();
}

#[tokio::test]
async fn a_budget_that_forbids_an_eviction_is_an_answer() {
    let (cluster, handle) = cluster();
    let forbidden = answer(
        429,
        &json!({ "details": { "causes": [{ "reason": "DisruptionBudget" }] } }),
    );
    let server = tokio::spawn(serve(handle, vec![forbidden]));
    let pod = json!({ "metadata": { "namespace": "n", "name": "p", "uid": "u" } });
    assert!(!writer(cluster).evict(&pod).await.unwrap());
    assert_eq!(
        server.await.unwrap(),
        ["POST /api/v1/namespaces/n/pods/p/eviction?"]
    );
}

#[tokio::test]
async fn nothing_is_written_once_the_lease_is_anothers() {
    let (cluster, handle) = cluster();
    let cluster = Arc::new(cluster);
    let writer = Writer::new(Arc::clone(&cluster), Arc::new(Held::lost()));
    let manifest = json!({});
    let write = Write::Create {
        manifest: &manifest,
        manager: "m",
    };
    let error = writer.write(&object(), &write).await.unwrap_err();
    assert!(matches!(error, Error::Fenced { .. }), "{error}");
    let server = tokio::spawn(serve(handle, vec![answer(200, &json!({}))]));
    cluster.get(&object()).await.unwrap();
    assert_eq!(
        server.await.unwrap(),
        ["GET /api/v1/namespaces/n/configmaps/c"],
        "reading goes on"
    );
}

#[tokio::test]
async fn a_list_that_took_too_long_begins_anew() {
    let (cluster, handle) = cluster();
    let page = |name: &str, token: &str| {
        answer(
            200,
            &json!({ "items": [{ "metadata": { "name": name } }], "metadata": { "continue": token } }),
        )
    };
    let expired = answer(410, &json!({ "reason": "Expired" }));
    let answers = vec![page("old", "t"), expired, page("a", "u"), page("b", "")];
    let server = tokio::spawn(serve(handle, answers));
    let kind = cluster.kind("v1", "Pod").await.unwrap();
    let all = cluster
        .list_all(&kind, &Selection::default())
        .await
        .unwrap();
    let names: Vec<_> = all.iter().map(|it| &it["metadata"]["name"]).collect();
    assert_eq!(names, ["a", "b"]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_kind_that_only_an_older_version_has_is_served() {
    let (cluster, handle) = cluster();
    let groups = json!({ "groups": [{
        "name": "networking.istio.io",
        "preferredVersion": { "groupVersion": "networking.istio.io/v1" },
        "versions": [
            { "groupVersion": "networking.istio.io/v1" },
            { "groupVersion": "networking.istio.io/v1alpha3" },
        ],
    }] });
    let kinds = |names: &[&str]| {
        let resources: Vec<_> = names
            .iter()
            .map(|it| json!({ "name": it, "kind": it, "namespaced": true, "verbs": ["list"] }))
            .collect();
        answer(200, &json!({ "resources": resources }))
    };
    let answers = vec![
        answer(200, &groups),
        kinds(&["gateways"]),
        kinds(&["gateways", "envoyfilters"]),
    ];
    let answering = tokio::spawn(serve(handle, answers));
    let served = cluster.served().await.unwrap();
    let found: Vec<_> = served
        .iter()
        .filter(|it| it.group() == "networking.istio.io")
        .map(|it| (it.plural.as_str(), it.api_version.as_str()))
        .collect();
    answering.await.unwrap();
    assert_eq!(
        found,
        [
            ("gateways", "networking.istio.io/v1"),
            ("envoyfilters", "networking.istio.io/v1alpha3")
        ]
    );
}

#[tokio::test]
async fn a_server_that_just_came_back_is_given_time_to_know_who_we_are() {
    let (cluster, handle) = cluster();
    let cut = Response::new(Body::from(b"{".to_vec()));
    let mut forbidden = answer(403, &json!({ "message": "forbidden" }));
    forbidden
        .headers_mut()
        .insert("retry-after", "0".parse().unwrap());
    let there = answer(200, &json!({ "data": {} }));
    let server = tokio::spawn(serve(handle, vec![cut, forbidden, there]));
    assert!(cluster.get(&object()).await.unwrap().is_some());
    server.await.unwrap();
}

#[tokio::test]
async fn a_write_that_names_no_version_wins_in_the_end() {
    let (cluster, handle) = cluster();
    let stale = || answer(409, &json!({ "message": "the object has been modified" }));
    let answers = vec![stale(), stale(), answer(200, &json!({ "data": {} }))];
    let server = tokio::spawn(serve(handle, answers));
    let manifest = json!({ "data": {} });
    let write = Write::Apply {
        manifest: &manifest,
        manager: "m",
        force: true,
    };
    assert!(writer(cluster).write(&object(), &write).await.is_ok());
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_waited_for_beyond_the_time_that_everything_has() {
    let (cluster, _handle) = cluster();
    let began = Instant::now();
    cluster.until(Some(began + Duration::from_secs(7)));
    let error = cluster.get(&object()).await.unwrap_err();
    assert!(matches!(error, Error::Late { .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 7);
    let error = cluster.get(&object()).await.unwrap_err();
    assert!(matches!(error, Error::Late { .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 7, "and nothing begins after it");
}

#[tokio::test]
async fn a_name_that_leads_to_another_address_is_not_asked_for() {
    let (cluster, handle) = cluster();
    for (namespace, name, api_version) in [
        ("../kube-system", "c", "v1"),
        ("n/secrets/x?", "c", "v1"),
        ("n", "c/status", "v1"),
        ("n", "..", "v1"),
        ("n", "c?dryRun=All", "v1"),
        ("n", "c", "apps/../v1"),
    ] {
        let object = Ref {
            api_version: api_version.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
            ..object()
        };
        let error = cluster.get(&object).await.unwrap_err();
        assert!(matches!(error, Error::Name { .. }), "{error}");
    }
    drop(cluster);
    let asked = pin!(handle).next_request().await;
    assert!(asked.is_none(), "nothing was sent");
}

#[tokio::test]
async fn what_the_server_says_is_one_line_that_steers_nothing() {
    let (cluster, handle) = cluster();
    let said = json!({ "message": "no\u{1b}[2J\nhint: \u{202e}type yes\r" });
    let server = tokio::spawn(serve(handle, vec![answer(403, &said)]));
    let error = cluster.get(&object()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(r": no\u{1b}[2J hint: \u{202e}type yes"),
        "{error}"
    );
    server.await.unwrap();
}
