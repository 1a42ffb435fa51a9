//! `proxy-tag-differs`: the request injects proxies of another version than the target's.

use super::Explanation;
use super::links::SUPPORT;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The request sets an image tag, so that pods are injected with a proxy of another version than the target's.",
    why: "A restart does not bring the proxies to the target's version; one that is newer than istiod is not supported.",
    settle: "Take `tag` and `values.global.tag` out of the request, or go to the version that they name.",
    source: "1.31:pkg/kube/inject/template.go (ProxyImage)",
    link: SUPPORT,
};
