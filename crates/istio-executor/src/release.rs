//! Finds a release's charts and profiles: on the disk, in the cache, and last on the net.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use istio_catalog::Facts;
use istio_render::{Manifests, ManifestsError, Release};
use semver::Version;
use sorted::SortedMap;

pub mod download;

/// Where to look for releases. What is given explicitly comes first.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `--manifests`: a folder, an archive or a version.
    pub manifests: Option<PathBuf>,
    /// `--releases`: a folder of `istio-VERSION/` or `istio-VERSION.tar.gz`.
    pub releases: Option<PathBuf>,
    /// `--rendered`: manifests of the target that were rendered already.
    pub rendered: Option<PathBuf>,
    /// `--rendered-source`: the same of what runs.
    pub rendered_source: Option<PathBuf>,
    /// Look on the disk only.
    pub offline: bool,
    /// What the user knows of releases, where it is newer than what this build knows.
    pub facts: Option<Arc<Facts>>,
}

impl Places {
    /// Says what is wrong with the places themselves, before anything is looked for in them: what a user names has to be
    /// there.
    pub fn check(&self, target: &str) -> Result<(), Error> {
        if let Some(folder) = self.releases.as_deref().filter(|it| !it.is_dir()) {
            return Err(Error::NoFolder {
                path: folder.display().to_string(),
            });
        }
        if let Some(path) = &self.rendered_source {
            manifests(path)?;
        }
        // Standard input is read once, when its turn comes.
        let rendered = self.rendered.as_ref().filter(|it| *it != Path::new("-"));
        if let Some(path) = rendered {
            let rendered = manifests(path)?;
            let target = target.trim_start_matches('v');
            if let Some(version) = rendered
                .version()
                .map(ToString::to_string)
                .filter(|it| it != target && is_version(target))
            {
                return Err(Error::OtherVersion {
                    path: format!("--rendered {}", path.display()),
                    version,
                    target: target.to_owned(),
                });
            }
        }
        let Some(manifests) = &self.manifests else {
            return Ok(());
        };
        let name = manifests.to_string_lossy();
        let version = if !manifests.exists() && is_version(&name) {
            name.trim_start_matches('v').to_owned()
        } else {
            load(manifests)?.version().to_string()
        };
        let target = target.trim_start_matches('v');
        if is_version(target) && version != target {
            return Err(Error::OtherVersion {
                path: format!("--manifests {name}"),
                version,
                target: target.to_owned(),
            });
        }
        Ok(())
    }
}

/// Why a release could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or archive is there, but unreadable.
    #[error("cannot read the release in {path}")]
    Read {
        /// What was read.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// A folder or archive without charts.
    #[error("{path} holds no charts (expected manifests/charts, or charts)")]
    NoCharts {
        /// What was read.
        path: String,
    },
    /// `--releases` names no folder.
    #[error("{path} is no folder of releases")]
    NoFolder {
        /// As the user named it.
        path: String,
    },
    /// `--manifests` or `--rendered` is of another release than the target.
    #[error("{path} is of Istio {version}, but the target is {target}")]
    OtherVersion {
        /// The flag, and what the user gave it.
        path: String,
        /// What it holds.
        version: String,
        /// What is asked for.
        target: String,
    },
    /// Manifests that were rendered already are not readable as such.
    #[error(transparent)]
    Manifests(#[from] ManifestsError),
    /// Not a version, so nothing to look for.
    #[error("{0:?} is no version of Istio (for example 1.30.3)")]
    Version(String),
    /// Nowhere on the disk, and the net may not be asked.
    #[error("Istio {version} is not on this machine (looked in {}) and --offline forbids the download", looked.join(", "))]
    Offline {
        /// What was looked for.
        version: String,
        /// Where.
        looked: Vec<String>,
    },
    /// Neither on the disk nor on the net.
    #[error("Istio {version} is not on this machine (looked in {}) and cannot be downloaded", looked.join(", "))]
    Download {
        /// What was looked for.
        version: String,
        /// Where.
        looked: Vec<String>,
        /// The cause.
        source: download::Error,
    },
}

/// Finds the release of a version.
pub fn find(version: &str, places: &Places) -> Result<Release, Error> {
    if let Some(manifests) = &places.manifests {
        if manifests.exists() || !is_version(&manifests.to_string_lossy()) {
            return load(manifests);
        }
        return find_version(&manifests.to_string_lossy(), places);
    }
    find_version(version, places)
}

fn find_version(version: &str, places: &Places) -> Result<Release, Error> {
    let version = version.strip_prefix('v').unwrap_or(version);
    if !is_version(version) {
        return Err(Error::Version(version.to_owned()));
    }
    let folders = folders(places);
    for folder in &folders {
        for name in [
            format!("istio-{version}"),
            format!("istio-{version}.tar.gz"),
        ] {
            let path = folder.join(name);
            if path.exists() {
                return load(&path);
            }
        }
    }
    let looked = folders.iter().map(|it| it.display().to_string()).collect();
    let version = version.to_owned();
    if places.offline {
        return Err(Error::Offline { version, looked });
    }
    match download::download(&version, &download::base(), cache().as_deref()) {
        Ok(archive) => Release::from_tar_gz(archive.as_slice())
            .map(|it| it.found(format!("{}/{version}", download::base_shown())))
            .map_err(|source| Error::Read {
                path: format!("the download of istio-{version}"),
                source,
            }),
        Err(source) => Err(Error::Download {
            version,
            looked,
            source,
        }),
    }
}

/// Loads a release from a folder (of the release, of its `manifests`) or from an archive.
pub fn load(path: &Path) -> Result<Release, Error> {
    let name = || path.display().to_string();
    let failed = |source| Error::Read {
        path: name(),
        source,
    };
    if !path.is_dir() {
        let file = File::open(path).map_err(failed)?;
        return Release::from_tar_gz(BufReader::new(file))
            .map(|it| it.found(name()))
            .map_err(failed);
    }
    let inner = path.join("manifests");
    let root = if inner.join("charts").is_dir() {
        inner
    } else {
        path.to_owned()
    };
    if !root.join("charts").is_dir() {
        return Err(Error::NoCharts { path: name() });
    }
    let files = read_folder(&root).map_err(failed)?;
    Ok(Release::from_files(files).found(name()))
}

/// Reads manifests that were rendered already: a file, or a folder of `.yaml`, `.yml` and `.json` files.
fn manifests(path: &Path) -> Result<Manifests, Error> {
    let name = path.display().to_string();
    let failed = |source| Error::Read {
        path: name.clone(),
        source,
    };
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map_err(failed)?;
        bytes
    } else if path.is_dir() {
        let mut all = Vec::new();
        for (file, bytes) in read_folder(path).map_err(failed)? {
            let ending = file.rsplit('.').next().unwrap_or_default();
            if ["yaml", "yml", "json"].contains(&ending) {
                all.extend(bytes);
                all.extend(b"\n---\n");
            }
        }
        all
    } else {
        fs::read(path).map_err(failed)?
    };
    Ok(Manifests::read(&name, &bytes)?)
}

/// The version that the manifests of `--rendered` name, for who names no other.
pub fn names(places: &Places) -> Option<String> {
    let path = places
        .rendered
        .as_deref()
        .filter(|it| *it != Path::new("-"))?;
    Some(manifests(path).ok()?.version()?.to_string())
}

/// Takes what was rendered already for a release: of the version that it names, else of the one that is expected.
pub fn rendered(path: &Path, expected: &str) -> Result<Release, Error> {
    let manifests = manifests(path)?;
    let version = manifests.version().cloned().or_else(|| {
        let expected = expected.trim_start_matches('v');
        Version::parse(expected).ok()
    });
    let Some(version) = version else {
        return Err(ManifestsError::VersionUnknown {
            name: path.display().to_string(),
        }
        .into());
    };
    Ok(Release::from_manifests(manifests, version).found(path.display().to_string()))
}

/// Reads every file below a folder, keyed by its path relative to it, with `/` between names.
pub fn read_folder(root: &Path) -> io::Result<SortedMap<String, Vec<u8>>> {
    let mut files = SortedMap::new();
    let mut todo = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = todo.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                todo.push((entry.path(), format!("{name}/")));
            } else {
                files.insert(name, fs::read(entry.path())?);
            }
        }
    }
    Ok(files)
}

/// The folders that may hold a release, in the order in which they are searched: only those that somebody named, and
/// the cache.
fn folders(places: &Places) -> Vec<PathBuf> {
    let data = env::var_os("REFIT_ISTIO_DATA").map(PathBuf::from);
    let mut folders: Vec<PathBuf> = places.releases.iter().cloned().collect();
    folders.extend(data.map(|it| it.join("istio/releases")));
    folders.extend(cache());
    folders
}

/// The user's cache folder (XDG base directory specification).
fn cache() -> Option<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|it| it.is_absolute())
        .or_else(|| env::var_os("HOME").map(|it| PathBuf::from(it).join(".cache")))?;
    Some(base.join("refit"))
}

/// `1.30.3`, `1.31.0-rc.0`; nothing that could leave a folder or a URL.
pub fn is_version(text: &str) -> bool {
    let (numbers, suffix) = text.split_once('-').unwrap_or((text, "x"));
    let numbers: Vec<&str> = numbers.split('.').collect();
    numbers.len() >= 2
        && numbers
            .iter()
            .all(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
        && !suffix.is_empty()
        && suffix
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'.' || it == b'-')
        && !suffix.contains("..")
}

#[cfg(test)]
mod tests;
