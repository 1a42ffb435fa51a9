//! What the suites share: golden cases and where Istio's data lies.

pub mod fuzzing;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use istio_planner::snapshot::{ReadError, SnapshotReader};
use istio_planner::{Input, Request, RequestFile};
use istio_render::Release;
use serde::Deserialize;
use sorted::SortedMap;

/// A folder of `tests/golden`: one description for Rust, Node and the browser.
#[derive(Debug)]
pub struct GoldenCase {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    description: Description,
}

/// `case.json`. Files are named as in the case's folder.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Description {
    #[serde(rename = "about")]
    _about: String,
    files: Vec<String>,
    #[serde(default)]
    releases: Vec<String>,
    request: Asked,
    as_of: Option<String>,
}

/// The request, its files named instead of written out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    to: String,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    sets: Vec<String>,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    prune_orphans: bool,
}

impl GoldenCase {
    /// Reads all cases, by name.
    ///
    /// # Panics
    ///
    /// Panics where a case cannot be read.
    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        let entries = fs::read_dir(&root).expect("tests/golden is there");
        let mut folders: Vec<PathBuf> = entries
            .map(|it| it.expect("it can be listed").path())
            .collect();
        folders.sort();
        folders
            .into_iter()
            .filter(|it| it.is_dir())
            .map(Self::read)
            .collect()
    }

    /// Reads the case of a name.
    ///
    /// # Panics
    ///
    /// Panics where it cannot be read.
    pub fn named(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        Self::read(root.join(name))
    }

    fn read(folder: PathBuf) -> Self {
        let name = folder
            .file_name()
            .expect("a folder has a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read(folder.join("case.json")).expect("a case has case.json");
        let description = serde_json::from_slice(&text).expect("case.json is as README.md says");
        Self {
            name,
            folder,
            description,
        }
    }

    /// Reads the export and the request's files.
    ///
    /// # Panics
    ///
    /// Panics where a file of the case is missing.
    pub fn input(&self) -> Result<Input, ReadError> {
        let mut reader = SnapshotReader::new();
        for name in &self.description.files {
            let file = fs::File::open(self.folder.join(name)).expect("the export is there");
            reader.read(name, file)?;
        }
        let asked = &self.description.request;
        let files = asked.files.iter().map(|name| RequestFile {
            name: name.clone(),
            text: fs::read_to_string(self.folder.join(name)).expect("the request's file is there"),
        });
        Ok(Input {
            request: Request {
                to: asked.to.clone(),
                files: files.collect(),
                sets: asked.sets.clone(),
                force: asked.force,
                prune_orphans: asked.prune_orphans,
                ..Request::default()
            },
            snapshot: reader.finish()?,
            releases: self.releases(),
            as_of: self.description.as_of.clone(),
            facts: None,
        })
    }
}

impl GoldenCase {
    /// The releases of the case: charts from a folder, or a file of what one rendered.
    fn releases(&self) -> Vec<Release> {
        let read = |name: &String| {
            let path = self.folder.join(name);
            if path.is_dir() {
                let mut files = SortedMap::new();
                read_files(&path, "", &mut files);
                return Release::from_files(files);
            }
            let bytes = fs::read(path).expect("the manifests are there");
            Release::read_manifests(name, &bytes).expect("they are readable")
        };
        self.description.releases.iter().map(read).collect()
    }
}

/// Reads a folder's files, named by their paths below it.
fn read_files(folder: &Path, prefix: &str, files: &mut SortedMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a release's folder can be listed") {
        let path = entry.expect("its entries can be read").path();
        let name = path.file_name().expect("an entry has a name");
        let name = format!("{prefix}{}", name.to_string_lossy());
        if path.is_dir() {
            read_files(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(path).expect("its files can be read"));
        }
    }
}

/// The folder with Istio's data: `REFIT_ISTIO_DATA`, else `../shared`; `None` where neither is there.
pub fn istio_data() -> Option<PathBuf> {
    let given = env::var_os("REFIT_ISTIO_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    given.into_iter().chain([beside]).find(|it| it.is_dir())
}
