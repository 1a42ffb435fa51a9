//! What is not known, and is never taken for good.

use std::net::TcpListener;
use std::thread;

use super::*;

/// Series that nobody writes since the wave, without a word of their end.
fn since_the_wave(number: usize, value: f64) -> Sample {
    Some(value).filter(|_| number < BEFORE)
}

#[tokio::test]
async fn absent_and_stale_series_are_unknown() {
    type Make = fn(&mut Mesh);
    let Some(served) = Served::start() else {
        return;
    };
    let cases: [(&str, &[&str], Make); 7] = [
        (
            "stale-all",
            &["errors", "traffic", "rejections", "certificates"],
            |mesh| {
                mesh.change(&[""], since_the_wave);
            },
        ),
        (
            "stale-workload",
            &["errors", "p95", "p99", "traffic"],
            |mesh| {
                mesh.change(&["istio_", "destination_workload=\"cart\""], since_the_wave);
            },
        ),
        ("ended-workload", &["errors", "traffic"], |mesh| {
            for series in mesh
                .0
                .iter_mut()
                .filter(|it| it.has(&["istio_", "destination_workload=\"cart\""]))
            {
                series.ended = true;
            }
            mesh.change(
                &["istio_", "destination_workload=\"cart\""],
                |number, value| Some(value).filter(|_| number <= BEFORE),
            );
        }),
        (
            "stale-istiod",
            &["rejections", "push-errors", "slow-pushes", "proxies"],
            |mesh| {
                mesh.change(&["istiod-1"], since_the_wave);
            },
        ),
        ("no-latencies", &["p95", "p99"], |mesh| {
            mesh.change(
                &["_bucket", "destination_workload=\"cart\""],
                since_the_wave,
            );
        }),
        ("stale-certificates", &["certificates"], |mesh| {
            mesh.change(&["citadel_"], since_the_wave);
            mesh.change(&["cert_expiry"], since_the_wave);
        }),
        ("quiet-caller", &["call-errors", "destinations"], |mesh| {
            mesh.change(&["istio_", "source_workload=\"cart\""], since_the_wave);
        }),
    ];
    for (name, gates, make) in cases {
        let mut mesh = Mesh::healthy();
        make(&mut mesh);
        let readings = served.judge(name, &mesh, &[workload("cart")], "").await;
        let unknown = with(&readings, Verdict::Unknown);
        for gate in gates {
            assert!(
                unknown.contains(gate),
                "{name}, {gate}: {}",
                told(&readings)
            );
        }
        assert_eq!(
            Verdict::of(&readings),
            Verdict::Unknown,
            "{name}: {}",
            told(&readings)
        );
    }
}

#[tokio::test]
async fn a_prometheus_that_knows_no_mesh_begins_no_wave() {
    let Some(served) = Served::start() else {
        return;
    };
    let readings = served
        .judge("empty", &Mesh(Vec::new()), &[workload("cart")], "")
        .await;
    assert_eq!(Verdict::of(&readings), Verdict::Unknown);
    let unknown = with(&readings, Verdict::Unknown);
    assert!(
        unknown.contains(&"mesh-traffic") && unknown.contains(&"rejections"),
        "{}",
        told(&readings)
    );
    // What it cannot know of is left out.
    let off: String = BuiltIn::ALL.iter().fold("gates:\n".to_owned(), |all, it| {
        format!("{all}  - {{name: {}, enabled: false}}\n", it.name())
    });
    let readings = served
        .judge("off", &Mesh(Vec::new()), &[workload("cart")], &off)
        .await;
    assert_eq!(
        Verdict::of(&readings),
        Verdict::NotJudged,
        "{}",
        told(&readings)
    );
}

#[tokio::test]
async fn what_is_no_number_is_unknown() {
    let Some(served) = Served::start() else {
        return;
    };
    let cases = [
        ("nan", "query: 0 / vector(0)", "NaN"),
        (
            "many",
            "query: count by (type) (pilot_xds_pushes) or pilot_xds",
            "2 series",
        ),
        ("none", "query: no_such_metric", "no data"),
        ("text", "query: '\"a\"'", "no number at one moment"),
        ("matrix", "query: pilot_xds[5m]", "no number at one moment"),
        (
            "slip",
            "query: 'sum('",
            "status 400: bad_data: invalid parameter \"query\"",
        ),
        (
            "costly",
            "query: 'histogram_quantile(0.9, pilot_xds)'",
            "the answer is not whole: PromQL warning",
        ),
    ];
    for (name, query, why) in cases {
        let file = format!("gates:\n  - name: own\n    max: 1\n    {query}\n");
        let readings = served
            .judge(name, &Mesh::healthy(), &[workload("cart")], &file)
            .await;
        let own = readings.iter().find(|it| it.gate == "own");
        let own = own.unwrap_or_else(|| panic!("{name}: {}", told(&readings)));
        assert_eq!(own.verdict, Verdict::Unknown, "{name}");
        assert!(
            own.reason.as_ref().unwrap().contains(why),
            "{name}: {own:?}"
        );
    }
}

#[tokio::test]
async fn a_prometheus_that_cannot_be_asked_is_unknown() {
    let Some(served) = Served::start() else {
        return;
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "secret\n").unwrap();
    let (cluster, now) = (no_cluster(), clock::now().as_second());
    let token = || Some(file.path().to_owned());
    for (name, token, why) in [
        ("private-a", None, "status 401: who are you?\\u{1b}[31m"),
        ("private-b", token(), ""),
        ("moved", token(), "it leads elsewhere"),
        ("silent", None, "no answer within 10 s"),
    ] {
        served.load(name, &Mesh::healthy(), now);
        // One question: a server that never answers takes ten seconds.
        let mut one = "gates:\n".to_owned();
        for it in BuiltIn::ALL.iter().filter(|it| **it != BuiltIn::Proxies) {
            writeln!(one, "  - {{name: {}, enabled: false}}", it.name()).unwrap();
        }
        let gates = served.gates(name, token, &one);
        let measured = gates.measure(&cluster, &[], None).await;
        let Err(bad) = measured else {
            assert_eq!(why, "", "{name}");
            continue;
        };
        for it in bad {
            assert_eq!(it.verdict, Verdict::Unknown, "{name}");
            let words = it.words();
            assert!(!why.is_empty() && words.contains(why), "{name}: {words}");
            assert!(!words.contains("secret"), "{words}");
        }
    }
}

/// A server that answers everything so.
fn server(answer: String) -> String {
    use std::io::{Read as _, Write as _};
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.local_addr().unwrap());
    thread::spawn(move || {
        while let Ok((mut stream, _)) = server.accept() {
            let mut some = [0; 8_192];
            let _ = stream.read(&mut some);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[tokio::test]
async fn what_others_answer_is_unknown() {
    let whole = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let long = format!("[{}]", "1,".repeat(1 << 20));
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0"]}]}"#;
    for (answer, why) in [
        (
            whole("200 OK", "<html>a portal</html>"),
            "the answer is none of Prometheus",
        ),
        (whole("200 OK", &long), ""),
        (
            whole("503 Service Unavailable", "starting up"),
            "status 503: starting up",
        ),
        (whole("503 Service Unavailable", ""), "status 503"),
        (
            whole("200 OK", &format!("{vector},\"warnings\":[\"no store\"]}}")),
            "the answer is not whole: no store",
        ),
        (
            whole(
                "200 OK",
                r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
            ),
            "timeout: query timed out",
        ),
        (whole("200 OK", r#"{"status":"success"}"#), "no number"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{".to_owned(),
            "",
        ),
        (String::new(), ""),
    ] {
        let gates = Gates::new(Setup {
            address: Address::new(&server(answer.clone())).unwrap(),
            token: None,
            files: Vec::new(),
            soak: Duration::ZERO,
            on_failure: OnFailure::Hold,
        })
        .unwrap();
        let bad = gates.measure(&no_cluster(), &[], None).await.unwrap_err();
        for it in bad {
            let words = it.words();
            assert!(
                it.verdict == Verdict::Unknown && words.contains(why),
                "{words}"
            );
        }
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gates = Gates::new(Setup {
        address: Address::new(&format!("http://{closed}")).unwrap(),
        token: None,
        files: Vec::new(),
        soak: Duration::ZERO,
        on_failure: OnFailure::Hold,
    })
    .unwrap();
    let bad = gates.measure(&no_cluster(), &[], None).await.unwrap_err();
    assert_eq!(Verdict::of(&bad), Verdict::Unknown);
}

#[tokio::test]
async fn through_the_api_server_it_is_only_read() {
    let (service, handle) = mock::pair::<http::Request<Body>, Response<Body>>();
    let cluster = Cluster::new(Client::new(service, "default"));
    let answering = tokio::spawn(async move {
        let mut handle = std::pin::pin!(handle);
        let mut asked = Vec::new();
        let refused = r#"{"kind":"Status","status":"Failure","message":"services \"prometheus:9090\" is forbidden"}"#;
        let fine = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}"#;
        for (status, body) in [(403, refused), (200, fine)] {
            let (request, send) = handle.next_request().await.unwrap();
            asked.push(format!("{} {}", request.method(), request.uri().path()));
            let mut response = Response::new(Body::from(body.as_bytes().to_vec()));
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            send.send_response(response);
        }
        asked
    });
    let address = Address::new("svc/monitoring/prometheus:9090").unwrap();
    let prometheus = Prometheus::new(address, None).unwrap();
    let query = ["up".to_owned()];
    let refused = prometheus.ask(&cluster, &query, None).await.remove(0);
    assert_eq!(
        refused.unwrap_err(),
        "status 403: services \"prometheus:9090\" is forbidden"
    );
    let fine = prometheus.ask(&cluster, &query, None).await.remove(0);
    assert_eq!(answer::one(&fine.unwrap()), Ok(2.0));
    let path = "GET /api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query";
    assert_eq!(answering.await.unwrap(), [path, path]);
}
