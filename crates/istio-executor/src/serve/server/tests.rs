//! The server over its socket, as a browser, another site and another program see it.

use http::{Response as Answer, StatusCode};
use kube::Client;
use kube::client::Body;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tower_test::mock::{self, Handle};

use super::*;
use crate::output::stream::Message;
use crate::serve::desk::{self, Inbox, Wish};
use crate::serve::guard::POLICY;

type Api = Handle<http::Request<Body>, Answer<Body>>;

/// A server of the page `<p>page</p>`, and everything that it talks to.
struct World {
    port: u16,
    token: String,
    stream: Arc<Stream>,
    inbox: Inbox,
    api: Api,
    _page: tempfile::TempDir,
}

impl World {
    async fn new(attended: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.html"), "<p>page</p>").unwrap();
        let (service, api) = mock::pair::<http::Request<Body>, Answer<Body>>();
        let stream = Arc::new(Stream::default());
        let (desk, inbox) = desk::desk(attended);
        let sources = Sources {
            page: Page::find(Some(folder.path())).unwrap(),
            cluster: Arc::new(Cluster::new(Client::new(service, "default"))),
            places: Places {
                offline: true,
                ..Places::default()
            },
            stream: Arc::clone(&stream),
            desk,
            about: About {
                schema: "refit.live/v1",
                version: "0",
                cluster: "a cluster".to_owned(),
                request: Request::default(),
            },
        };
        let server = Server::bind(0, sources).await.unwrap();
        let link = server.link();
        let (origin, token) = link.split_once("/#token=").unwrap();
        let port = origin
            .strip_prefix("http://127.0.0.1:")
            .expect("loopback")
            .parse()
            .unwrap();
        let token = token.to_owned();
        tokio::spawn(server.run());
        Self {
            port,
            token,
            stream,
            inbox,
            api,
            _page: folder,
        }
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }

    async fn asked(&self, request: &str) -> Got {
        let mut text = Vec::new();
        let mut socket = self.send(request).await;
        socket.read_to_end(&mut text).await.unwrap();
        Got::new(&String::from_utf8_lossy(&text))
    }

    async fn get(&self, path: &str, headers: &str) -> Got {
        let host = self.host();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n");
        self.asked(&request).await
    }

    /// What the page itself sends.
    async fn post(&self, path: &str, session: &str, body: &str) -> Got {
        let origin = format!("Origin: http://{}\r\n{session}", self.host());
        self.post_with(path, &origin, body).await
    }

    async fn post_with(&self, path: &str, headers: &str, body: &str) -> Got {
        let (host, length) = (self.host(), body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        self.asked(&request).await
    }

    /// Opens the session; returns the line that carries its secret.
    async fn session(&self) -> String {
        let body = format!(r#"{{"token":"{}"}}"#, self.token);
        let got = self.post("/live/session", "", &body).await;
        assert_eq!(got.status, 200, "{}", got.body);
        assert!(got.header("set-cookie").is_none());
        let about: serde_json::Value = serde_json::from_str(&got.body).unwrap();
        format!(
            "Authorization: Bearer {}\r\n",
            about["secret"].as_str().unwrap()
        )
    }
}

/// An answer.
#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn new(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        Self {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|it| it.split_once(": "));
        lines
            .filter(|it| it.0.eq_ignore_ascii_case(name))
            .map(|it| it.1)
            .next()
    }
}

#[tokio::test]
async fn every_answer_carries_the_policy_of_the_page() {
    let world = World::new(true).await;
    let index = include_str!("../../../../../www/index.html");
    let of_page = index.split("content=\"").nth(1).unwrap();
    let of_page = of_page.split('"').next().unwrap();
    assert_eq!(POLICY, format!("{of_page}; frame-ancestors 'none'"));
    for (path, status, cache) in [
        ("/", 200, "no-cache"),
        ("/none.js", 404, "no-cache"),
        ("/live/session", 401, "no-store"),
        ("/live/none", 401, "no-store"),
    ] {
        let got = world.get(path, "").await;
        assert_eq!(got.status, status, "{path}");
        for (name, value) in [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", cache),
        ] {
            assert_eq!(got.header(name), Some(value), "{path} {name}");
        }
        assert!(got.header("access-control-allow-origin").is_none());
    }
    assert_eq!(world.get("/", "").await.body, "<p>page</p>");
    assert_eq!(world.post("/", "", "{}").await.status, 405);
}

#[tokio::test]
async fn other_names_of_this_machine_are_not_answered_to() {
    let world = World::new(true).await;
    let port = world.port;
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        ("127.0.0.1".to_owned(), 421),
        (format!("rebound.example.com:{port}"), 421),
        (format!("127.0.0.1:{port}.example.com"), 421),
        (format!("127.0.0.1:{}", port.wrapping_add(1)), 421),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(world.asked(&request).await.status, status, "{host}");
    }
    let none = world.asked("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(none.status, 421);
}

#[tokio::test]
async fn a_token_is_good_once_and_only_for_the_page() {
    let world = World::new(true).await;
    let body = format!(r#"{{"token":"{}"}}"#, world.token);
    let host = world.host();
    for foreign in [
        String::new(),
        "Origin: null\r\n".to_owned(),
        "Origin: http://evil.example.com\r\n".to_owned(),
        format!("Origin: https://{host}\r\n"),
        format!("Origin: http://localhost:{}\r\n", world.port),
        format!("Origin: http://{host}\r\nSec-Fetch-Site: cross-site\r\n"),
        format!("Origin: http://{host}\r\nSec-Fetch-Site: same-site\r\n"),
    ] {
        let got = world.post_with("/live/session", &foreign, &body).await;
        assert_eq!(got.status, 403, "{foreign}");
        assert!(!got.body.contains("secret"));
    }
    let wrong = world
        .post("/live/session", "", r#"{"token":"guessed"}"#)
        .await;
    assert_eq!(wrong.status, 403);
    let session = world.session().await;
    let again = world.post("/live/session", "", &body).await;
    assert_eq!(again.status, 403);
    assert!(again.body.contains("used already"), "{}", again.body);
    let about = world.get("/live/session", &session).await;
    assert_eq!(about.status, 200);
    assert!(
        about.body.contains(r#""cluster":"a cluster""#),
        "{}",
        about.body
    );
    assert!(!about.body.contains(&world.token) && !about.body.contains("secret"));
    let as_cookie = session.replace("Authorization: Bearer ", "Cookie: refit=");
    assert_eq!(world.get("/live/session", &as_cookie).await.status, 401);
}

#[tokio::test]
async fn without_the_session_nothing_of_the_cluster_is_handed_out() {
    let world = World::new(true).await;
    let session = world.session().await;
    for path in [
        "/live/session",
        "/live/export",
        "/live/records",
        "/live/releases/istio-1.30.3.tar.gz",
    ] {
        assert_eq!(world.get(path, "").await.status, 401, "{path}");
        let other = "Authorization: Bearer 1\r\n";
        assert_eq!(world.get(path, other).await.status, 401, "{path}");
        let foreign = format!("{session}Sec-Fetch-Site: cross-site\r\n");
        assert_eq!(world.get(path, &foreign).await.status, 403, "{path}");
    }
    for path in ["/live/proposal", "/live/restart"] {
        let got = world.post(path, "", r#"{"to":"1.30.3"}"#).await;
        assert_eq!(got.status, 401, "{path}");
        let foreign = format!("Origin: http://evil.example.com\r\n{session}");
        let got = world.post_with(path, &foreign, "{}").await;
        assert_eq!(got.status, 403, "{path}");
        assert_eq!(world.get(path, &session).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn a_proposal_reaches_the_desk_and_one_at_a_time() {
    let mut world = World::new(true).await;
    let session = world.session().await;
    let wish =
        r#"{"to":"1.30.3","files":[{"name":"request.yaml","text":"spec: {}"}],"sets":["a=b"]}"#;
    let got = world.post("/live/proposal", &session, wish).await;
    assert_eq!((got.status, got.body.as_str()), (202, r#"{"id":1}"#));
    let busy = world.post("/live/restart", &session, "{}").await;
    assert_eq!(busy.status, 409);
    assert_eq!(
        busy.header("content-type"),
        Some("application/problem+json")
    );
    let proposal = world.inbox.next().await;
    let Wish::Upgrade(upgrade) = &proposal.wish else {
        panic!("an upgrade: {proposal:?}");
    };
    assert_eq!(upgrade.to, "1.30.3");
    assert_eq!(upgrade.request().files[0].text, "spec: {}");
    drop(proposal);
    let renew = world
        .post("/live/restart", &session, r#"{"wave":"25%"}"#)
        .await;
    assert_eq!(renew.status, 202);
    assert!(matches!(world.inbox.next().await.wish, Wish::Restart(_)));
    for wrong in [
        r#"{"to":1}"#,
        r#"{"to":"1.30.3","plan":{}}"#,
        "no JSON",
        r#"{"to":"1.30.3\u001b[2J"}"#,
        r#"{"to":"1.30.3\nverdict: clear"}"#,
        r#"{"to":"1.30.3","namespace":"../kube-system"}"#,
    ] {
        let got = world.post("/live/proposal", &session, wrong).await;
        assert_eq!(got.status, 400, "{wrong}");
    }
    for wrong in [r#"{"workloads":["a/b/c/d"]}"#, r#"{"wave":"\u202e5"}"#] {
        let got = world.post("/live/restart", &session, wrong).await;
        assert_eq!(got.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn without_a_terminal_a_proposal_is_refused_in_a_sentence() {
    let world = World::new(false).await;
    let session = world.session().await;
    let got = world
        .post("/live/proposal", &session, r#"{"to":"1.30.3"}"#)
        .await;
    assert_eq!(got.status, 403);
    assert!(got.body.contains("no terminal to ask on"), "{}", got.body);
    let about = world.get("/live/session", &session).await;
    assert!(about.body.contains(r#""terminal":false"#), "{}", about.body);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let world = World::new(true).await;
    let session = world.session().await;
    let host = world.host();
    let head = format!(
        "POST /live/proposal HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{session}\
         Content-Type: application/json\r\nContent-Length: 9000000\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(world.asked(&head).await.status, 413);
}

#[tokio::test]
async fn records_come_as_they_are_told_those_so_far_first() {
    let world = World::new(true).await;
    let session = world.session().await;
    let said = |text: &str| Message::Said {
        text: text.to_owned(),
    };
    world.stream.tell(&said("before"));
    let request = format!(
        "GET /live/records HTTP/1.1\r\nHost: {}\r\n{session}\r\n",
        world.host()
    );
    let mut lines = BufReader::new(world.send(&request).await).lines();
    let mut heard = async |word: &str| {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(word) {
                return line;
            }
        }
        panic!("the stream ended before {word}");
    };
    assert_eq!(heard("before").await, r#"{"kind":"said","text":"before"}"#);
    world.stream.tell(&said("after"));
    assert_eq!(heard("after").await, r#"{"kind":"said","text":"after"}"#);
}

#[tokio::test]
async fn an_export_that_cannot_begin_says_why() {
    let mut world = World::new(true).await;
    let session = world.session().await;
    let host = world.host();
    let answer = async {
        let (_, send) = world.api.next_request().await.expect("a request");
        let status = r#"{"kind":"Status","status":"Failure","message":"who are you","reason":"Unauthorized","code":401}"#;
        let mut answer = Answer::new(Body::from(status.as_bytes().to_vec()));
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        send.send_response(answer);
    };
    let request =
        format!("GET /live/export HTTP/1.1\r\nHost: {host}\r\n{session}Connection: close\r\n\r\n");
    let asked = async {
        let mut socket = TcpStream::connect(&host).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        Got::new(&text)
    };
    let ((), got) = tokio::join!(answer, asked);
    assert_eq!(got.status, 502);
    assert!(got.body.contains("who are you"), "{}", got.body);
}

#[tokio::test]
async fn a_release_that_is_nowhere_is_told() {
    let world = World::new(true).await;
    let session = world.session().await;
    let got = world
        .get("/live/releases/istio-9.99.9.tar.gz", &session)
        .await;
    assert_eq!(got.status, 404);
    assert!(got.body.contains("9.99.9"), "{}", got.body);
    let other = world.get("/live/releases/..%2f..%2fsecret", &session).await;
    assert_eq!(other.status, 404);
}

/// Without a session: a body that does not come is not waited for, and connections are counted.
#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let world = World::new(true).await;
    let host = world.host();
    let head = format!(
        "POST /live/session HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{{"
    );
    assert_eq!(world.asked(&head).await.status, 408);
    let unfinished = world.send("GET / HTTP/1.1\r\nHost: ").await;
    let mut rest = Vec::new();
    let mut unfinished = unfinished;
    unfinished.read_to_end(&mut rest).await.unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains("200"), "{rest:?}");
}

#[tokio::test]
async fn more_connections_than_there_are_places_are_closed() {
    let world = World::new(true).await;
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(world.send("GET / HTTP/1.1\r\n").await);
    }
    // Accepted in order: this one is looked at after those. What it had sent is not read, so it may be reset at once.
    let asked = async || {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            world.host()
        );
        let mut text = Vec::new();
        let mut socket = world.send(&request).await;
        let _ = socket.read_to_end(&mut text).await;
        String::from_utf8_lossy(&text).into_owned()
    };
    let refused = asked().await;
    assert!(
        refused.is_empty() || refused.starts_with("HTTP/1.1 503 "),
        "{refused}"
    );
    drop(held);
    // Places come back as the server hears of it.
    while !asked().await.starts_with("HTTP/1.1 200 ") {
        tokio::task::yield_now().await;
    }
}
