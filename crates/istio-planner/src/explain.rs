//! What every code means, why it matters, how to settle it, and where that comes from: `refit explain CODE`.

use serde::Serialize;

use crate::rules::Code;

pub use crate::rules::Explanation;

/// Returns what a code, or the code of a note, means; `None` for a name that is no code.
pub fn explain(code: &str) -> Option<Explanation> {
    Code::parse(code)
        .map(Code::explanation)
        .or_else(|| crate::notes::explanation(code))
}

/// A code in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// For example `version-skew`.
    pub code: &'static str,
    /// The weight that its findings have by default: `block`, `unknown`, `warn` or `info`; `note` for behaviour that
    /// changes between releases.
    pub level: &'static str,
    /// What it says, in a sentence.
    pub title: &'static str,
}

/// Returns all codes: of findings in the order of the contract, then of notes.
pub fn catalogue() -> Vec<Entry> {
    let findings = Code::ALL.iter().map(|code| Entry {
        code: code.as_str(),
        level: usual_level(*code),
        title: code.explanation().meaning,
    });
    let notes = crate::notes::codes().filter_map(|code| {
        Some(Entry {
            code,
            level: "note",
            title: crate::notes::explanation(code)?.meaning,
        })
    });
    findings.chain(notes).collect()
}

/// A code and its explanation, as programs read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The code in a line.
    #[serde(flatten)]
    pub entry: Entry,
    /// Why it matters.
    pub why: &'static str,
    /// How to settle it.
    pub settle: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<&'static str>,
}

impl Explained {
    /// Explains an entry of the catalogue; `None` where its code is none.
    pub fn of(entry: Entry) -> Option<Self> {
        let it = explain(entry.code)?;
        Some(Self {
            entry,
            why: it.why,
            settle: it.settle,
            source: it.source,
            link: it.link,
        })
    }
}

/// The JSON Schema of an outcome, with the closed list of codes, which the outcome's own floor does not know.
#[cfg(feature = "schema")]
pub fn outcome_schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(crate::outcome::Outcome);
    let codes: Vec<_> = catalogue().into_iter().map(|it| it.code).collect();
    if let Some(code) = schema.pointer_mut("/$defs/Finding/properties/code") {
        code["enum"] = codes.into();
    }
    schema
}

/// The weight that findings of a code have unless the cluster says otherwise.
fn usual_level(code: Code) -> &'static str {
    match code {
        Code::VersionSkew
        | Code::SourceTooOld
        | Code::MixedVersions
        | Code::RevisionedInstall
        | Code::ForeignInstaller
        | Code::OperatorManaged
        | Code::NoControlPlane
        | Code::SeveralControlPlanes
        | Code::ControlPlaneNotRendered
        | Code::KubernetesBelowMinimum
        | Code::CompatibilityVersionUnsupported
        | Code::RequestInvalid
        | Code::RenderFailed
        | Code::ApplyRefused
        | Code::WebhookOverlap
        | Code::AlphaSecurityObjects
        | Code::CrdStoredVersion
        | Code::FieldsLost => "block",
        Code::SourceVersionUnknown
        | Code::TargetUnknown
        | Code::InstallerUnknown
        | Code::KubernetesUnknown
        | Code::TargetReleaseMissing
        | Code::SourceReleaseMissing
        | Code::OwnershipUnknown
        | Code::ExportIncomplete => "unknown",
        Code::IstioctlDefect
        | Code::NodeAgentsRestart
        | Code::IstiodRollsGateways
        | Code::RevisionTagStale => "info",
        _ => "warn",
    }
}

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::rules::Code;

    #[test]
    fn every_code_is_explained_in_full_sentences() {
        for code in Code::ALL {
            let it = explain(code.as_str()).expect("each code is explained");
            for text in [it.meaning, it.why, it.settle] {
                assert!(
                    text.ends_with('.') && text.len() > 20,
                    "{}: {text}",
                    code.as_str()
                );
            }
            assert!(!it.source.is_empty());
        }
    }

    #[test]
    fn the_catalogue_holds_every_code_once() {
        let all = super::catalogue();
        let mut codes: Vec<_> = all.iter().map(|it| it.code).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(count > Code::ALL.len());
        assert!(all.iter().all(|it| explain(it.code).is_some()));
    }

    #[test]
    fn a_name_that_is_no_code_is_not_explained() {
        assert_eq!(explain("no-such-code"), None);
    }
}
