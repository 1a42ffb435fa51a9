use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use super::*;

/// Serves `files` (path, content) on the loopback until the test ends; returns the address.
fn serve(files: Vec<(String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while lines
                .next()
                .is_some_and(|it| it.is_ok_and(|it| !it.is_empty()))
            {}
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let (status, body) = match files.iter().find(|it| it.0 == path) {
                Some((_, body)) => ("200 OK", body.clone()),
                None => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    address
}

fn release(sum: &str) -> Vec<(String, Vec<u8>)> {
    let path = "/1.30.3/istio-1.30.3-linux-amd64.tar.gz";
    let line = format!("{sum}  istio-1.30.3-linux-amd64.tar.gz\n");
    vec![
        (path.to_owned(), b"archive".to_vec()),
        (format!("{path}.sha256"), line.into_bytes()),
    ]
}

#[test]
fn an_archive_with_the_published_checksum_is_kept() {
    let cache = tempfile::tempdir().unwrap();
    let base = serve(release(&sha256(b"archive")));
    assert_eq!(
        download("1.30.3", &base, Some(cache.path())).unwrap(),
        b"archive"
    );
    assert_eq!(
        fs::read(cache.path().join("istio-1.30.3.tar.gz")).unwrap(),
        b"archive"
    );
}

#[test]
fn another_checksum_is_refused_and_nothing_kept() {
    let cache = tempfile::tempdir().unwrap();
    let base = serve(release(&sha256(b"other")));
    let result = download("1.30.3", &base, Some(cache.path()));
    assert!(matches!(result, Err(Error::Checksum { .. })));
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn a_version_that_was_never_published_is_an_error() {
    let base = serve(release("00"));
    assert!(matches!(
        download("1.99.0", &base, None),
        Err(Error::Get { .. })
    ));
}

#[test]
fn an_error_does_not_say_the_credentials_of_a_mirror() {
    let error = download("1.30.3", "http://user:hunter2@127.0.0.1:1/istio", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot get http://127.0.0.1:1/istio/1.30.3/istio-1.30.3-linux-amd64.tar.gz.sha256"
    );
    let mut cause = std::error::Error::source(&error);
    while let Some(it) = cause {
        assert!(!it.to_string().contains("hunter2"), "{it}");
        cause = it.source();
    }
}
