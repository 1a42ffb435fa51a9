//! Speaks two command lines of `refit` for the check scripts: `manifest generate` and `template`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example program"
)]

use std::path::Path;
use std::process::ExitCode;

use istio_render::{OperatorFile, Options, Release};
use sorted::SortedMap;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.first().map(String::as_str) {
        Some("manifest") => generate(&args[2..]),
        Some("template") => template(&args[1..]),
        _ => Err("usage: manifest generate … | template NAME DIR …".to_owned()),
    };
    match result {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn generate(args: &[String]) -> Result<String, String> {
    let mut options = Options::default();
    let mut manifests = None;
    let mut revision = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (arg, mut value) = match arg.split_once('=') {
            Some((arg, value)) if arg.starts_with("--") => (arg, Some(value.to_owned())),
            _ => (arg.as_str(), None),
        };
        let mut next = || {
            value
                .take()
                .or_else(|| args.next().cloned())
                .ok_or("a value is missing")
        };
        match arg {
            "-f" | "--filename" => {
                for name in next()?.split(',').map(str::trim) {
                    let text =
                        std::fs::read_to_string(name).map_err(|it| format!("{name}: {it}"))?;
                    options.files.push(OperatorFile {
                        name: name.to_owned(),
                        text,
                    });
                }
            }
            "-s" | "--set" => options.sets.push(next()?),
            "-d" | "--manifests" | "--charts" => manifests = Some(next()?),
            "-r" | "--revision" => revision = Some(next()?),
            "--force" => options.force = true,
            other => return Err(format!("unknown flag {other}")),
        }
    }
    if let Some(revision) = revision.filter(|it| !it.is_empty() && it != "default") {
        options.sets.push(format!("revision={revision}"));
    }
    let manifests = manifests.ok_or("--manifests is missing")?;
    let release = Release::from_files(read_folder(Path::new(&manifests))?);
    match istio_render::generate(&release, &options) {
        Ok((text, diagnostics)) => {
            for it in &diagnostics {
                eprintln!("{:?} {}: {it}", it.severity, it.code);
            }
            Ok(text)
        }
        Err(diagnostics) => {
            let lines: Vec<String> = diagnostics
                .iter()
                .map(|it| format!("{:?} {}: {it}", it.severity, it.code))
                .collect();
            Err(lines.join("\n"))
        }
    }
}

fn template(args: &[String]) -> Result<String, String> {
    let [name, folder, rest @ ..] = args else {
        return Err("usage: template NAME DIR".to_owned());
    };
    let mut release = helm_template::Release {
        name: name.clone(),
        is_install: true,
        revision: 1,
        ..Default::default()
    };
    let mut values = serde_json::Value::Object(serde_json::Map::new());
    let mut rest = rest.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--is-upgrade" => (release.is_upgrade, release.is_install) = (true, false),
            "-n" => release
                .namespace
                .clone_from(rest.next().ok_or("a value is missing")?),
            "-f" => {
                let text = std::fs::read_to_string(rest.next().ok_or("a value is missing")?)
                    .map_err(|it| it.to_string())?;
                values =
                    kube_yaml::as_go_json(kube_yaml::from_str(&text).map_err(|it| it.to_string())?);
            }
            other => return Err(format!("unknown flag {other}")),
        }
    }
    let chart = helm_template::Chart::from_files(read_folder(Path::new(folder))?)
        .map_err(|it| it.to_string())?;
    let capabilities = helm_template::Capabilities {
        kube_version: "v1.32.0".to_owned(),
        api_versions: vec!["v1".to_owned(), "policy/v1".to_owned()],
    };
    let rendered = helm_template::render(&chart, &values, &release, &capabilities)
        .map_err(|it| it.to_string())?;
    let texts: Vec<&str> = rendered
        .files
        .values()
        .chain(rendered.crds.values())
        .map(String::as_str)
        .collect();
    Ok(texts.join("\n---\n"))
}

fn read_folder(root: &Path) -> Result<SortedMap<String, Vec<u8>>, String> {
    let mut files = SortedMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).map_err(|it| format!("{}: {it}", folder.display()))?
        {
            let path = entry.map_err(|it| it.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(relative) = path.strip_prefix(root) {
                let bytes = std::fs::read(&path).map_err(|it| it.to_string())?;
                files.insert(relative.to_string_lossy().replace('\\', "/"), bytes);
            }
        }
    }
    Ok(files)
}
