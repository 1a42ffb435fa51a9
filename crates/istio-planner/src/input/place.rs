//! Where a request says a setting.

use super::Request;
use crate::outcome::Subject;

impl Request {
    /// Names the last place that says a setting (keys from `spec` on), or says a part of it; `None` where none does.
    pub(crate) fn place_of(&self, keys: &[&str]) -> Option<Subject> {
        let field = || format!("spec.{}", keys.join("."));
        let path = keys.join(".");
        let flag = self.sets.iter().rev().find_map(|set| {
            let (name, value) = set.split_once('=')?;
            let name = name.trim_matches('.').trim_start_matches("spec.");
            let below = |long: &str, short: &str| {
                long.strip_prefix(short)
                    .is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']))
            };
            below(name, &path).then(|| Subject::flag("--set").field(name).value(value))
        });
        flag.or_else(|| {
            self.files.iter().rev().find_map(|file| {
                let mut place = None;
                // A file that is no YAML is refused where the request is merged.
                let _ = kube_yaml::load(&file.text, |document| {
                    let node = document.at(std::iter::once("spec").chain(keys.iter().copied()));
                    if let Some(node) = node {
                        let at = node.position;
                        place = Some(Subject::place(&file.name, at.line, at.column).field(field()));
                    }
                });
                place
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::input::{Request, RequestFile};

    #[test]
    fn the_last_word_is_named() {
        let mut request = Request {
            files: vec![RequestFile {
                name: "iop.yaml".to_owned(),
                text: "spec:\n  values:\n    pilot: {traceSampling: 1}\n".to_owned(),
            }],
            ..Request::default()
        };
        let keys = ["values", "pilot", "traceSampling"];
        assert_eq!(request.place_of(&keys).unwrap().line, Some(3));
        request.sets.push("values.pilot.traceSampling=2".to_owned());
        assert_eq!(
            request.place_of(&keys).unwrap().file.as_deref(),
            Some("--set")
        );
        assert!(request.place_of(&["values", "global"]).is_none());
    }
}
