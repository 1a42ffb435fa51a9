//! A request's files, read once for everything that asks where they say something.

use kube_yaml::Node;

use super::Request;
use crate::outcome::Subject;

/// What a request's files hold, with the flags beside them.
#[derive(Debug, Clone)]
pub(crate) struct Documents<'a> {
    files: Vec<File<'a>>,
    sets: &'a [String],
}

/// A file of a request.
#[derive(Debug, Clone)]
struct File<'a> {
    name: &'a str,
    /// Of a file that is no YAML those before the fault: it is refused where the request is merged.
    documents: Vec<Node<'a>>,
    is_whole: bool,
}

impl<'a> Documents<'a> {
    /// Reads the files of a request.
    pub(crate) fn new(request: &'a Request) -> Self {
        let file = |file: &'a super::RequestFile| {
            let mut documents = Vec::new();
            let read = kube_yaml::load(&file.text, |it| documents.push(it));
            File {
                name: &file.name,
                documents,
                is_whole: read.is_ok(),
            }
        };
        Self {
            files: request.files.iter().map(file).collect(),
            sets: &request.sets,
        }
    }

    /// Returns every document with the name of its file, in order.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = (&'a str, &Node<'a>)> {
        let files = self.files.iter();
        files.flat_map(|file| file.documents.iter().map(|it| (file.name, it)))
    }

    /// Returns those of files that are YAML to their end.
    pub(super) fn whole(&self) -> impl Iterator<Item = (&'a str, &Node<'a>)> {
        let files = self.files.iter().filter(|it| it.is_whole);
        files.flat_map(|file| file.documents.iter().map(|it| (file.name, it)))
    }

    /// Names the last place in a file that says a setting (keys from `spec` on); `None` where none does.
    pub(crate) fn place_in_files(&self, keys: &[&str]) -> Option<Subject> {
        self.all().rev().find_map(|(file, document)| {
            let node = document.at(std::iter::once("spec").chain(keys.iter().copied()))?;
            Some(place(file, node).field(format!("spec.{}", keys.join("."))))
        })
    }

    /// Names the last place that says a setting (keys from `spec` on), or says a part of it; `None` where none does.
    pub(crate) fn place_of(&self, keys: &[&str]) -> Option<Subject> {
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
        flag.or_else(|| self.place_in_files(keys))
    }
}

/// Names the place where a node of a file begins.
pub(crate) fn place(file: &str, node: &Node) -> Subject {
    Subject::place(file, node.position.line, node.position.column)
}

#[cfg(test)]
mod tests {
    use super::Documents;
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
        let place = Documents::new(&request).place_of(&keys).unwrap();
        assert_eq!(place.line, Some(3));
        request.sets.push("values.pilot.traceSampling=2".to_owned());
        let documents = Documents::new(&request);
        let place = documents.place_of(&keys).unwrap();
        assert_eq!(place.file.as_deref(), Some("--set"));
        assert!(documents.place_of(&["values", "global"]).is_none());
    }

    #[test]
    fn of_a_file_with_a_fault_the_documents_before_it_are_kept_and_not_trusted() {
        let request = Request {
            files: vec![RequestFile {
                name: "iop.yaml".to_owned(),
                text: "spec: {profile: demo}\n---\nspec: [\n".to_owned(),
            }],
            ..Request::default()
        };
        let documents = Documents::new(&request);
        assert_eq!(documents.place_of(&["profile"]).unwrap().line, Some(1));
        assert_eq!(documents.whole().count(), 0);
    }
}
