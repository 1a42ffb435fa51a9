//! Asked of the registry of go-containerregistry (tests/oracles/registry, found by `REGISTRY_ORACLE`).

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::*;

/// A registry that holds images. It ends with the test.
struct Served {
    process: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Served {
    fn with(images: &[&str]) -> Option<Self> {
        let Some(program) = std::env::var_os("REGISTRY_ORACLE") else {
            assert!(
                std::env::var_os("CI").is_none_or(|it| it != "true"),
                "REGISTRY_ORACLE is not set"
            );
            eprintln!("not asked: REGISTRY_ORACLE is not set (go build in tests/oracles/registry)");
            return None;
        };
        let mut process = Command::new(program)
            .args(images)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        lines.read_line(&mut address).unwrap();
        Some(Self {
            process,
            address: address.trim().to_owned(),
        })
    }

    /// What the registry says to somebody without credentials.
    fn says(&self, image: &str) -> Answer {
        self.says_to(Credentials::default(), image)
    }

    fn says_to(&self, credentials: Credentials, image: &str) -> Answer {
        let mut registries = Registries::new([], credentials);
        registries.ask(&format!("{}/{image}", self.address))
    }

    /// The credentials of a file that names the registry.
    fn credentials(&self, entry: &str) -> Credentials {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let text = format!(r#"{{"auths": {{"{}": {entry}}}}}"#, self.address);
        std::fs::write(&path, text).unwrap();
        Credentials::read(&path).unwrap()
    }
}

const THERE: Answer = Answer::There { remaining: None };

#[test]
fn an_image_is_there_or_missing() {
    let Some(registry) = Served::with(&["open/istio/pilot:1.30.3"]) else {
        return;
    };
    let counted = Answer::There {
        remaining: Some("98;w=21600".to_owned()),
    };
    assert_eq!(registry.says("open/istio/pilot:1.30.3"), counted);
    assert_eq!(registry.says("open/istio/pilot:1.30.4"), Answer::Missing);
    assert_eq!(registry.says("open/istio/proxyv2:1.30.3"), Answer::Missing);
}

#[test]
fn an_anonymous_token_is_asked_for_each_repository() {
    let Some(registry) = Served::with(&["token/pilot:1", "token/proxyv2:1"]) else {
        return;
    };
    let mut registries = Registries::new([], Credentials::default());
    let mut ask = |image: &str| registries.ask(&format!("{}/token/{image}", registry.address));
    assert_eq!(ask("pilot:1"), THERE);
    assert_eq!(ask("proxyv2:1"), THERE);
    assert_eq!(ask("pilot:1"), THERE);
    assert_eq!(ask("pilot:2"), Answer::Missing);
}

#[test]
fn a_registry_that_limits_says_what_remains_and_when() {
    let Some(registry) = Served::with(&["limited/pilot:1"]) else {
        return;
    };
    let answer = registry.says("limited/pilot:1");
    let expected = Answer::RateLimited {
        remaining: Some("0;w=21600".to_owned()),
        after: Some("3600".to_owned()),
    };
    assert_eq!(answer, expected);
    assert_eq!(
        answer.to_string(),
        "not told: the registry limits how often it is asked, pulls that remain: 0;w=21600, again after 3600 s"
    );
}

#[test]
fn credentials_are_those_of_the_file_that_is_named() {
    let Some(registry) = Served::with(&["private/pilot:1", "account/pilot:1"]) else {
        return;
    };
    // base64 of somebody:secret, and of somebody:else.
    let right = || registry.credentials(r#"{"auth": "c29tZWJvZHk6c2VjcmV0"}"#);
    let words = || registry.credentials(r#"{"username": "somebody", "password": "secret"}"#);
    let wrong = || registry.credentials(r#"{"auth": "c29tZWJvZHk6ZWxzZQ=="}"#);
    for image in ["private/pilot:1", "account/pilot:1"] {
        assert_eq!(registry.says(image), Answer::Unauthorised, "{image}");
        assert_eq!(registry.says_to(wrong(), image), Answer::Unauthorised);
        assert_eq!(registry.says_to(right(), image), THERE, "{image}");
        assert_eq!(registry.says_to(words(), image), THERE, "{image}");
    }
    assert!(!format!("{:?}", right()).contains("c29t"));
}

#[test]
fn what_cannot_be_asked_is_never_there() {
    let unreachable = |it: &Answer| matches!(it, Answer::Unreachable { .. });
    // A port that nobody listens on: it was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut registries = Registries::new([], Credentials::default());
    let gone = registries.ask(&format!("127.0.0.1:{port}/pilot:1"));
    assert!(unreachable(&gone), "{gone}");
    let Some(registry) = Served::with(&["broken/pilot:1"]) else {
        return;
    };
    let broken = registry.says("broken/pilot:1");
    assert_eq!(
        broken.to_string(),
        "not told: the registry answers 503 Service Unavailable"
    );
}

#[test]
fn only_loopback_and_named_hosts_are_asked_without_tls() {
    let registries = Registries::new(["registry.lab:5000".to_owned()], Credentials::default());
    for host in [
        "localhost",
        "localhost:5000",
        "127.0.0.1:5000",
        "[::1]:5000",
        "registry.lab:5000",
    ] {
        assert!(registries.is_plain(host), "{host}");
    }
    for host in [
        "docker.io",
        "10.0.0.1:5000",
        "registry.lab",
        "localhost.example",
        "[2001:db8::1]:80",
    ] {
        assert!(!registries.is_plain(host), "{host}");
    }
}

#[test]
fn a_file_that_is_none_is_refused_without_repeating_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(
        &path,
        "{\"auths\":\n  {\"host\": \"c29tZWJvZHk6c2VjcmV0\"}}",
    )
    .unwrap();
    let words = Credentials::read(&path).unwrap_err().to_string();
    assert!(words.contains("at line 2, column"), "{words}");
    assert!(!words.contains("c29t"), "{words}");
}
