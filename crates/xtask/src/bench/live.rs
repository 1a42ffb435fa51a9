//! The large cluster as a live one: an API server that serves it page by page, on a port of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

use super::export::objects;

/// Objects as JSON, by `apiVersion` and kind.
type Kinds = BTreeMap<(String, String), Vec<String>>;

/// Serves the cluster for as long as this program lives, and returns the kubeconfig that leads there.
pub(super) fn serve(pods: usize, folder: &Path) -> Result<PathBuf> {
    let mut kinds = Kinds::new();
    for mut object in objects(pods) {
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let key = (text(&object["apiVersion"]), text(&object["kind"]));
        // A list does not say them of its objects.
        if let Some(object) = object.as_object_mut() {
            object.remove("apiVersion");
            object.remove("kind");
        }
        kinds.entry(key).or_default().push(object.to_string());
    }
    let server = TcpListener::bind("127.0.0.1:0")?;
    let address = server.local_addr()?;
    let kinds = Arc::new(kinds);
    thread::spawn(move || {
        while let Ok((stream, _)) = server.accept() {
            let kinds = Arc::clone(&kinds);
            thread::spawn(move || answer_all(&stream, &kinds));
        }
    });
    let config = folder.join("kubeconfig");
    let text = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "clusters": [{ "name": "bench", "cluster": { "server": format!("http://{address}") } }],
        "contexts": [{ "name": "bench", "context": { "cluster": "bench", "user": "bench" } }],
        "users": [{ "name": "bench", "user": {} }],
    });
    fs::write(&config, text.to_string())?;
    Ok(config)
}

/// Answers the requests of one connection, one after the other.
fn answer_all(stream: &TcpStream, kinds: &Kinds) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|it| *it > 0)?;
        let target = line.split(' ').nth(1)?.to_owned();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|it| *it > 0)?;
            if header.trim().is_empty() {
                break;
            }
        }
        let body = answer(&target, kinds);
        let (status, body) = body.map_or(("404 Not Found", "{}".to_owned()), |it| ("200 OK", it));
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        writer.write_all(head.as_bytes()).ok()?;
        writer.write_all(body.as_bytes()).ok()?;
    }
}

/// The answer to a request; nothing where there is none.
fn answer(target: &str, kinds: &Kinds) -> Option<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let resources = |version: &str| {
        let of = kinds.keys().filter(|it| it.0 == version);
        let each = of.map(|(_, kind)| {
            json!({ "name": plural(kind), "kind": kind, "namespaced": true, "verbs": ["list"] })
        });
        json!({ "kind": "APIResourceList", "groupVersion": version, "resources": each.collect::<Vec<_>>() })
    };
    let document = match path {
        "/version" => json!({ "major": "1", "minor": "33", "gitVersion": "v1.33.8" }),
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        "/apis" => {
            let version = json!({ "groupVersion": "apps/v1", "version": "v1" });
            json!({ "kind": "APIGroupList", "groups": [{
                "name": "apps", "versions": [version], "preferredVersion": version,
            }] })
        }
        "/api/v1" => resources("v1"),
        "/apis/apps/v1" => resources("apps/v1"),
        _ => return list(path, query, kinds),
    };
    Some(document.to_string())
}

/// A page of a list.
fn list(path: &str, query: &str, kinds: &Kinds) -> Option<String> {
    let (version, name) = path
        .strip_prefix("/apis/")
        .or_else(|| path.strip_prefix("/api/"))?
        .rsplit_once('/')?;
    let found = kinds
        .iter()
        .find(|it| it.0.0 == version && plural(&it.0.1) == name);
    let ((_, kind), items) = found?;
    let asked = |key: &str| {
        let all = query.split('&').filter_map(|it| it.split_once('='));
        all.into_iter()
            .find(|it| it.0 == key)?
            .1
            .parse::<usize>()
            .ok()
    };
    let from = asked("continue").unwrap_or(0).min(items.len());
    let to = asked("limit").map_or(items.len(), |it| items.len().min(from + it));
    let next = if to < items.len() {
        to.to_string()
    } else {
        String::new()
    };
    let metadata = json!({ "resourceVersion": "1", "continue": next });
    let items = items.get(from..to).unwrap_or_default().join(",");
    Some(format!(
        "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{version}\",\"metadata\":{metadata},\"items\":[{items}]}}"
    ))
}

fn plural(kind: &str) -> String {
    format!("{}s", kind.to_lowercase())
}
