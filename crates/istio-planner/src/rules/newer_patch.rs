//! `newer-patch`: the target is not the newest patch of its minor that is known.

use super::{Explanation, Situation, enumerate};
use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;

/// What `refit explain newer-patch` says.
pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The release asked for has newer patches of the same minor.",
    why: "Patches bring fixes, and the fixes of security bulletins, without new behaviour. Who upgrades anyway restarts the \
          data plane once for either.",
    settle: "Take the newest patch, unless something holds you at this one. A way over several minors goes by the newest \
             patch of each.",
    source: "releases of istio/istio; crates/istio-catalog",
    link: Some("https://istio.io/latest/news/releases/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(to), Some(facts)) = (situation.to, situation.facts) else {
        return Vec::new();
    };
    let Some((newest, day)) = facts.newest_patch.as_ref().filter(|it| it.0 > *to) else {
        return Vec::new();
    };
    let patches = newest.patch.saturating_sub(to.patch);
    let between = match patches {
        0 => format!("The release came after this candidate, on {day}"),
        1 => format!("{newest} came after it, on {day}"),
        many => format!("{many} patches came after it, up to {newest} of {day}"),
    };
    let security = if facts.fixed_later.is_empty() {
        String::new()
    } else {
        format!(". They settle {}", enumerate(&facts.fixed_later))
    };
    let finding = Finding::new(
        Code::NewerPatch,
        Level::Info,
        format!("{to} is not the newest patch of {}", to.minor_release()),
        format!("{between}; each brings fixes of this minor alone{security}"),
    );
    vec![
        finding
            .about([Subject::flag("--to").value(situation.request.to.clone())])
            .fix(format!("Plan with `--to {newest}`"))
            .instead(newest),
    ]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;
    use istio_catalog::Version;

    fn cluster(to: &str, newest: Option<Version>) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.request.to = to.to_owned();
        if let Some(facts) = &mut cluster.facts {
            facts.newest_patch = newest.map(|it| (it, "2026-08-12".to_owned()));
            facts.fixed_later = vec!["ISTIO-SECURITY-2026-006".to_owned()];
        }
        cluster
    }

    #[test]
    fn an_older_patch_is_told_with_the_newest() {
        let cluster = cluster("1.30.0", Some(Version::new(1, 30, 3)));
        let findings = cluster.check(check);
        assert_eq!(cluster.codes(check), ["newer-patch Info"]);
        assert_eq!(
            findings[0].detail,
            "3 patches came after it, up to 1.30.3 of 2026-08-12; each brings fixes of this minor alone. They settle \
             ISTIO-SECURITY-2026-006"
        );
    }

    #[test]
    fn the_newest_and_one_that_is_newer_than_known_are_silent() {
        let newest = Some(Version::new(1, 30, 3));
        assert!(cluster("1.30.3", newest.clone()).check(check).is_empty());
        assert!(cluster("1.30.4", newest).check(check).is_empty());
        assert!(cluster("1.30.0", None).check(check).is_empty());
    }
}
