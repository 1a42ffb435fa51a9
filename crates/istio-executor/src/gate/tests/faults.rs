//! What stops a wave, and what does not.

use super::*;

/// A wave that renews `cart` alone.
type Make = fn(&mut Mesh);

/// A mesh with so many answers of a code, in both views or one.
fn answers(mesh: &mut Mesh, reporters: &[&str], from: &str, to: &str, code: &str, rate: f64) {
    for reporter in reporters {
        let mut series = counter(&requests(reporter, from, to, code), 0.0, rate);
        // The first is born after the wave.
        for sample in series.samples.iter_mut().take(BEFORE + 2) {
            *sample = None;
        }
        mesh.set(series);
    }
}

/// Faults of one wave, and the gate that has to tell each.
const FAULTS: [(&str, &str, Make); 24] = [
    ("5xx", "errors", |mesh| {
        answers(mesh, &REPORTERS, "frontend", "cart", "503", 1.5);
    }),
    ("5xx-of-clients-alone", "errors", |mesh| {
        answers(mesh, &["source"], "frontend", "cart", "503", 1.5);
    }),
    ("grpc-unavailable", "errors", |mesh| {
        let name = requests("destination", "frontend", "cart", "200");
        let name = name.replace("grpc_response_status=\"\"", "grpc_response_status=\"14\"");
        mesh.set(counter(&name, 0.0, 3.0));
    }),
    ("burst-of-a-new-pod", "errors", |mesh| {
        let name = requests("destination", "frontend", "cart", "503").replace("cart-1", "cart-2");
        let mut series = gauge(&name, 40.0, 40.0);
        for sample in series.samples.iter_mut().take(BEFORE + 4) {
            *sample = None;
        }
        mesh.set(series);
    }),
    ("errors-twice-as-many", "errors", |mesh| {
        for reporter in REPORTERS {
            mesh.set(counter(
                &requests(reporter, "frontend", "cart", "500"),
                1.0,
                3.0,
            ));
        }
    }),
    ("slow", "p95", |mesh| {
        let slow = SHARES.map(|(le, share)| (le, share * 0.7));
        for reporter in REPORTERS {
            mesh.latencies(reporter, "frontend", "cart", 20.0, &SHARES, &slow);
        }
    }),
    ("slow-tail", "p99", |mesh| {
        let mut slow = SHARES;
        slow[4].1 = 0.96;
        slow[5].1 = 0.965;
        slow[6].1 = 0.985;
        for reporter in REPORTERS {
            mesh.latencies(reporter, "frontend", "cart", 20.0, &SHARES, &slow);
        }
    }),
    ("no-traffic", "traffic", |mesh| {
        for reporter in REPORTERS {
            mesh.set(counter(
                &requests(reporter, "frontend", "cart", "200"),
                20.0,
                0.0,
            ));
        }
    }),
    ("trickle", "traffic", |mesh| {
        for reporter in REPORTERS {
            mesh.set(counter(
                &requests(reporter, "frontend", "cart", "200"),
                20.0,
                0.2,
            ));
        }
    }),
    ("calls-fail", "call-errors", |mesh| {
        answers(mesh, &["source"], "cart", "stock", "503", 2.0);
    }),
    ("calls-get-no-answer", "destinations", |mesh| {
        for reporter in REPORTERS {
            mesh.set(counter(
                &requests(reporter, "cart", "stock", "200"),
                10.0,
                0.0,
            ));
        }
    }),
    ("others-fail", "mesh-errors", |mesh| {
        answers(mesh, &REPORTERS, "gateway", "frontend", "500", 10.0);
    }),
    ("mesh-quiet", "mesh-traffic", |mesh| {
        for (from, to, before) in [("gateway", "frontend", 40.0), ("mailer", "stock", 10.0)] {
            for reporter in REPORTERS {
                mesh.set(counter(&requests(reporter, from, to, "200"), before, 0.5));
            }
        }
    }),
    ("first-rejections", "rejections", |mesh| {
        let mut series = gauge(
            "pilot_total_xds_rejects{type=\"cds\",instance=\"istiod-1\"}",
            3.0,
            3.0,
        );
        for sample in series.samples.iter_mut().take(BEFORE + 3) {
            *sample = None;
        }
        mesh.set(series);
    }),
    ("more-rejections", "rejections", |mesh| {
        mesh.set(counter(
            "pilot_total_xds_rejects{type=\"lds\",instance=\"istiod-1\"}",
            1.0,
            4.0,
        ));
    }),
    ("pushes-fail", "push-errors", |mesh| {
        mesh.set(counter(
            "pilot_xds_pushes{type=\"lds_senderr\",instance=\"istiod-1\"}",
            0.0,
            2.0,
        ));
    }),
    ("istiod-fails", "push-errors", |mesh| {
        mesh.set(counter(
            "pilot_total_xds_internal_errors{instance=\"istiod-1\"}",
            0.0,
            2.0,
        ));
    }),
    ("late-proxies", "slow-pushes", |mesh| {
        mesh.convergence(3.0, 1.0);
    }),
    ("lost-proxies", "proxies", |mesh| {
        mesh.set(gauge("pilot_xds{instance=\"istiod-1\"}", 6.0, 4.0));
    }),
    ("authority-ends", "certificates", |mesh| {
        let soon = f64::from(u32::try_from(clock::now().as_second()).unwrap()) + 1_800.0;
        mesh.set(gauge(
            "citadel_server_root_cert_expiry_timestamp{instance=\"istiod-1\"}",
            4e9,
            soon,
        ));
    }),
    ("proxy-certificate-ends", "certificates", |mesh| {
        mesh.set(gauge(
            "istio_agent_cert_expiry_seconds{pod=\"stock-1\"}",
            40_000.0,
            600.0,
        ));
    }),
    ("authority-unreadable", "certificates", |mesh| {
        mesh.set(gauge(
            "citadel_server_cert_chain_expiry_timestamp{instance=\"istiod-1\"}",
            3e9,
            -1.0,
        ));
    }),
    ("nothing-is-signed", "certificate-failures", |mesh| {
        let name = "citadel_server_csr_sign_err_count{error=\"CSR_ERROR\",instance=\"istiod-1\"}";
        mesh.set(counter(name, 0.0, 0.5));
    }),
    ("of-the-user", "queue", |mesh| {
        mesh.set(gauge(
            "queue_length{namespace=\"shop\",app=\"cart\"}",
            5.0,
            80.0,
        ));
    }),
];

/// A gate of the user's.
const QUEUE: &str = r#"
gates:
  - name: queue
    query: max(queue_length{namespace="{{namespace}}",app="{{workload}}"})
    max: 50
"#;

#[tokio::test]
async fn each_fault_stops_the_wave_by_its_own_gate() {
    let Some(served) = Served::start() else {
        return;
    };
    for (name, gate, make) in FAULTS {
        let mut mesh = Mesh::healthy();
        mesh.set(gauge(
            "queue_length{namespace=\"shop\",app=\"cart\"}",
            5.0,
            5.0,
        ));
        make(&mut mesh);
        let readings = served.judge(name, &mesh, &[workload("cart")], QUEUE).await;
        let fails = with(&readings, Verdict::Fails);
        assert!(fails.contains(&gate), "{name}: {}", told(&readings));
        assert_eq!(Verdict::of(&readings), Verdict::Fails, "{name}");
        // What does not hold says what it asked.
        let mut bad = readings.iter().filter(|it| it.verdict == Verdict::Fails);
        assert!(bad.all(|it| it.query.is_some()), "{name}");
    }
    // A gateway has nothing but what it sends.
    let mut mesh = Mesh::healthy();
    answers(&mut mesh, &REPORTERS, "gateway", "frontend", "503", 5.0);
    let readings = served
        .judge("gateway", &mesh, &[workload("gateway")], "")
        .await;
    assert!(
        with(&readings, Verdict::Fails).contains(&"errors"),
        "{}",
        told(&readings)
    );
}

/// What happens every day, and is no fault.
const CLEAN: [(&str, &str, Make); 13] = [
    ("healthy", "cart", |_| {}),
    ("gateway-healthy", "gateway", |_| {}),
    ("as-many-errors-as-before", "cart", |mesh| {
        for reporter in REPORTERS {
            mesh.set(counter(
                &requests(reporter, "frontend", "cart", "500"),
                1.0,
                1.0,
            ));
        }
    }),
    ("fewer-errors", "cart", |mesh| {
        for reporter in REPORTERS {
            mesh.set(counter(
                &requests(reporter, "frontend", "cart", "500"),
                2.0,
                0.1,
            ));
        }
    }),
    ("errors-of-clients", "cart", |mesh| {
        answers(mesh, &REPORTERS, "frontend", "cart", "404", 8.0);
    }),
    ("new-pods", "cart", |mesh| {
        mesh.renew(&["cart-1", "istio_"], "cart-1", "cart-7f9-2");
    }),
    ("new-istiod", "cart", |mesh| {
        mesh.renew(&["istiod-1"], "istiod-1", "istiod-2");
    }),
    ("counter-begins-again", "cart", |mesh| {
        mesh.begin_again(&["istio_", "reporter=\"destination\"", "cart-1"]);
    }),
    ("rejections-as-before", "cart", |mesh| {
        mesh.set(counter(
            "pilot_total_xds_rejects{type=\"cds\",instance=\"istiod-1\"}",
            1.0,
            1.0,
        ));
    }),
    ("less-traffic", "cart", |mesh| {
        mesh.change(
            &["istio_requests_total", "response_code=\"200\""],
            |number, value| {
                let after = f64::from(u32::try_from(number.saturating_sub(BEFORE - 1)).unwrap());
                Some(value - after * 4.0)
            },
        );
    }),
    ("a-little-slower", "cart", |mesh| {
        let mut slower = SHARES;
        slower[3].1 = 0.94;
        for reporter in REPORTERS {
            mesh.latencies(reporter, "frontend", "cart", 20.0, &SHARES, &slower);
        }
    }),
    ("two-istiods", "cart", |mesh| {
        mesh.set(gauge("pilot_info{instance=\"istiod-2\"}", 1.0, 1.0));
        mesh.set(gauge("pilot_xds{instance=\"istiod-2\"}", 5.0, 5.0));
    }),
    ("other-authority", "cart", |mesh| {
        mesh.drop(&["citadel_server_"]);
    }),
];

#[tokio::test]
async fn what_happens_every_day_stops_no_wave() {
    let Some(served) = Served::start() else {
        return;
    };
    for (name, subject, make) in CLEAN {
        let mut mesh = Mesh::healthy();
        make(&mut mesh);
        let readings = served.judge(name, &mesh, &[workload(subject)], "").await;
        assert_eq!(
            Verdict::of(&readings),
            Verdict::Holds,
            "{name}: {}",
            told(&readings)
        );
        let least = if subject == "cart" { 14 } else { 12 };
        assert!(readings.len() >= least, "{name}: {}", told(&readings));
    }
}

#[tokio::test]
async fn what_had_no_traffic_is_not_judged_by_it() {
    let Some(served) = Served::start() else {
        return;
    };
    let mut mesh = Mesh::healthy();
    mesh.set(counter(
        &requests("destination", "frontend", "rare", "200"),
        0.05,
        0.05,
    ));
    let subjects = [workload("batch"), workload("rare")];
    let readings = served
        .judge("no-traffic-before", &mesh, &subjects, "")
        .await;
    assert_eq!(
        Verdict::of(&readings),
        Verdict::Holds,
        "{}",
        told(&readings)
    );
    let unjudged: Vec<String> = readings
        .iter()
        .filter(|it| it.verdict == Verdict::NotJudged)
        .map(Reading::words)
        .collect();
    assert_eq!(
        unjudged,
        [
            "traffic of Deployment shop/batch is not judged: it had no HTTP or gRPC traffic before the first wave",
            "traffic of Deployment shop/rare is not judged: before the first wave it had 1 requests in such a time, which says nothing",
        ]
    );
}
