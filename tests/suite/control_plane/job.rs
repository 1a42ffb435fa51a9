//! `refit job` with the image that a release hands out: what a node would run of the Job that the API server took.
//!
//! The image is named by `REFIT_IMAGE`, go-containerregistry judges and unpacks it (`IMAGE_ORACLE`). The pod is run as a
//! kubelet would: its root file system, read-only, as the image's account, with the pod's volumes and the account's token.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::data;
use super::plans::{apply, config_map, plan, step};

/// Where every pod finds its account.
const ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount";

/// What the test lacks here, if anything.
fn lacks() -> Option<String> {
    for name in ["REFIT_IMAGE", "IMAGE_ORACLE"] {
        if env::var_os(name).is_none() {
            return Some(name.to_owned());
        }
    }
    let id = Command::new("id").arg("-u").output().unwrap();
    (id.stdout != b"0\n").then(|| "root, to mount as a node does".to_owned())
}

/// An unpacked image.
struct Image {
    /// Its file system, below a folder that ends with it.
    root: PathBuf,
    config: Value,
    _folder: tempfile::TempDir,
}

impl Image {
    fn unpack() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (files, root) = (folder.path().join("rootfs.tar"), folder.path().join("root"));
        fs::create_dir(&root).unwrap();
        let mut oracle = Command::new(env::var_os("IMAGE_ORACLE").unwrap());
        oracle.arg(env::var_os("REFIT_IMAGE").unwrap()).arg(&files);
        let told: Value = serde_json::from_slice(&succeeded(&mut oracle).stdout).unwrap();
        let mut unpack = Command::new("tar");
        succeeded(
            unpack
                .args(["-xp", "--same-owner", "-C"])
                .arg(&root)
                .arg("-f")
                .arg(files),
        );
        Self {
            root,
            config: told["config"]["config"].clone(),
            _folder: folder,
        }
    }

    /// Puts the libraries of a program beside it that was not built as a release is: statically.
    fn link(&self) {
        let program = self.root.join("usr/bin/refit");
        let told = Command::new("ldd").arg(&program).output().unwrap();
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        for path in told.split_whitespace().filter(|it| it.starts_with('/')) {
            let inside = self.root.join(path.trim_start_matches('/'));
            fs::create_dir_all(inside.parent().unwrap()).unwrap();
            fs::copy(path, inside).unwrap();
        }
    }

    /// Runs a pod's container in it.
    fn run(&self, container: &Value, variables: &[(String, String)]) -> Output {
        let strings = |it: &Value| -> Vec<String> { serde_json::from_value(it.clone()).unwrap() };
        let security = &container["securityContext"];
        let user = self.config["User"].as_str().unwrap();
        // A kubelet refuses a name, and root, under runAsNonRoot.
        assert_eq!(security["runAsNonRoot"], true);
        assert!(
            user.split(':')
                .all(|it| it.parse::<u32>().is_ok_and(|it| it > 0)),
            "{user}"
        );
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert!(
            container["command"].is_null(),
            "the image's entry point runs"
        );
        let mut words = strings(&self.config["Entrypoint"]);
        words.extend(strings(&container["args"]));
        for mount in container["volumeMounts"].as_array().unwrap() {
            let path = mount["mountPath"].as_str().unwrap();
            fs::create_dir_all(self.root.join(path.trim_start_matches('/'))).unwrap();
        }
        let script = format!(
            "set -e; mount --bind '{root}' '{root}'; mount -o remount,bind,ro '{root}'\n\
             mount -t tmpfs -o mode=1777 none '{root}/work'\n\
             exec chroot --userspec='{user}' --groups= '{root}' \"$@\"",
            root = self.root.display()
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh"]);
        command.args(words).env_clear();
        for it in strings(&self.config["Env"]) {
            let (name, value) = it.split_once('=').unwrap();
            command.env(name, value);
        }
        // The node's own programs are found before, the image's by their whole path.
        command.env("PATH", env::var_os("PATH").unwrap());
        for it in container["env"].as_array().unwrap() {
            command.env(it["name"].as_str().unwrap(), it["value"].as_str().unwrap());
        }
        command.envs(variables.iter().cloned()).output().unwrap()
    }
}

#[track_caller]
fn succeeded(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    output
}

/// Writes what a volume of a ConfigMap holds into the image's file system.
fn mount(map: &Value, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, content) in map["binaryData"].as_object().unwrap() {
        let content = BASE64_STANDARD.decode(content.as_str().unwrap()).unwrap();
        fs::write(folder.join(name), content).unwrap();
    }
}

#[test]
fn the_image_of_a_release_runs_what_the_job_names() {
    if let Some(what) = lacks() {
        assert!(
            env::var_os("CI").is_none_or(|it| it != "true"),
            "lacks {what}"
        );
        eprintln!("skipped: lacks {what}");
        return;
    }
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    let namespace = cluster.namespace("in-a-job");
    let actions = vec![apply(None, &config_map(&namespace, "made", "1"))];
    let plan = plan(&namespace, vec![step("one", actions, vec![])]);
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("plan.json");
    fs::write(&saved, serde_json::to_vec(&plan).unwrap()).unwrap();
    let image = "registry.example.org/refit:0.1.0";
    let saved = saved.to_str().unwrap();
    let run = cluster.run(&["job", saved, "--image", image, "-n", &namespace]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    cluster.done(&["apply", "-f", "-"], Some(&run.stdout));

    // What the API server made of it.
    let jobs = cluster.done(&["get", "jobs", "-n", &namespace, "-o", "json"], None);
    let jobs: Value = serde_json::from_str(&jobs).unwrap();
    let pod = &jobs["items"][0]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["image"], image);
    let account = pod["serviceAccountName"].as_str().unwrap();
    let unpacked = Image::unpack();
    unpacked.link();
    let named = pod["volumes"].as_array().unwrap();
    let map = named.iter().find_map(|it| it["configMap"]["name"].as_str());
    let map = cluster.get("configmap", &namespace, map.unwrap()).unwrap();
    mount(&map, &unpacked.root.join("plan"));
    let token = cluster.done(&["create", "token", account, "-n", &namespace], None);
    let at = unpacked.root.join(ACCOUNT);
    fs::create_dir_all(&at).unwrap();
    fs::write(at.join("token"), token.trim()).unwrap();
    fs::write(at.join("namespace"), &namespace).unwrap();
    let (server, authority) = cluster.server();
    fs::write(at.join("ca.crt"), authority).unwrap();
    let (host, port) = server.rsplit_once(':').unwrap();
    let host = host.trim_start_matches("https://");
    let variables = [("HOST", host), ("PORT", port)];
    let variables = variables.map(|it| (format!("KUBERNETES_SERVICE_{}", it.0), it.1.to_owned()));

    let run = unpacked.run(container, &variables);
    let errors = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{errors}");
    assert_eq!(
        data(&cluster, &namespace, "made"),
        Some(json!({ "value": "1" }))
    );
    let made = cluster.get("configmap", &namespace, "refit-journal");
    assert!(made.is_some(), "the journal's copy");
    // Nobody else's writes are in it: the account of the Job made them.
    let again = unpacked.run(container, &variables);
    assert_eq!(
        again.status.code(),
        Some(0),
        "a pod that is made again goes on"
    );
}
