//! `fleet-roots-differ`: clusters of one mesh trust no common root certificate.

use super::{Code, Finding, Situation, Told};
use crate::explain::Explanation;
use crate::outcome::Level;

/// What `refit explain fleet-roots-differ` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "The ConfigMap istio-ca-root-cert of two clusters of one mesh holds no certificate that both have. Certificates \
              are told by their SHA-256 alone.",
    why: "Proxies of the two clusters refuse each other's certificates, so traffic between them fails where mutual TLS is \
          asked for. Proxies that run may still hold an older root; a restart, which every upgrade asks for, brings it to \
          light.",
    settle: "Give both clusters intermediate certificates of one root (Secret cacerts), or finish the rotation of the root, \
             before workloads are restarted.",
    source: "istio.io, Plug in CA Certificates; 1.31:pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go",
    link: Some("https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/"),
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let meshes = situation.meshes();
    meshes
        .filter_map(|(_, all)| {
            let mut roots = all.iter().filter_map(|it| Some((it.0, it.1.roots.as_ref()?)));
            let first = roots.next()?;
            let other = roots.find(|it| it.1.value.is_disjoint(&first.1.value))?;
            let told = Told {
                code: Code::RootsDiffer,
                level: Level::Warn,
                title: format!("{} and {} trust no common root certificate", first.0, other.0),
                detail: "They are of one mesh, and their proxies refuse each other as soon as each has restarted with the root \
                         of its own cluster"
                    .to_owned(),
                fix: "Sign the authorities of both clusters with one root (Secret cacerts), or finish the rotation of the \
                      root, before workloads are restarted"
                    .to_owned(),
            };
            Some(told.about(vec![first.1.of(first.0), other.1.of(other.0)]))
        })
        .collect()
}
