//! A fleet as `JUnit` XML: a case for each cluster, and for each finding across clusters.

use super::rows;
use super::{Cluster, Finding, Fleet, weight};
use crate::outcome::Verdict;
use crate::report::junit::{self, Case, End, line};
use crate::report::words;

/// Writes a fleet as one test suite. A cluster has failed where something stands against it, and is an error where it could
/// not be read; a finding across clusters has failed where it blocks or is unknown.
pub fn junit(fleet: &Fleet) -> String {
    let mut cases: Vec<Case> = fleet.clusters.iter().map(cluster).collect();
    cases.extend(fleet.findings.iter().map(finding));
    junit::suite(&rows::headline(fleet), &cases)
}

fn cluster(cluster: &Cluster) -> Case {
    let kind = weight(cluster.verdict()).1.to_owned();
    let end = match (&cluster.error, cluster.verdict()) {
        (Some(error), _) => End::Error {
            kind,
            message: error.clone(),
        },
        (None, Some(Verdict::Clear) | None) => End::Passed(None),
        (None, Some(_)) => {
            let lines = rows::against(cluster).into_iter().map(|it| {
                let title = line(&it.title);
                format!("{}: {title} [{}]", words::level(it.level), it.code)
            });
            End::Failed {
                message: kind.clone(),
                kind,
                body: lines.collect::<Vec<_>>().join("\n"),
            }
        }
    };
    Case {
        class: "refit.fleet".to_owned(),
        name: cluster.name.clone(),
        end,
    }
}

fn finding(finding: &Finding) -> Case {
    let mut lines = vec![line(&finding.detail)];
    let evidence = finding.subjects.iter();
    lines.extend(evidence.map(|it| {
        line(&format!(
            "{}: {}",
            it.cluster,
            crate::words::subject(&it.subject)
        ))
    }));
    lines.push(format!("→ {}", line(&finding.fix)));
    Case {
        class: format!("refit.{}", finding.code.as_str()),
        name: finding.title.clone(),
        end: junit::end(finding.level, false, &finding.title, lines.join("\n")),
    }
}
