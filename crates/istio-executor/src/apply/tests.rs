use std::pin::pin;
use std::sync::Arc;

use http::Response;
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tower_test::mock;

use super::*;
use crate::lease::Held;

fn config_map(version: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "c", "namespace": "n", "resourceVersion": version },
        "data": { "value": value },
    })
}

fn answer(code: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string().into_bytes()));
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
    response
}

/// Applies "new" where "old" was expected, while the server gives these answers.
async fn applied(answers: Vec<Response<Body>>) -> Result<Done, Error> {
    let (service, handle) = mock::pair::<http::Request<Body>, Response<Body>>();
    let cluster = Arc::new(Cluster::new(Client::new(service, "default")));
    let writer = Writer::new(cluster, Arc::new(Held::taken()));
    let kinds = json!({ "resources": [
        { "name": "configmaps", "kind": "ConfigMap", "namespaced": true, "verbs": ["get"] }
    ] });
    let answers = std::iter::once(answer(200, &kinds)).chain(answers);
    let server = async move {
        let mut handle = pin!(handle);
        for answer in answers {
            let (_, send) = handle.next_request().await.expect("a request");
            send.send_response(answer);
        }
    };
    let live = config_map("1", "old");
    let action = Action::Apply {
        object: cluster::reference(&live),
        manifest: json!({ "data": { "value": "new" } }),
        force: false,
        expected: Expected {
            exists: true,
            digest: Some(digest(&live)),
            ..Expected::default()
        },
    };
    let report = |_: &str| {};
    let renewal = restart::Renewal {
        mark: "",
        pods: &[],
        patience: Duration::ZERO,
        deadline: None,
        at_once: 1,
        report: &report,
    };
    let server = tokio::spawn(server);
    let done = perform(&writer, &action, Some(&live), &renewal).await;
    server.await.unwrap();
    done
}

fn stale() -> Response<Body> {
    answer(
        409,
        &json!({ "message": "the object has been modified; please apply your changes" }),
    )
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_no_drift() {
    // The first attempt was stored; its answer was not a whole one, so it was sent again, and found its own work.
    let cut = Response::new(Body::from(b"{".to_vec()));
    let written = config_map("2", "new");
    let answers = vec![cut, stale(), answer(200, &written), answer(200, &written)];
    assert!(applied(answers).await.unwrap().changed);
}

#[tokio::test]
async fn another_write_in_between_is_drift() {
    let other = config_map("2", "theirs");
    let answers = vec![
        stale(),
        answer(200, &other),
        answer(200, &config_map("3", "new")),
    ];
    assert!(matches!(applied(answers).await, Err(Error::Drift(_))));
}

/// The words are a 1.36 server's: without the uid it would make the object (`tests/suite/control_plane/model.rs`).
#[tokio::test]
async fn an_object_that_others_delete_in_between_is_drift() {
    let words = "Operation cannot be fulfilled on configmaps \"c\": uid mismatch: the provided object specified uid u, and no existing object was found";
    let answers = vec![
        answer(409, &json!({ "message": words })),
        answer(404, &json!({})),
    ];
    let Err(Error::Drift(drift)) = applied(answers).await else {
        panic!("an object that is gone is drift")
    };
    assert_eq!(drift.kind, drift::Kind::Gone);
}

#[tokio::test]
async fn fields_that_others_took_are_drift() {
    let conflict = answer(
        409,
        &json!({ "message": "conflict with \"kubectl\": .data.value" }),
    );
    let Err(Error::Drift(drift)) = applied(vec![conflict]).await else {
        panic!("a conflict of fields is drift")
    };
    assert!(matches!(drift.kind, drift::Kind::Owned(_)));
}
