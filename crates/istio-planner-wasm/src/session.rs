//! One cluster and the releases that were found, read once and planned as often as wanted.

use std::mem;

use istio_planner::compare::{Comparison, Detail, compare};
use istio_planner::customisation::{Recovery, recover};
use istio_planner::outcome::{FieldChange, Ref, Subject};
use istio_planner::snapshot::{self, Shown, SnapshotReader};
use istio_planner::{Code, Input, Request, needs, report};
use istio_render::{Manifests, Release, ReleaseReader};
use serde::Serialize;
use serde_json::Value;
use sorted::SortedMap;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::facts::read_facts;
use crate::failure::Failure;

/// A cluster's export and the releases that were found.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Session {
    reader: SnapshotReader,
    input: Input,
    /// The release archive that is being read.
    archive: Option<(String, ReleaseReader)>,
    /// The manifests that are being read.
    manifests: Option<(String, Vec<u8>)>,
    /// What each object would be after the plan made last.
    predicted: SortedMap<Ref, Value>,
}

/// What was read of a cluster.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary<'a> {
    /// The server's version, `null` where the export does not hold it.
    kubernetes: Option<&'a str>,
    /// Whether the export was made with `--show-managed-fields`.
    managed_fields: bool,
    /// How many objects of each kind (`apps/v1/Deployment`).
    kinds: &'a SortedMap<String, usize>,
    /// Members of archives that hold no objects, and what each is; of very many the first thousand.
    #[cfg_attr(feature = "types", ts(inline))]
    passed_over: Vec<PassedOver<'a>>,
    /// The files in which the namespace `kube-system` of each cluster stood first: more than one is an export of several
    /// clusters.
    clusters: Vec<&'a str>,
}

/// A file that holds no objects.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
struct PassedOver<'a> {
    file: &'a str,
    what: &'a str,
}

impl<'a> From<&'a snapshot::PassedOver> for PassedOver<'a> {
    fn from(it: &'a snapshot::PassedOver) -> Self {
        Self {
            file: &it.file,
            what: &it.what,
        }
    }
}

/// What an export lacks of what a plan reads.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "Coverage")
)]
pub(crate) struct Missing<'a> {
    /// What is certainly missing.
    gaps: Vec<Gap<'a>>,
    /// Kinds that were asked for and of which there is none, as `kubectl` names them; the cluster may have none.
    none: &'a [&'static str],
}

/// Something that an export lacks.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
struct Gap<'a> {
    /// For example `CustomResourceDefinition`.
    what: &'a str,
    /// The finding that says so.
    code: Code,
    /// What stays unknown without it.
    unknown: &'a str,
    /// The shell line that exports it.
    command: &'a str,
}

impl<'a> From<&'a needs::Coverage> for Missing<'a> {
    fn from(coverage: &'a needs::Coverage) -> Self {
        let gaps = coverage.gaps.iter().map(|it| Gap {
            what: &it.what,
            code: it.code,
            unknown: it.unknown,
            command: &it.command,
        });
        Self {
            gaps: gaps.collect(),
            none: &coverage.none,
        }
    }
}

/// An object of the export, as far as it was kept.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
pub(crate) struct ShownObject<'a> {
    /// Without `managedFields`; of Secrets without data.
    yaml: &'a str,
    /// All of it was kept; else only what rules read.
    whole: bool,
    /// Where the field begins in `yaml`, from 1.
    line: Option<u32>,
    /// Where the export holds it; a line of 0 is unknown.
    #[cfg_attr(feature = "types", ts(inline))]
    origin: Place<'a>,
}

/// Where it stood.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
struct Place<'a> {
    file: &'a str,
    line: u32,
}

impl<'a> From<&'a Shown> for ShownObject<'a> {
    fn from(it: &'a Shown) -> Self {
        Self {
            yaml: &it.yaml,
            whole: it.whole,
            line: it.line,
            origin: Place {
                file: &it.origin.file,
                line: it.origin.line,
            },
        }
    }
}

/// An object before and after the plan, as YAML; `null` where it is not there.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "Comparison")
)]
pub(crate) struct Compared {
    /// As the export holds it.
    live: Option<String>,
    /// As the API server would store it.
    predicted: Option<String>,
}

/// The request that reproduces an installation, as far as the export tells.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "Recovery")
)]
pub(crate) struct Recovered<'a> {
    /// An `IstioOperator` file.
    text: String,
    /// The source's release was found, so that `unexplained` holds all there is.
    compared: bool,
    /// Where each path that it sets was read.
    #[cfg_attr(feature = "types", ts(inline))]
    evidence: Vec<Evidence<'a>>,
    /// Fields that it does not reproduce: `from` is live, `to` what the recovered request gives.
    #[cfg_attr(feature = "types", ts(inline))]
    unexplained: Vec<UnexplainedObject<'a>>,
}

/// Where a setting was read.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
struct Evidence<'a> {
    path: &'a str,
    subject: &'a Subject,
}

/// Fields that no request explains.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
struct UnexplainedObject<'a> {
    object: &'a Ref,
    fields: &'a [FieldChange],
}

impl<'a> From<&'a Recovery> for Recovered<'a> {
    fn from(recovery: &'a Recovery) -> Self {
        let evidence = recovery.evidence.iter();
        let unexplained = recovery.unexplained.iter();
        Self {
            text: kube_yaml::to_string(&recovery.operator),
            compared: recovery.compared,
            evidence: evidence
                .map(|(path, subject)| Evidence { path, subject })
                .collect(),
            unexplained: unexplained
                .map(|it| UnexplainedObject {
                    object: &it.object,
                    fields: &it.fields,
                })
                .collect(),
        }
    }
}

#[wasm_bindgen]
impl Session {
    /// Starts with an empty cluster and no release.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a file of the export, of any kind that `refit plan` reads.
    pub fn begin(&mut self, name: &str) -> Result<(), Failure> {
        Ok(self.reader.open(name)?)
    }

    /// Begins a release archive, or, told by the ending of its name, manifests that a release rendered already.
    #[wasm_bindgen(js_name = beginRelease)]
    pub fn begin_release(&mut self, name: &str) {
        if Manifests::are_named(name) {
            self.manifests = Some((name.to_owned(), Vec::new()));
            return;
        }
        self.archive = Some((name.to_owned(), ReleaseReader::new()));
    }

    /// Takes the next bytes of what was begun.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if let Some((_, read)) = &mut self.manifests {
            read.extend_from_slice(bytes);
            return Ok(());
        }
        match &mut self.archive {
            Some((name, archive)) => archive
                .push(bytes)
                .map_err(|it| Failure::input(name, &it))?,
            None => self.reader.push(bytes)?,
        }
        Ok(())
    }

    /// Ends what was begun.
    pub fn end(&mut self) -> Result<(), Failure> {
        if let Some((name, bytes)) = self.manifests.take() {
            let failed = |it: &_| Failure::manifests(&name, it);
            let release = Release::read_manifests(&name, &bytes).map_err(|it| failed(&it))?;
            self.input.releases.push(release);
            return Ok(());
        }
        let Some((name, archive)) = self.archive.take() else {
            return Ok(self.reader.close()?);
        };
        let release = archive.finish().map_err(|it| Failure::input(&name, &it))?;
        self.input.releases.push(release);
        Ok(())
    }

    /// Ends the export and returns what was read, as JSON.
    pub fn finish(&mut self) -> Result<String, Failure> {
        self.input.snapshot = mem::take(&mut self.reader).finish()?;
        let snapshot = &self.input.snapshot;
        Ok(serde_json::to_string(&Summary {
            kubernetes: snapshot.server_version.as_deref(),
            managed_fields: snapshot.managed_fields,
            kinds: &snapshot.kinds,
            passed_over: snapshot.passed_over.iter().map(PassedOver::from).collect(),
            clusters: snapshot
                .clusters
                .values()
                .map(|it| it.file.as_str())
                .collect(),
        })?)
    }

    /// Takes newer facts of releases (JSON, as `refit facts -o json` prints it) than this module has.
    #[wasm_bindgen(js_name = useFacts)]
    pub fn use_facts(&mut self, text: &str) -> Result<(), Failure> {
        self.input.facts = Some(read_facts(text)?);
        Ok(())
    }

    /// Returns the versions of all releases that planning a request (JSON) in this cluster reads, as JSON.
    pub fn releases(&self, request: &str) -> Result<String, Failure> {
        let request = serde_json::from_str::<Request>(request)?;
        Ok(serde_json::to_string(&needs::releases(
            &request,
            &self.input.snapshot,
        ))?)
    }

    /// Recovers the request that reproduces the installation which a request (JSON) means, as JSON; `null` where no
    /// control plane, or not its version, is known.
    pub fn recover(&mut self, request: &str) -> Result<String, Failure> {
        self.input.request = serde_json::from_str::<Request>(request)?;
        let recovery = recover(&self.input);
        Ok(serde_json::to_string(
            &recovery.as_ref().map(Recovered::from),
        )?)
    }

    /// Plans a request (JSON of `Request`) and returns the outcome, the same bytes as `refit plan -o json` prints.
    /// `as_of` is today as `YYYY-MM-DD`.
    pub fn plan(&mut self, request: &str, as_of: Option<String>) -> Result<String, Failure> {
        self.input.request = serde_json::from_str::<Request>(request)?;
        self.input.as_of = as_of;
        let planned = istio_planner::plan_with_objects(&self.input);
        self.predicted = planned.predicted;
        Ok(report::json(&planned.outcome))
    }

    /// Tells what the export lacks of what planning a request (JSON) reads, as JSON.
    pub fn missing(&self, request: &str) -> Result<String, Failure> {
        let request = serde_json::from_str::<Request>(request)?;
        let coverage = needs::coverage(&request, &self.input.snapshot);
        Ok(serde_json::to_string(&Missing::from(&coverage))?)
    }

    /// Returns an object (JSON of `Ref`) of the export with the line of a field (empty: of none), as JSON; `null` where
    /// it is not there.
    pub fn object(&self, object: &str, field: &str) -> Result<String, Failure> {
        let object = serde_json::from_str::<Ref>(object)?;
        let shown = snapshot::show(&self.input.snapshot, &object, Some(field));
        Ok(serde_json::to_string(
            &shown.as_ref().map(ShownObject::from),
        )?)
    }

    /// Returns an object (JSON of `Ref`) before and after the plan made last, as JSON. `everything` leaves out nothing.
    pub fn compare(&self, object: &str, everything: bool) -> Result<String, Failure> {
        let object = serde_json::from_str::<Ref>(object)?;
        let detail = if everything {
            Detail::Everything
        } else {
            Detail::Meaning
        };
        let Comparison { live, predicted } =
            compare(&self.input.snapshot, &self.predicted, &object, detail);
        Ok(serde_json::to_string(&Compared { live, predicted })?)
    }
}
