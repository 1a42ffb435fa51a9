//! `root-certificates-differ`: whether every namespace trusts the root of istiod.

use sorted::SortedSet;

use super::Code;
use super::Explanation;
use super::authority::{ROOT, Roots};
use super::links::CERTIFICATES;
use super::{Situation, enumerate};
use crate::fingerprint::ROOT_KEY;
use crate::outcome::{ControlPlane, Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The ConfigMap istio-ca-root-cert of some namespace holds another root certificate than that of istiod's own \
              namespace. Certificates are told by their SHA-256 alone.",
    why: "Proxies trust the root that they find at their start. Where it is another one they refuse istiod, and proxies of \
          other namespaces; a restart, which every upgrade asks for, brings it to light.",
    settle: "Let istiod write the ConfigMaps anew, look who else writes them, or finish the rotation of the root before \
             workloads are restarted.",
    source: "1.31:pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go",
    link: CERTIFICATES,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let finding = situation
        .control_plane()
        .and_then(|plane| differ(&Roots::new(situation), situation, plane));
    finding.into_iter().collect()
}

/// Namespaces whose root is another one.
fn differ(roots: &Roots, situation: &Situation, plane: &ControlPlane) -> Option<Finding> {
    // Two control planes have two authorities, and which namespace belongs to whom is not told here.
    let namespaces: SortedSet<_> = situation
        .inventory
        .control_planes
        .iter()
        .map(|it| &it.namespace)
        .collect();
    let own = roots.own(plane).filter(|_| namespaces.len() == 1)?;
    let others: Vec<_> = roots.0.values().filter(|it| it.0 != own).collect();
    if others.is_empty() {
        return None;
    }
    let names: Vec<_> = others
        .iter()
        .filter_map(|it| it.1.namespace.clone())
        .take(5)
        .collect();
    let finding = Finding::new(
        Code::RootCertificatesDiffer,
        Level::Warn,
        format!(
            "{} trust another root certificate than istiod's namespace",
            match others.len() {
                1 => "The pods of one namespace".to_owned(),
                many => format!("The pods of {many} namespaces"),
            }
        ),
        format!(
            "{ROOT} of {} is not that of {}: the proxies started there refuse istiod, or each other, once \
             they are restarted. A rotation of the root is not finished, or nobody renews the ConfigMap",
            enumerate(&names),
            plane.namespace
        ),
    );
    let subjects = others.iter().map(|(found, object, kept)| {
        Subject::kept(object, kept)
            .field(format!("data.{ROOT_KEY}"))
            .value(joined(found))
    });
    Some(finding.about(subjects).fix(
        "Let istiod write them anew (delete the ConfigMap of the namespace, and look who else writes it), or finish \
         the rotation, before any workload is restarted",
    ))
}

fn joined(fingerprints: &SortedSet<&str>) -> String {
    fingerprints.iter().copied().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Code, check};
    use crate::fingerprint::of_pem;
    use crate::rules::fixture::{Cluster, control_plane};

    fn pem(body: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    fn root(cluster: &mut Cluster, namespace: &str, body: &str) {
        cluster.object(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "istio-ca-root-cert", "namespace": namespace},
            "data": {"root-cert.pem": of_pem(&pem(body)).join(" ")},
        }));
    }

    #[test]
    fn a_namespace_with_another_root_is_named_with_its_fingerprint() {
        let mut cluster = Cluster::new();
        root(&mut cluster, "istio-system", "YWJj");
        root(&mut cluster, "shop", "YWJj");
        assert!(cluster.check(check).is_empty());
        root(&mut cluster, "bank", "eHl6");
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, Code::RootCertificatesDiffer);
        assert_eq!(findings[0].subjects.len(), 1);
        let value = findings[0].subjects[0]
            .value
            .as_ref()
            .and_then(Value::as_str)
            .unwrap();
        assert!(value.starts_with("sha256:"));
        // Which of two control planes it belongs to is not told.
        cluster
            .inventory
            .control_planes
            .push(control_plane("other", "canary", "1.29.6"));
        assert!(
            !cluster
                .codes(check)
                .contains(&"root-certificates-differ Warn".to_owned())
        );
    }
}
