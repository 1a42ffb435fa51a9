use std::fs;

use super::*;

#[track_caller]
fn check(server: &str, no: &str, expected: Option<&str>) {
    let environment = Environment {
        http: "http://plain:1".to_owned(),
        https: "proxy.corp:3128".to_owned(),
        no: no.to_owned(),
    };
    let found = environment.proxy(&server.parse().unwrap());
    assert_eq!(found.as_deref(), expected, "{server} {no}");
}

#[test]
fn the_server_decides_whether_it_is_reached_through_a_proxy() {
    let proxy = Some("proxy.corp:3128");
    check("https://10.1.2.3:6443", "", proxy);
    check("https://10.1.2.3:6443", "10.0.0.0/8", None);
    check("https://10.1.2.3:6443", "10.1.2.3", None);
    check(
        "https://10.1.2.3:6443",
        "192.168.0.0/16, example.org",
        proxy,
    );
    check("https://api.example.org", ".example.org", None);
    check("https://api.example.org", "example.org", None);
    check("https://api.example.org", "*", None);
    // What the proxy is called does not matter.
    check("https://api.example.org", "proxy.corp,127.0.0.1", proxy);
    check("http://api.example.org", "", Some("http://plain:1"));
    for here in [
        "https://localhost:6443",
        "https://127.0.0.1:6443",
        "https://[::1]:6443",
    ] {
        check(here, "", None);
    }
}

#[test]
fn a_proxy_without_a_scheme_speaks_http() {
    assert_eq!(
        address("proxy.corp:3128").unwrap(),
        "http://proxy.corp:3128"
    );
    assert_eq!(address("socks5://u:p@h:1").unwrap(), "socks5://u:p@h:1");
    assert!(address("http://a b").is_err());
}

#[test]
fn files_that_are_there_are_merged_and_the_first_wins() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let first = write(
        "a",
        "current-context: one\ncontexts: [{name: one, context: {cluster: c, user: u}}]\n",
    );
    let second = write(
        "b",
        "current-context: two\nclusters: [{name: c, cluster: {server: 'https://c', proxy-url: 'http://p:1'}}]\n",
    );
    let missing = folder.path().join("c");
    let file = merged(&[PathBuf::new(), missing.clone(), first, second])
        .unwrap()
        .unwrap();
    assert_eq!(file.current_context.as_deref(), Some("one"));
    assert_eq!(proxy_of(&file, Some("one")).as_deref(), Some("http://p:1"));
    assert_eq!(proxy_of(&file, Some("two")), None);
    assert!(merged(&[missing]).unwrap().is_none());
    assert!(merged(&[write("d", "")]).unwrap().is_none());
    assert!(merged(&[write("e", "contexts: {")]).is_err());
}

/// The library quotes the lines around what it cannot read, and a token may stand there.
#[test]
fn a_damaged_kubeconfig_is_named_by_its_place_and_not_quoted() {
    for (user, place) in [
        ("token: SECRET: oops", ":6:18"),
        ("token: !!int SECRET", ":6:18"),
        ("exec: SECRET", ":6:11"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let text =
            format!("apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    {user}\n");
        fs::write(&path, text).unwrap();
        let connection = Connection {
            kubeconfig: Some(path),
            context: None,
        };
        let error = connection.file().unwrap_err().to_string();
        assert!(!error.contains("SECRET"), "{error}");
        assert!(error.contains(place), "{error}");
    }
}
