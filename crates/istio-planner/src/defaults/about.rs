//! What a release's own values files say of a setting, in the comment above it.

use istio_catalog::ComponentName;
use istio_render::Release;

use crate::outcome::DefaultChange;

/// Keys that only wrap the settings of a chart (1.30.3:manifests/charts/istio-control/istio-discovery/values.yaml).
const WRAPPERS: [&str; 2] = ["_internal_defaults_do_not_set", "defaults"];

/// What people read of a comment.
const MOST: usize = 400;

/// Returns the comment on a changed default in the values file of its component's chart.
pub(crate) fn about(release: &Release, change: &DefaultChange) -> Option<String> {
    let component = ComponentName::parse(&change.component)?;
    let chart = match component {
        ComponentName::Base => "base",
        ComponentName::Pilot => "istio-control/istio-discovery",
        ComponentName::Cni => "istio-cni",
        ComponentName::Ztunnel => "ztunnel",
        ComponentName::IngressGateways => "gateways/istio-ingress",
        ComponentName::EgressGateways => "gateways/istio-egress",
        _ => return None,
    };
    let file = release
        .files()
        .get(&format!("charts/{chart}/values.yaml"))?;
    let keys = crate::edit::keys(change.path.strip_prefix("values.")?);
    comment(std::str::from_utf8(file).ok()?, &keys)
}

/// The comment above a key, or behind it; `pilot.env` may stand as `env` in the file of its own chart.
fn comment(text: &str, wanted: &[String]) -> Option<String> {
    let mut path: Vec<(usize, &str)> = Vec::new();
    let mut above: Vec<&str> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if let Some(words) = trimmed.strip_prefix('#') {
            above.push(words);
            continue;
        }
        let said = std::mem::take(&mut above);
        let Some((key, value)) = trimmed.split_once(':').filter(|it| !it.0.contains(' ')) else {
            continue;
        };
        path.retain(|(column, _)| *column < indent);
        path.push((indent, key.trim_matches('"')));
        let here = || {
            path.iter()
                .map(|it| it.1)
                .filter(|it| !WRAPPERS.contains(it))
        };
        let is_it = |wanted: &[String]| here().eq(wanted.iter().map(String::as_str));
        if is_it(wanted) || wanted.get(1..).is_some_and(is_it) {
            let behind = value.split_once(" #").map(|it| it.1);
            return sentence(said.into_iter().chain(behind));
        }
    }
    None
}

/// Lines of a comment as one; none where they only name a section or show YAML.
fn sentence<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = lines
        .flat_map(|it| it.trim_start_matches('#').split_whitespace())
        .collect();
    let text = words.join(" ");
    let says = words.len() > 3 && text.len() <= MOST && !text.starts_with('-');
    says.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::comment;

    const VALUES: &str = "\
# Wraps all.
defaults:
  # Not of the setting.

  image: pilot
  # Set to `type: RuntimeDefault` to use
  # the default profile if available.
  seccompProfile: {}
  # a: b
  tolerations: []
  taint:
    enabled: false # Whether the controller is active
  env:
    # Of another one than the first.
    enabled: true
";

    fn said(path: &str) -> Option<String> {
        let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
        comment(VALUES, &keys)
    }

    #[test]
    fn a_comment_is_of_the_key_below_it_or_before_it() {
        assert_eq!(
            said("pilot.seccompProfile").unwrap(),
            "Set to `type: RuntimeDefault` to use the default profile if available."
        );
        assert_eq!(
            said("taint.enabled").unwrap(),
            "Whether the controller is active"
        );
        assert_eq!(
            said("pilot.env.enabled").unwrap(),
            "Of another one than the first."
        );
    }

    #[test]
    fn what_says_nothing_of_the_setting_is_left_out() {
        for path in ["image", "tolerations", "env", "missing", "enabled"] {
            assert_eq!(said(path), None, "{path}");
        }
    }
}
