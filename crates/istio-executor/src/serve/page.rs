//! The page's files: built into the executable, or in a folder.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

// `FILES`: what was in the folder that `REFIT_PAGE_DIR` named when this was built; empty where it named none.
include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// Where the page's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// In the executable.
    BuiltIn,
    /// In a folder.
    Folder(PathBuf),
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder that was named holds none.
    #[error("{path} holds no page: there is no index.html in it")]
    NotThere {
        /// As the user named it.
        path: String,
    },
    /// None was named, and none is built in.
    #[error(
        "no page is built into this refit: use a released one, or name the page's folder with --page DIR"
    )]
    NotBuiltIn,
}

/// A file of the page.
pub(super) struct File {
    pub(super) content: Cow<'static, [u8]>,
    pub(super) media_type: &'static str,
}

impl Page {
    /// Finds the page: the folder that is named, else what is built in.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn find(folder: Option<&Path>) -> Result<Self, Error> {
        match folder {
            Some(folder) if folder.join("index.html").is_file() => {
                Ok(Self::Folder(folder.to_owned()))
            }
            Some(folder) => Err(Error::NotThere {
                path: folder.display().to_string(),
            }),
            None if FILES.is_empty() => Err(Error::NotBuiltIn),
            None => Ok(Self::BuiltIn),
        }
    }

    /// Returns a file by the path of its address; nothing where there is none.
    pub(super) fn file(&self, path: &str) -> Option<File> {
        let name = match path.strip_prefix('/')? {
            "" => "index.html",
            name => name,
        };
        // A worker that keeps the page would answer for whatever listens on this port another day.
        if !is_name(name) || name == "sw.js" {
            return None;
        }
        let content = match self {
            Self::BuiltIn => {
                let found = FILES.iter().find(|it| it.0 == name)?;
                Cow::Borrowed(found.1)
            }
            Self::Folder(folder) => Cow::Owned(fs::read(folder.join(name)).ok()?),
        };
        Some(File {
            content,
            media_type: media_type(name),
        })
    }
}

/// Names that the page has: nothing hidden, nothing above it, nothing to decode.
fn is_name(name: &str) -> bool {
    name.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it))
    })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |it| it.1) {
        "css" => "text/css; charset=utf-8",
        "gz" => "application/gzip",
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "yaml" => "application/yaml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page");
        fs::create_dir_all(page.join("assets")).unwrap();
        for name in [
            "page/index.html",
            "page/assets/a-1.js",
            "page/sw.js",
            "page/.hidden",
            "secret",
        ] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let page = Page::find(Some(&page)).unwrap();
        assert_eq!(
            page.file("/").unwrap().media_type,
            "text/html; charset=utf-8"
        );
        assert_eq!(
            &*page.file("/assets/a-1.js").unwrap().content,
            b"page/assets/a-1.js"
        );
        for outside in [
            "",
            "/../secret",
            "//secret",
            "/assets/../../secret",
            "/%2e%2e/secret",
            "/..\\secret",
            "/.hidden",
            "/assets",
            "/sw.js",
            "/index.html/",
        ] {
            assert!(page.file(outside).is_none(), "{outside}");
        }
    }

    #[test]
    fn a_folder_without_a_page_is_told_what_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let error = Page::find(Some(folder.path())).unwrap_err();
        assert!(error.to_string().contains("index.html"), "{error}");
    }
}
