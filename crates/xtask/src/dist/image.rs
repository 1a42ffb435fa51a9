//! The image as an OCI archive (image-spec 1.1): one layer, laid out as distroless images are, an image for each
//! architecture.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::files::{File, archive, gzip};
use super::{Release, sum};

/// Who refit runs as: by number, which is what `runAsNonRoot` can check.
const USER: u64 = 65532;

/// The accounts that have a name.
const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";

/// Their groups.
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";

/// Where the verifier of certificates looks on Linux.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// A layout of images, as `skopeo copy oci-archive:FILE docker://…`, `podman load` and `ctr images import` read it.
pub(super) fn image(programs: &[(&str, Vec<u8>)], release: &Release) -> Result<Vec<u8>> {
    let created = jiff::Timestamp::from_second(release.time.try_into()?)?.to_string();
    let mut blobs = Vec::new();
    let mut manifests = Vec::new();
    for (arch, program) in programs {
        let unpacked = archive("", &files(program, release)?, release.time)?;
        let layer = blob(
            &mut blobs,
            "application/vnd.oci.image.layer.v1.tar+gzip",
            gzip(&unpacked)?,
        );
        let config = json!({
            "created": created,
            "architecture": arch,
            "os": "linux",
            "config": {
                "User": format!("{USER}:{USER}"),
                "Entrypoint": ["/usr/bin/refit"],
                "Env": ["PATH=/usr/bin", "HOME=/home/nonroot"],
                "WorkingDir": "/home/nonroot",
                "Labels": {
                    "org.opencontainers.image.title": "refit",
                    "org.opencontainers.image.version": release.version,
                    "org.opencontainers.image.licenses": "Apache-2.0",
                    "org.opencontainers.image.source": release.repository,
                },
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", sum(&unpacked))]},
            "history": [{"created": created, "created_by": "cargo xtask dist"}],
        });
        let config = blob(
            &mut blobs,
            "application/vnd.oci.image.config.v1+json",
            text(&config)?,
        );
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": [layer],
        });
        let mut manifest = blob(
            &mut blobs,
            "application/vnd.oci.image.manifest.v1+json",
            text(&manifest)?,
        );
        manifest["platform"] = json!({"architecture": arch, "os": "linux"});
        manifests.push(manifest);
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    });
    let mut index = blob(
        &mut blobs,
        "application/vnd.oci.image.index.v1+json",
        text(&index)?,
    );
    index["annotations"] = json!({"org.opencontainers.image.ref.name": release.version});
    let layout = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [index],
    });
    blobs.push(File::data("index.json", text(&layout)?));
    blobs.push(File::data(
        "oci-layout",
        text(&json!({"imageLayoutVersion": "1.0.0"}))?,
    ));
    blobs.sort_by(|a, b| a.path.cmp(&b.path));
    archive("", &blobs, release.time)
}

/// The root file system: refit, the authorities that downloads are checked by, accounts, and the words on licenses.
fn files(program: &[u8], release: &Release) -> Result<Vec<File>> {
    let mut files = vec![
        File::folder("etc", 0o755, 0),
        File::data("etc/group", GROUP.into()),
        File::data("etc/passwd", PASSWD.into()),
        File::folder("etc/ssl", 0o755, 0),
        File::folder("etc/ssl/certs", 0o755, 0),
        File::data(CERTIFICATES, certificates().into_bytes()),
        File::folder("home", 0o755, 0),
        File::folder("home/nonroot", 0o700, USER),
        File::folder("tmp", 0o1777, 0),
        File::folder("usr", 0o755, 0),
        File::folder("usr/bin", 0o755, 0),
        File::program("usr/bin/refit", program.to_vec()),
        File::folder("usr/share", 0o755, 0),
        File::folder("usr/share/doc", 0o755, 0),
        File::folder("usr/share/doc/refit", 0o755, 0),
    ];
    let at = |name: &str| format!("usr/share/doc/refit/{name}");
    for (name, bytes) in &release.words {
        files.push(File::data(&at(name), bytes.clone()));
    }
    let license = spdx::license_id("CDLA-Permissive-2.0").context("no text of the license")?;
    let words = format!(
        "/{CERTIFICATES} holds the root certificates that Mozilla trusts, as the crate webpki-root-certs hands them out \
         (https://github.com/rustls/webpki-roots), under CDLA-Permissive-2.0:\n\n{}\n",
        license.text().trim()
    );
    files.push(File::data(
        &at("CERTIFICATES-LICENSE.txt"),
        words.into_bytes(),
    ));
    Ok(files)
}

/// Mozilla's root certificates in PEM; which ones, `Cargo.lock` says.
fn certificates() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = BASE64_STANDARD.encode(certificate);
        for (at, letter) in encoded.chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                text.push('\n');
            }
            text.push(letter);
        }
        text.push_str("\n-----END CERTIFICATE-----\n");
    }
    text
}

/// Keeps a blob, and describes it.
fn blob(blobs: &mut Vec<File>, media_type: &str, bytes: Vec<u8>) -> Value {
    let (sum, size) = (sum(&bytes), bytes.len());
    blobs.push(File::data(&format!("blobs/sha256/{sum}"), bytes));
    json!({"mediaType": media_type, "digest": format!("sha256:{sum}"), "size": size})
}

fn text(document: &Value) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(document)?)
}
