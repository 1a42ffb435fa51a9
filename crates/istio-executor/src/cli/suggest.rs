//! Words for those who come from istioctl, helm, kubectl and terraform, and for slips of the keyboard.

use clap::Command;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What somebody may type, and what does that here.
const VERBS: [(&str, &str); 20] = [
    (
        "analyze",
        "`refit plan` says what stands against an upgrade; it checks no configuration",
    ),
    ("check", "`refit plan --to VERSION` checks and plans"),
    (
        "delete",
        "refit removes nothing but what `refit upgrade --prune` names",
    ),
    (
        "diff",
        "`refit plan --to VERSION -o diff` shows whole objects before and after",
    ),
    (
        "downgrade",
        "`refit upgrade --to VERSION` goes down too; `refit rollback` undoes an upgrade",
    ),
    (
        "dry-run",
        "`refit upgrade --dry-run` asks the API server about each write",
    ),
    (
        "export",
        "`refit snapshot` reads from the cluster what a plan needs",
    ),
    ("get", "`refit status` says what runs"),
    (
        "install",
        "`refit upgrade --to VERSION` goes on from an installation; for a new one use istioctl install",
    ),
    (
        "list",
        "`refit status` says what runs, `refit profile list` which profiles there are",
    ),
    ("precheck", "`refit plan --to VERSION` checks and plans"),
    ("proxy-status", "`refit status` says what runs"),
    (
        "show",
        "`refit plan`, `refit status` and `refit explain` show things",
    ),
    ("sync", "`refit apply PLAN` performs a saved plan"),
    ("undo", "`refit rollback` puts back what an upgrade changed"),
    (
        "uninstall",
        "refit does not uninstall; use istioctl uninstall",
    ),
    ("update", "`refit upgrade --to VERSION`"),
    (
        "validate",
        "`refit plan -f FILE` checks a request against the target's own validation",
    ),
    ("verify", "`refit upgrade --verify` plans again afterwards"),
    (
        "verify-install",
        "`refit upgrade --verify` plans again afterwards; `refit status` says what runs",
    ),
];

/// Flags that somebody may type, and what does that here.
const FLAGS: [(&str, &str); 14] = [
    ("--yes", "-y, or --skip-confirmation"),
    ("--auto-approve", "-y, or --skip-confirmation"),
    ("-auto-approve", "-y, or --skip-confirmation"),
    ("-A", "all namespaces are read anyway"),
    ("--all-namespaces", "all namespaces are read anyway"),
    ("-n", "-i names the control plane's namespace"),
    ("--namespace", "-i names the control plane's namespace"),
    ("--version", "--to names the version to go to"),
    ("--target-version", "--to names the version to go to"),
    (
        "--charts",
        "--manifests names charts, --releases a folder of releases",
    ),
    ("--wait", "every step is waited for anyway"),
    ("--atomic", "--rollback-on-failure"),
    (
        "--dry-run",
        "`refit plan` changes nothing; `refit upgrade --dry-run` asks the API server",
    ),
    (
        "--values",
        "-f takes IstioOperator files, --set single values",
    ),
];

/// Every version that is known, for completion.
pub(super) fn versions() -> Vec<PossibleValue> {
    istio_catalog::Catalog::embedded()
        .patches()
        .map(|it| PossibleValue::new(&*Box::leak(it.to_string().into_boxed_str())))
        .collect()
}

/// Takes any text, and offers values to shells; they are made when a shell asks.
pub(super) fn anything(offered: fn() -> Vec<PossibleValue>) -> Anything {
    Anything(offered)
}

/// See [`anything`].
#[derive(Debug, Clone)]
pub(super) struct Anything(fn() -> Vec<PossibleValue>);

impl TypedValueParser for Anything {
    type Value = String;

    fn parse_ref(
        &self,
        cmd: &Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        clap::builder::StringValueParser::new().parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter()))
    }
}

/// The word that needs the fewest letters changed, if these are few.
pub(super) fn nearest<'a>(word: &str, all: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(80).collect();
    let scored = all.map(|it| (distance(&word, &it.chars().collect::<Vec<_>>()), it));
    let best = scored.min_by_key(|it| it.0)?;
    (best.0 <= 1 + word.len() / 4).then_some(best.1)
}

/// Letters to insert, delete or replace.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let here = (before + usize::from(x != y)).min(*cell + 1).min(left + 1);
            before = *cell;
            *cell = here;
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// An error of the command line as one `error:` line and `hint:` lines.
pub(super) fn told(error: &clap::Error, verb: Option<&str>) -> String {
    let whole = error.render().to_string();
    let (first, rest) = whole.split_once("\n\n").unwrap_or((whole.as_str(), ""));
    let first = first.trim().trim_start_matches("error:").trim();
    let mut lines = vec![first.lines().map(str::trim).collect::<Vec<_>>().join(" ")];
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(it)) => Some(it.as_str()),
        _ => None,
    };
    let own = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            VERBS.iter().find(|it| it.0 == word.to_lowercase())
        }
        ErrorKind::UnknownArgument => {
            let word = context(ContextKind::InvalidArg).unwrap_or_default();
            let word = word.split('=').next().unwrap_or_default();
            FLAGS.iter().find(|it| it.0 == word)
        }
        _ => None,
    };
    let tips = rest
        .lines()
        .filter_map(|it| it.trim().strip_prefix("tip: "));
    match own {
        Some((_, words)) => lines.push(format!("hint: {words}")),
        None => lines.extend(tips.map(|it| format!("hint: {it}"))),
    }
    if lines.len() == 1 {
        lines.push(match verb {
            Some(verb) => format!("hint: refit help {verb}"),
            None => "hint: refit help".to_owned(),
        });
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let words = ["version-skew", "end-of-life"];
        assert_eq!(
            nearest("version-scew", words.into_iter()),
            Some("version-skew")
        );
        assert_eq!(nearest("quite-other", words.into_iter()), None);
    }
}
