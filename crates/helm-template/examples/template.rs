//! Renders a chart that is written down here: `cargo run -p helm-template --example template`.

#![expect(clippy::print_stdout, reason = "its output")]

use helm_template::{Capabilities, Chart, Error, Release, render};
use serde_json::json;
use sorted::SortedMap;

fn main() -> Result<(), Error> {
    let files = SortedMap::from(
        [
            ("Chart.yaml", "apiVersion: v2\nname: greeter\nversion: 1.0.0\n"),
            ("values.yaml", "replicas: 1\nname: world\n"),
            (
                "templates/config.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  greeting: {{ printf \"hello %s\" .Values.name | quote }}\n",
            ),
        ]
        .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())),
    );
    let chart = Chart::from_files(files)?;
    let release = Release {
        name: "greeter".to_owned(),
        namespace: "default".to_owned(),
        is_install: true,
        revision: 1,
        ..Release::default()
    };
    let capabilities = Capabilities {
        kube_version: "v1.32.0".to_owned(),
        api_versions: Capabilities::default_api_versions(),
    };
    let rendered = render(&chart, &json!({ "name": "Istio" }), &release, &capabilities)?;
    for (path, text) in &rendered.files {
        println!("# Source: {path}\n{text}");
    }
    Ok(())
}
