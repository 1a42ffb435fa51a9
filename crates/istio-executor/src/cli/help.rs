//! Help as it is read: verbs in groups, examples for each, the flags that all share last.

use std::fmt::Write as _;

use clap::Command;

/// Verbs in the order in which they are met.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Plan",
        &["plan", "fleet", "recover", "snapshot", "check-inject"],
    ),
    (
        "Perform",
        &[
            "upgrade", "apply", "verify", "status", "restart", "rollback", "history", "abandon",
            "serve", "job",
        ],
    ),
    (
        "Look up",
        &[
            "explain",
            "profile",
            "bulletins",
            "facts",
            "images",
            "manifest",
            "template",
        ],
    ),
    (
        "For machines",
        &[
            "rbac",
            "schema",
            "mcp",
            "completion",
            "config",
            "version",
            "help",
        ],
    ),
];

/// What each verb is used for; shown below its long help.
const EXAMPLES: [(&str, &[&str]); 26] = [
    ("bulletins", &["refit bulletins --from 1.29.3 --to 1.29.6"]),
    ("facts", &["refit facts"]),
    (
        "images",
        &[
            "refit images export --to 1.30.3",
            "refit images export --to 1.30.3 --check",
        ],
    ),
    (
        "plan",
        &[
            "refit plan --sample                      # what a plan looks like, without a cluster",
            "refit plan --to 1.30.3                   # the cluster that kubectl talks to",
            "refit plan export --to 1.30.3 -f istio-operator.yaml --set values.pilot.traceSampling=10",
            "refit plan export --rendered manifests.yaml      # what istioctl or a GitOps repository rendered",
            "refit plan export --to 1.30.3 --out plan.json    # for refit apply",
            "refit plan export --to 1.30.3 -o sarif > refit.sarif",
        ],
    ),
    (
        "fleet",
        &[
            "refit fleet plan clusters/* --to 1.30.3                      # a folder or archive for each cluster",
            "refit fleet plan clusters/* --to 1.30.3 -f base.yaml -f 'requests/{cluster}.yaml'",
            "refit fleet plan --contexts 'prod-*' --to 1.30.3 --out plans   # outcomes for refit apply, and fleet.json",
            "refit fleet plan clusters/* --to 1.30.3 -o html > fleet.html",
            "refit fleet job plans --image IMAGE --kubeconfig-secret 'kubeconfig-{cluster}' --soak 30m | kubectl apply -f -",
            "refit fleet resume; refit fleet status --watch",
        ],
    ),
    (
        "upgrade",
        &[
            "refit upgrade --to 1.30.3 -f istio-operator.yaml",
            "refit upgrade --to 1.30.3 --dry-run",
            "refit upgrade --to 1.30.3 --restart --rollback-on-failure -y",
        ],
    ),
    (
        "apply",
        &["refit apply plan.json", "refit apply plan.json --resume"],
    ),
    (
        "verify",
        &[
            "refit verify                         # objects, pods and proxies, after refit restart",
            "refit verify --skip-proxies -o junit # the control plane alone, for CI",
        ],
    ),
    ("rollback", &["refit rollback"]),
    ("history", &["refit history"]),
    ("abandon", &["refit abandon"]),
    (
        "snapshot",
        &[
            "refit snapshot -o export.tar.gz",
            "refit snapshot --print-kubectl",
        ],
    ),
    (
        "manifest",
        &[
            "refit manifest generate -d 1.30.3 -f istio-operator.yaml",
            "refit manifest generate --manifests istio-1.30.3.tar.gz --set profile=demo",
        ],
    ),
    (
        "template",
        &[
            "refit template istiod manifests/charts/istio-control/istio-discovery -n istio-system -f values.yaml",
        ],
    ),
    (
        "explain",
        &[
            "refit explain version-skew",
            "refit explain webhook                    # every code that has to do with it",
            "refit explain -o json",
        ],
    ),
    (
        "job",
        &["refit job plan.json --image IMAGE | kubectl apply -f -"],
    ),
    (
        "profile",
        &[
            "refit profile dump demo@1.30 --effective",
            "refit profile diff default@1.29 default@1.30 --effective",
        ],
    ),
    (
        "rbac",
        &["refit rbac | kubectl apply -f -", "refit rbac --read-only"],
    ),
    ("restart", &["refit restart --wave 25% --pause 10m"]),
    ("serve", &["refit serve"]),
    (
        "status",
        &[
            "refit status",
            "refit status -o json",
            "refit status --rollback                  # can the last upgrade still be undone, and what would be lost",
            "refit status --rollback export --to 1.29.6",
        ],
    ),
    (
        "check-inject",
        &["refit check-inject export -n shop web-7d4b9c-x2k8p"],
    ),
    ("recover", &["refit recover export -o istio-operator.yaml"]),
    ("schema", &["refit schema outcome > outcome.json"]),
    (
        "mcp",
        &[
            "refit mcp                                # by a client: {\"command\": \"refit\", \"args\": [\"mcp\"]}",
        ],
    ),
    (
        "completion",
        &[
            "source <(refit completion bash)",
            "refit completion zsh > ~/.zfunc/_refit      # a folder of fpath",
        ],
    ),
];

/// What stands below every verb's long help.
const SETTINGS: &str = "Flags can be given by the environment, --releases by REFIT_RELEASES, and in .refit.yaml; see \
                        refit config.";

/// Adds groups and examples to a command.
pub(super) fn dressed(mut command: Command) -> Command {
    for verb in command.get_subcommands_mut() {
        let Some((_, examples)) = EXAMPLES.iter().find(|it| it.0 == verb.get_name()) else {
            continue;
        };
        let mut text = String::from("Examples:\n");
        for example in *examples {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {example}");
        }
        let _ = write!(text, "\n{SETTINGS}");
        *verb = std::mem::take(verb).after_long_help(text);
    }
    let groups = groups(&command);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}\n\nrefit help VERB says more, refit plan --sample shows what a plan is."
    ))
}

/// Verbs in groups, a line each; one that no group names stands last.
fn groups(command: &Command) -> String {
    let about = |name: &str| {
        if name == "help" {
            return Some("Says what a verb does, with examples".to_owned());
        }
        let verb = command
            .find_subcommand(name)
            .filter(|it| !it.is_hide_set())?;
        Some(
            verb.get_about()
                .map(ToString::to_string)
                .unwrap_or_default(),
        )
    };
    let known: Vec<&str> = GROUPS.iter().flat_map(|it| it.1).copied().collect();
    let rest: Vec<&str> = command
        .get_subcommands()
        .filter(|it| !it.is_hide_set())
        .map(Command::get_name)
        .filter(|it| !known.contains(it))
        .collect();
    let others = (!rest.is_empty()).then_some(("Others", rest.as_slice()));
    let mut text = String::new();
    for (title, verbs) in GROUPS.into_iter().chain(others) {
        let _ = writeln!(text, "{title}:");
        for verb in verbs {
            if let Some(about) = about(verb) {
                let _ = writeln!(text, "  {verb:<13} {about}");
            }
        }
        text.push('\n');
    }
    text
}
