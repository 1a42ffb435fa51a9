use super::Asked;
use crate::input::{Request, RequestFile};

const FILE: &str = "\
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  profile: demo
  revision: canary
  compatibilityVersion: 1.29
  values:
    compatibilityVersion: \"1.28\"
    global:
      istioNamespace: mesh
";

fn request(text: &str, sets: &[&str]) -> Request {
    Request {
        to: "1.30.3".to_owned(),
        files: vec![RequestFile {
            name: "iop.yaml".to_owned(),
            text: text.to_owned(),
        }],
        sets: sets.iter().map(|it| (*it).to_owned()).collect(),
        ..Request::default()
    }
}

fn value(said: Option<super::Said>) -> Option<String> {
    said.map(|it| it.value)
}

#[test]
fn a_file_says_profile_revision_namespace_and_compatibility_version() {
    let asked = Asked::new(&request(FILE, &[]));
    assert_eq!(value(asked.profile).as_deref(), Some("demo"));
    assert_eq!(value(asked.revision).as_deref(), Some("canary"));
    assert_eq!(value(asked.namespace).as_deref(), Some("mesh"));
    assert_eq!(value(asked.compatibility_version).as_deref(), Some("1.29"));
}

#[test]
fn what_a_file_says_is_shown_with_its_line() {
    let place = Asked::new(&request(FILE, &[]))
        .profile
        .map(|it| it.place)
        .unwrap();
    assert_eq!(
        (place.file.as_deref(), place.line),
        (Some("iop.yaml"), Some(4))
    );
    assert_eq!(place.field.as_deref(), Some("spec.profile"));
}

#[test]
fn a_flag_beats_a_file() {
    let mut request = request(FILE, &["profile=minimal", "compatibilityVersion=1.27"]);
    request.revision = Some("other".to_owned());
    let asked = Asked::new(&request);
    assert_eq!(value(asked.profile).as_deref(), Some("minimal"));
    assert_eq!(value(asked.compatibility_version).as_deref(), Some("1.27"));
    assert_eq!(value(asked.revision).as_deref(), Some("other"));
}

#[test]
fn revision_default_is_none() {
    let request = Request {
        revision: Some("default".to_owned()),
        ..Request::default()
    };
    assert_eq!(Asked::new(&request).revision, None);
}

#[test]
fn nothing_is_read_from_a_file_that_is_no_yaml() {
    let asked = Asked::new(&request("spec:\n  profile: [demo\n", &[]));
    assert_eq!(asked.profile, None);
}
