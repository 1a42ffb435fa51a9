use super::*;

/// The state after `ago` without a renewal.
fn renewed(ago: Duration) -> State {
    State {
        renewed: Instant::now().checked_sub(ago).unwrap(),
        at: clock::system().checked_sub(ago).unwrap(),
        lost: false,
    }
}

/// Found by seed 337 of the simulation: another executor took the lease, wrote and gave it back while this one was cut off.
#[tokio::test(start_paused = true)]
async fn a_lease_that_is_gone_after_it_ran_out_is_not_taken_again() {
    for (silence, stays) in [(Duration::from_secs(2), true), (DURATION, false)] {
        let (cluster, asked) = server(silence);
        let lease = Lease::take(&cluster, "n").await.unwrap();
        sleep(RENEWAL + silence + ANSWER + Duration::from_secs(3)).await;
        assert_eq!(!lease.is_lost(), stays, "{silence:?}");
        let made = asked
            .lock()
            .unwrap()
            .iter()
            .filter(|it| **it == "POST")
            .count();
        assert_eq!(made, 1 + usize::from(stays), "{silence:?}");
    }
}

/// Found by the simulation: the answer to the first write came when the lease had run out.
#[tokio::test(start_paused = true)]
async fn a_lease_counts_from_before_the_answer_that_gave_it() {
    let before = State::now();
    tokio::time::advance(DURATION).await;
    assert!(!Held::since(before).is_fresh());
    let made = json!({ "kinds": [], "resources": [{ "kind": "Lease", "name": "leases", "namespaced": true }] });
    let (service, handle) = tower_test::mock::pair::<
        http::Request<kube::client::Body>,
        http::Response<kube::client::Body>,
    >();
    tokio::spawn(async move {
        let mut handle = std::pin::pin!(handle);
        while let Some((request, send)) = handle.next_request().await {
            let (code, wait) = match request.method().as_str() {
                "POST" => (201, DURATION),
                _ if request.uri().path().ends_with("/leases/refit") => (404, Duration::ZERO),
                _ => (200, Duration::ZERO),
            };
            sleep(wait).await;
            let mut response =
                http::Response::new(kube::client::Body::from(made.to_string().into_bytes()));
            *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
            send.send_response(response);
        }
    });
    let client = kube::Client::new(service, "default");
    let lease = Lease::take(&Arc::new(Cluster::new(client)), "n")
        .await
        .unwrap();
    assert!(!lease.held.is_fresh());
}

/// A server on which a lease is made and is then gone; so long after the first one was made it gives no answer.
fn server(silence: Duration) -> (Arc<Cluster>, Arc<std::sync::Mutex<Vec<String>>>) {
    use kube::client::Body;
    let (service, handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut handle = std::pin::pin!(handle);
        let (mut made, mut silent_until): (Option<Value>, _) = (None, None);
        while let Some((request, send)) = handle.next_request().await {
            let (parts, body) = request.into_parts();
            let is_lease = parts.uri.path().ends_with("/leases/refit");
            let body = body.collect_bytes().await.unwrap_or_default();
            if silent_until.is_some_and(|it| Instant::now() < it) {
                continue;
            }
            seen.lock().unwrap().push(parts.method.to_string());
            let (code, answer) = match (parts.method.as_str(), &made) {
                ("GET", None) if is_lease => (404, json!({})),
                ("GET", Some(lease)) if is_lease => (200, lease.clone()),
                ("GET", _) => (
                    200,
                    json!({ "resources": [{ "kind": "Lease", "name": "leases", "namespaced": true }] }),
                ),
                ("POST", _) if silent_until.is_some() => {
                    let lease: Value = serde_json::from_slice(&body).unwrap();
                    made = Some(lease.clone());
                    (201, lease)
                }
                _ => {
                    silent_until = Some(Instant::now() + RENEWAL + silence);
                    (201, serde_json::from_slice(&body).unwrap())
                }
            };
            let mut response = http::Response::new(Body::from(answer.to_string().into_bytes()));
            *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
            send.send_response(response);
        }
    });
    let client = kube::Client::new(service, "default");
    (Arc::new(Cluster::new(client)), asked)
}

/// What `confirm` says without waiting.
async fn confirmed(held: &Held) -> Option<bool> {
    timeout(Duration::ZERO, held.confirm()).await.ok()
}

#[tokio::test]
async fn a_lease_that_was_not_renewed_is_no_right_to_write() {
    let held = Held::taken();
    assert_eq!(confirmed(&held).await, Some(true));
    held.state.send_replace(renewed(DURATION));
    assert!(!held.is_fresh());
    assert_eq!(
        confirmed(&held).await,
        None,
        "nothing is known, so it waits"
    );
    held.state.send_replace(renewed(Duration::from_secs(1)));
    assert_eq!(confirmed(&held).await, Some(true), "a late renewal");
}

#[tokio::test]
async fn a_machine_that_slept_does_not_think_that_no_time_has_passed() {
    let held = Held::taken();
    held.state.send_modify(|it| it.at -= DURATION);
    assert!(!held.is_fresh());
}

#[tokio::test]
async fn another_holder_ends_all_writing() {
    let held = Held::taken();
    held.state.send_modify(|it| it.lost = true);
    assert_eq!(confirmed(&held).await, Some(false));
}
