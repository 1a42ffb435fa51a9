//! A fleet as Markdown, for a ticket or a review.

use std::fmt::Write as _;

use super::Fleet;
use super::rows::{self, Age};
use crate::report::markdown::escape;
use crate::report::words;

/// Writes a fleet as Markdown: the words of [`super::Text`].
pub fn markdown(fleet: &Fleet, age: Age) -> String {
    let mut text = format!("# {}\n\n", escape(&rows::headline(fleet)));
    // Writing to a string cannot fail.
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    let cells = |row: &[String]| {
        let cells: Vec<String> = row
            .iter()
            .map(|it| escape(it).replace('|', "\\|"))
            .collect();
        format!("| {} |", cells.join(" | "))
    };
    line(cells(&rows::HEAD.map(str::to_owned)));
    line(cells(&rows::HEAD.map(|_| "---".to_owned())));
    for row in rows::rows(fleet, age) {
        line(cells(&row));
    }
    if !fleet.meshes.is_empty() {
        line("\n## Meshes, in the order of upgrading\n".to_owned());
        for it in &fleet.meshes {
            line(format!("- {}", escape(&rows::mesh(it))));
        }
    }
    let mut begun = false;
    for cluster in &fleet.clusters {
        let against = rows::against(cluster);
        if cluster.error.is_none() && against.is_empty() {
            continue;
        }
        if !begun {
            line("\n## Stands against it".to_owned());
        }
        begun = true;
        line(format!("\n### {}\n", escape(&cluster.name)));
        if let Some(error) = &cluster.error {
            line(format!("- **error** {}", escape(error)));
        }
        for it in against {
            let (level, title) = (words::level(it.level), escape(&it.title));
            line(format!("- **{level}** {title} `{}`", it.code));
        }
    }
    if !fleet.findings.is_empty() {
        line("\n## Across clusters\n".to_owned());
    }
    for it in &fleet.findings {
        let (level, title) = (words::level(it.level), escape(&it.title));
        line(format!("- **{level}** {title} `{}`  ", it.code.as_str()));
        line(format!("  {}  ", escape(&it.detail)));
        line(format!("  → {}", escape(&it.fix)));
        for evidence in &it.subjects {
            let subject = crate::words::subject(&evidence.subject);
            line(format!(
                "  - {}: {}",
                escape(&evidence.cluster),
                escape(&subject)
            ));
        }
    }
    text
}
