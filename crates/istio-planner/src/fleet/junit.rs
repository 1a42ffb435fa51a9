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

fn cluster(it: &Cluster) -> Case {
    let kind = weight(it.verdict()).1.to_owned();
    let end = match (&it.error, it.verdict()) {
        (Some(error), _) => End::Error {
            kind,
            message: error.clone(),
        },
        (None, Some(Verdict::Clear) | None) => End::Passed(None),
        (None, Some(_)) => {
            let lines = rows::against(it).into_iter().map(|it| {
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
        name: it.name.clone(),
        end,
    }
}

fn finding(it: &Finding) -> Case {
    let mut lines = vec![line(&it.detail)];
    let evidence = it.subjects.iter();
    lines.extend(evidence.map(|it| {
        line(&format!(
            "{}: {}",
            it.cluster,
            crate::words::subject(&it.subject)
        ))
    }));
    lines.push(format!("→ {}", line(&it.fix)));
    Case {
        class: format!("refit.{}", it.code.as_str()),
        name: it.title.clone(),
        end: junit::end(it.level, false, &it.title, lines.join("\n")),
    }
}
