use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use istio_planner::outcome::Ref;
use istio_planner::plan::{Plan, Step};
use serde_json::{Value, json};

use super::{Address, Notifier, SIGNATURE};
use crate::journal::{Event, Record};

struct Heard {
    headers: Vec<String>,
    body: Value,
    text: String,
}

/// A webhook that answers with a status; what it hears comes out of the channel.
fn webhook(status: &'static str) -> (String, Receiver<Heard>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/services/secret-path",
        server.local_addr().unwrap()
    );
    let (told, heard) = channel();
    thread::spawn(move || {
        while let Ok((stream, _)) = server.accept() {
            while let Some(it) = one(&stream, status) {
                if told.send(it).is_err() {
                    return;
                }
            }
        }
    });
    (url, heard)
}

fn one(stream: &TcpStream, status: &str) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        headers.push(line.trim().to_lowercase());
    }
    let length = headers
        .iter()
        .find_map(|it| it.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body).ok()?;
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok").ok()?;
    let text = String::from_utf8(body).unwrap();
    Some(Heard {
        headers,
        body: serde_json::from_str(&text).unwrap(),
        text,
    })
}

fn plan() -> Plan {
    Plan {
        id: "p".to_owned(),
        source: Some("1.29.6".to_owned()),
        target: "1.30.3".to_owned(),
        direction: None,
        cluster: None,
        namespace: "istio-system".to_owned(),
        forced: false,
        freeze: Vec::new(),
        steps: vec![Step {
            id: "apply-pilot".to_owned(),
            title: "Apply istiod <now>".to_owned(),
            component: None,
            actions: Vec::new(),
            waits: Vec::new(),
            pause: 0,
        }],
    }
}

fn records() -> Vec<Record> {
    let step = || "apply-pilot".to_owned();
    let events = [
        Event::RunBegan {
            by: "a@b".to_owned(),
            cluster: Some("prod (https://10.0.0.1:6443)".to_owned()),
            cluster_id: None,
            request: None,
            restarts: false,
            instead_of: None,
        },
        Event::StepBegan { step: step() },
        Event::ActionBegan {
            step: step(),
            action: 0,
            object: Ref::new("v1", "ConfigMap", "istio-system", "istio"),
            former: Some(json!({"data": {"mesh": "former"}})),
            omitted: false,
            mark: None,
            pods: Vec::new(),
        },
        Event::StepEnded { step: step() },
        Event::Finished,
    ];
    let of = |it| Record::new("p", "2026-11-29T12:00:00Z".to_owned(), it);
    events.map(of).into()
}

fn tell_all(url: &str, key: Option<&str>) {
    let address = Address::new(url)
        .unwrap()
        .signed(key.map(|it| it.as_bytes().to_vec()));
    let notifier = Notifier::new(address);
    for it in &records() {
        notifier.tell(&plan(), it);
    }
}

#[test]
fn a_webhook_hears_how_a_run_goes_signed_and_in_order() {
    let (url, heard) = webhook("200 OK");
    tell_all(&url, Some("Jefe"));
    let all: Vec<Heard> = heard.try_iter().collect();
    let texts: Vec<&str> = all
        .iter()
        .map(|it| it.body["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "Istio 1.29.6 → 1.30.3 on prod: begun by a@b",
            "Istio 1.29.6 → 1.30.3 on prod: ✓ Apply istiod &lt;now&gt;",
            "Istio 1.29.6 → 1.30.3 on prod: done",
        ]
    );
    let events: Vec<&str> = all
        .iter()
        .map(|it| it.body["record"]["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["run-began", "step-ended", "finished"]);
    for it in &all {
        let signature = crate::journal::seal::hmac(b"Jefe", it.text.as_bytes());
        let signature = crate::journal::seal::hex(&signature);
        let header = format!("{}: sha256={signature}", SIGNATURE.to_lowercase());
        assert!(it.headers.contains(&header), "{:?}", it.headers);
        assert!(!it.text.contains("former"), "{}", it.text);
    }
}

#[test]
fn one_that_refuses_or_never_answers_stops_nothing() {
    let (url, heard) = webhook("500 Oh");
    tell_all(&url, None);
    assert_eq!(heard.try_iter().count(), 3);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let began = Instant::now();
    tell_all(&format!("http://{}", silent.local_addr().unwrap()), None);
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

#[test]
fn an_address_is_one_of_the_web_and_is_not_told() {
    for it in ["ftp://example.org/x", "example.org", "https://", ""] {
        assert!(Address::new(it).is_err(), "{it}");
    }
    let address = Address::new("https://hooks.example.org/services/T0/B0/secret").unwrap();
    assert_eq!(format!("{address:?}"), "hooks.example.org");
}
