//! Which kinds the API server serves.

use futures::{StreamExt, TryStreamExt, stream};

use super::{Cluster, Error, get, text};

/// Groups that are asked for at the same time.
const AT_ONCE: usize = 8;

/// A kind that the API server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// For example `deployments`.
    pub plural: String,
    /// Whether its objects stand in namespaces.
    pub namespaced: bool,
    /// What can be done, for example `list`.
    pub verbs: Vec<String>,
}

impl Kind {
    /// Returns the group; the core group is empty.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |it| it.0)
    }

    /// The path of its objects, in one namespace or in all.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let root = root(&self.api_version);
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!(
                "{root}/{}/namespaces/{namespace}/{}",
                self.api_version, self.plural
            ),
            None => format!("{root}/{}/{}", self.api_version, self.plural),
        }
    }
}

impl Cluster {
    /// Returns every kind that the server serves, each in the version that its group prefers, or else in the first one
    /// that has it: a group's preferred version need not have all its kinds (`EnvoyFilter` is in no `v1`).
    pub async fn served(&self) -> Result<Vec<Kind>, Error> {
        let what = "cannot list the API groups";
        let groups = self.send(what, get("/apis")?).await?;
        let mut versions = vec!["v1".to_owned()];
        for group in groups["groups"].as_array().into_iter().flatten() {
            let preferred = text(&group["preferredVersion"]["groupVersion"]);
            let others = group["versions"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|it| text(&it["groupVersion"]))
                .filter(|it| *it != preferred);
            versions.extend(std::iter::once(preferred.clone()).chain(others));
        }
        let found: Vec<Vec<Kind>> = stream::iter(versions)
            .map(|version| async move {
                match self.kinds_of(&version).await {
                    // A group whose server is down (an aggregated API) must not hide all the others.
                    Err(Error::Api {
                        code: 503 | 404, ..
                    }) => Ok(Vec::new()),
                    found => found,
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(preferred(found.into_iter().flatten()))
    }

    /// Returns the kind of a reference; asks again where a CRD may have been added since.
    pub async fn kind(&self, api_version: &str, kind: &str) -> Result<Kind, Error> {
        for fresh in [false, true] {
            if fresh {
                self.kinds.lock().await.remove(api_version);
            }
            match self.kinds_of(api_version).await {
                Ok(kinds) => {
                    if let Some(found) = kinds.into_iter().find(|it| it.kind == kind) {
                        return Ok(found);
                    }
                }
                Err(Error::Api { code: 404, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Kind {
            kind: kind.to_owned(),
            api_version: api_version.to_owned(),
        })
    }

    async fn kinds_of(&self, api_version: &str) -> Result<Vec<Kind>, Error> {
        if let Some(kinds) = self.kinds.lock().await.get(api_version) {
            return Ok(kinds.clone());
        }
        let what = format!("cannot list the kinds of {api_version}");
        let answer = self
            .send(&what, get(&format!("{}/{api_version}", root(api_version)))?)
            .await?;
        let kinds: Vec<Kind> = answer["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|it| !it["name"].as_str().unwrap_or_default().contains('/'))
            .map(|it| Kind {
                api_version: api_version.to_owned(),
                kind: text(&it["kind"]),
                plural: text(&it["name"]),
                namespaced: it["namespaced"].as_bool().unwrap_or_default(),
                verbs: it["verbs"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(text)
                    .collect(),
            })
            .collect();
        self.kinds
            .lock()
            .await
            .insert(api_version.to_owned(), kinds.clone());
        Ok(kinds)
    }
}

/// Each kind once: the versions come in the order in which they are preferred.
fn preferred(kinds: impl Iterator<Item = Kind>) -> Vec<Kind> {
    let mut chosen: Vec<Kind> = Vec::new();
    for kind in kinds {
        let known = |it: &Kind| it.group() == kind.group() && it.plural == kind.plural;
        if !chosen.iter().any(known) {
            chosen.push(kind);
        }
    }
    chosen
}

fn root(api_version: &str) -> &'static str {
    if api_version.contains('/') {
        "/apis"
    } else {
        "/api"
    }
}
