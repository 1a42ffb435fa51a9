//! Literal credentials in what an installation is told: they are written where they have to be, and said nowhere.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::suite::data::istio_data;
use crate::suite::product::refit;

/// In istiod's environment, in the mesh configuration, in the request; each of the cluster's differs from the request's.
const CANARIES: [&str; 6] = [
    "canary-env-live",
    "canary-mesh-live",
    "canary-metadata-live",
    "canary-env-request",
    "canary-mesh-request",
    "canary-set-request",
];

fn export(folder: &Path) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/sample/export");
    let mut objects = Vec::new();
    for file in ["cluster.yaml", "version.json"] {
        let text = std::fs::read_to_string(source.join(file)).unwrap();
        kube_yaml::load(&text, |it| objects.push(it.to_json())).unwrap();
    }
    let version = objects.pop().unwrap();
    let mut items = Vec::new();
    for object in objects {
        match object["items"].as_array() {
            Some(of_list) => items.extend(of_list.iter().cloned()),
            None => items.push(object),
        }
    }
    let mut spoilt = 0;
    for object in &mut items {
        match (object["kind"].as_str(), object["metadata"]["name"].as_str()) {
            (Some("Deployment"), Some("istiod")) => {
                let env = &mut object["spec"]["template"]["spec"]["containers"][0]["env"];
                let list = env.as_array_mut().expect("an environment");
                list.push(json!({ "name": "EXPORTER_PASSWORD", "value": CANARIES[0] }));
                spoilt += 1;
            }
            (Some("ConfigMap"), Some("istio")) => {
                let mesh = object["data"]["mesh"].as_str().unwrap();
                let mesh = format!(
                    "extensionProviders:\n- lightstep:\n    accessToken: {}\n    port: 80\n    service: a.example.com\n  name: l\n{mesh}",
                    CANARIES[1]
                )
                .replace(
                    "defaultConfig:\n",
                    &format!("defaultConfig:\n  proxyMetadata:\n    X_API_KEY: {}\n", CANARIES[2]),
                );
                object["data"]["mesh"] = mesh.into();
                spoilt += 1;
            }
            _ => {}
        }
    }
    assert_eq!(spoilt, 2);
    let write = |name: &str, value: &Value| {
        std::fs::write(folder.join("export").join(name), value.to_string()).unwrap();
    };
    std::fs::create_dir(folder.join("export")).unwrap();
    write(
        "cluster.json",
        &json!({ "kind": "List", "apiVersion": "v1", "items": items }),
    );
    write("version.json", &version);
    folder.join("export").to_str().unwrap().to_owned()
}

#[test]
fn a_literal_credential_is_written_and_never_said() {
    let Some(data) = istio_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let export = export(folder.path());
    let request = folder.path().join("request.yaml");
    let text = format!(
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  meshConfig:\n    extensionProviders:\n    - name: l\n      lightstep: {{service: a.example.com, port: 80, accessToken: {}}}\n  values:\n    pilot:\n      env:\n        EXPORTER_PASSWORD: {}\n",
        CANARIES[4], CANARIES[3]
    );
    std::fs::write(&request, text).unwrap();
    let releases = data.join("istio/releases");
    let run = |verb: &str, more: &[&str]| {
        let output = Command::new(refit())
            .arg(verb)
            .args([
                "--releases",
                releases.to_str().unwrap(),
                "--offline",
                &export,
            ])
            .args(more)
            .current_dir(folder.path())
            .env("XDG_CACHE_HOME", folder.path())
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let holds = |text: &str| CANARIES.into_iter().find(|it| text.contains(it));
    let set = format!("values.pilot.env.OTHER_TOKEN={}", CANARIES[5]);
    let requests = [
        &[][..],
        &["-f", request.to_str().unwrap(), "--set", &set],
        // What the target refuses is quoted in its words.
        &[
            "-f",
            request.to_str().unwrap(),
            "--set",
            "values.pilot.nonsense=1",
        ],
    ];
    for request in requests {
        for format in ["text", "markdown", "sarif", "junit", "html", "diff", "name"] {
            let mut more = vec!["--to", "1.30.3", "--full", "-o", format];
            more.extend(request);
            let (stdout, stderr) = run("plan", &more);
            // Of what is refused nothing changes.
            let says = !stdout.is_empty() || format == "diff" || format == "name";
            assert!(says, "{format}: {stderr}");
            assert_eq!(holds(&stdout), None, "{format} {request:?}: {stdout}");
            assert_eq!(holds(&stderr), None, "{format} {request:?}: {stderr}");
        }
    }
    let mut more = vec!["--to", "1.30.3", "-o", "json"];
    more.extend(requests[1]);
    let (stdout, stderr) = run("plan", &more);
    let mut outcome: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stderr}"));
    let plan = outcome
        .as_object_mut()
        .unwrap()
        .remove("plan")
        .unwrap()
        .to_string();
    for written in &CANARIES[3..] {
        assert!(
            plan.contains(written),
            "what is asked for is written: {written}"
        );
    }
    assert_eq!(holds(&outcome.to_string()), None);
    // Counter-case: the change itself is told, and that it is a credential.
    let paths = |it: &Value| it["changes"].to_string() + &it["reverted"].to_string();
    assert!(paths(&outcome).contains("EXPORTER_PASSWORD"), "{outcome:#}");
    assert!(paths(&outcome).contains("(a credential)"), "{outcome:#}");
    // A plan that is saved is its owner's.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        run("plan", &["--to", "1.30.3", "--out", "plan.json"]);
        let permissions = std::fs::metadata(folder.path().join("plan.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(permissions & 0o777, 0o600);
    }
    // The file that recovers the request is the request; the words beside it hold nothing.
    let (_, stderr) = run("recover", &[]);
    assert_eq!(holds(&stderr), None, "{stderr}");
}
