//! The server's version. Where it is not exported, the newest kubelet stands for it: a server is never older than its nodes.

use istio_catalog::Version;

use super::Situation;
use crate::outcome::{Ref, Subject};

/// The server's version and where it stands.
pub(super) fn server(situation: &Situation) -> Option<(Version, Subject)> {
    if let Some(text) = &situation.inventory.kubernetes.server {
        let subject = Subject {
            field: Some("serverVersion.gitVersion".to_owned()),
            ..Subject::default()
        };
        return Some((
            Version::parse_tag(text)?.numbers(),
            subject.value(text.clone()),
        ));
    }
    let newest = situation
        .snapshot
        .nodes
        .values()
        .filter_map(|node| Some((Version::parse_tag(&node.kubelet)?.numbers(), node)))
        .max_by(|(a, left), (b, right)| a.cmp(b).then_with(|| right.name.cmp(&left.name)));
    let (version, node) = newest?;
    let object = Ref {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        namespace: None,
        name: node.name.clone(),
    };
    let subject = Subject::exported(object, &node.origin).field("status.nodeInfo.kubeletVersion");
    Some((version, subject.value(node.kubelet.clone())))
}
