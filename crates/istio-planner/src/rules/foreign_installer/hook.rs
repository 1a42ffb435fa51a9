//! A Helm release whose hook runs istioctl, and scheduled Jobs that do: they install again over what an apply makes.

use sorted::{SortedMap, SortedSet};

use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;
use crate::rules::{Situation, workload_subject};
use crate::snapshot::{Object, Snapshot, Workload};

/// What runs istioctl.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Runner {
    /// A Helm release of this name, if it is known.
    Release(Option<String>),
    /// A CronJob.
    Schedule(String),
}

pub(super) fn findings(situation: &Situation) -> Vec<Finding> {
    let mut runners = runners(situation.snapshot);
    // A hook often carries no mark of its release; what stands beside it does.
    let names: SortedSet<_> = runners
        .keys()
        .filter_map(|it| match it {
            Runner::Release(name) => name.clone(),
            Runner::Schedule(_) => None,
        })
        .collect();
    if let (Some(one), 1) = (names.first(), names.len())
        && let Some(nameless) = runners.remove(&Runner::Release(None))
    {
        runners
            .entry(Runner::Release(Some(one.clone())))
            .or_default()
            .extend(nameless);
    }
    let target = situation.request.to.as_str();
    runners
        .into_iter()
        .map(|(runner, subjects)| finding(&runner, subjects, target))
        .collect()
}

fn finding(runner: &Runner, subjects: Vec<Subject>, target: &str) -> Finding {
    let (title, detail, fix) = match runner {
        Runner::Release(name) => {
            let name = name.as_ref().map_or_else(
                || "A Helm release (the export does not tell its name)".to_owned(),
                |it| format!("The Helm release {it}"),
            );
            (
                format!("{name} installs Istio by a Job that runs istioctl"),
                "The next upgrade of the release runs its own istioctl with its own settings again, over what this apply makes",
                format!(
                    "Upgrade the release with `helm upgrade` to a version of its chart that brings Istio {target}; to use \
                     istioctl alone, take the release off first, so that its hooks do not remove Istio"
                ),
            )
        }
        Runner::Schedule(name) => (
            format!("The CronJob {name} runs istioctl"),
            "Its next run installs its own version and settings again, over what this apply makes",
            format!(
                "Suspend the CronJob, or give it istioctl {target} and the request's file, before the apply"
            ),
        ),
    };
    Finding::new(Code::ForeignInstaller, Level::Warn, title, detail)
        .about(subjects)
        .fix(fix)
}

fn runners(snapshot: &Snapshot) -> SortedMap<Runner, Vec<Subject>> {
    let mut runners: SortedMap<Runner, Vec<Subject>> = SortedMap::new();
    for workload in snapshot.workloads.values().filter(|it| it.runs_istioctl) {
        if let Some(runner) = of_workload(workload, snapshot) {
            runners
                .entry(runner)
                .or_default()
                .push(workload_subject(workload));
        }
    }
    for (object, kept) in &snapshot.objects {
        if object.kind == "ConfigMap"
            && let Some(release) = of_script(kept)
        {
            runners
                .entry(Runner::Release(Some(release)))
                .or_default()
                .push(Subject::kept(object, kept));
        }
    }
    runners
}

fn of_workload(workload: &Workload, snapshot: &Snapshot) -> Option<Runner> {
    // A Job that a CronJob made is the CronJob's.
    if let Some(owner) = workload.owner.as_ref().filter(|it| it.kind == "CronJob") {
        let namespace = &workload.namespace;
        let key = (owner.kind.clone(), namespace.clone(), owner.name.clone());
        let listed = snapshot
            .workloads
            .get(&key)
            .is_some_and(|it| it.runs_istioctl);
        return (!listed).then(|| Runner::Schedule(format!("{namespace}/{}", owner.name)));
    }
    let hooked = workload.annotations.contains_key("helm.sh/hook")
        || workload
            .annotations
            .contains_key("meta.helm.sh/release-name")
        || ["app.kubernetes.io/managed-by", "heritage"]
            .iter()
            .any(|it| workload.labels.get(*it).is_some_and(|it| it == "Helm"));
    if hooked {
        return Some(Runner::Release(release(
            &workload.annotations,
            &workload.labels,
        )));
    }
    (workload.kind == "CronJob" && !workload.suspended)
        .then(|| Runner::Schedule(format!("{}/{}", workload.namespace, workload.name)))
}

/// The release of a mark: Helm's own annotation, the labels that charts write by custom, or the chart's name.
fn release(
    annotations: &SortedMap<String, String>,
    labels: &SortedMap<String, String>,
) -> Option<String> {
    let chart = || {
        let chart = labels
            .get("helm.sh/chart")
            .or_else(|| labels.get("chart"))?;
        let at = chart.char_indices().find(|(at, it)| {
            *it == '-' && chart[at + 1..].starts_with(|it: char| it.is_ascii_digit())
        });
        Some(at.map_or(chart.as_str(), |(at, _)| &chart[..at]).to_owned())
    };
    annotations
        .get("meta.helm.sh/release-name")
        .or_else(|| labels.get("app.kubernetes.io/instance"))
        .or_else(|| labels.get("release"))
        .cloned()
        .or_else(chart)
}

/// The release of a `ConfigMap` that holds what such a Job runs: a script with istioctl, or an `IstioOperator` file.
fn of_script(kept: &Object) -> Option<String> {
    let name = kept
        .value
        .pointer("/metadata/annotations/meta.helm.sh~1release-name")?
        .as_str()?;
    let data = kept.value.get("data")?.as_object()?;
    data.values()
        .filter_map(|it| it.as_str())
        .any(|it| it.contains("kind: IstioOperator") || crate::snapshot::installs_by_istioctl(it))
        .then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::rules::fixture::Cluster;
    use crate::rules::foreign_installer::check;
    use crate::snapshot::Workload;

    fn job(kind: &str, annotations: &[(&str, &str)], labels: &[(&str, &str)]) -> Workload {
        let map = |it: &[(&str, &str)]| {
            it.iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        Workload {
            api_version: "batch/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: "istio-system".to_owned(),
            name: "installer".to_owned(),
            annotations: map(annotations),
            labels: map(labels),
            runs_istioctl: true,
            ..Workload::default()
        }
    }

    fn with(jobs: Vec<Workload>) -> Cluster {
        let mut cluster = Cluster::new();
        for it in jobs {
            let key = (it.kind.clone(), it.namespace.clone(), it.name.clone());
            cluster.snapshot.workloads.insert(key, it);
        }
        cluster
    }

    #[test]
    fn a_hook_is_named_by_its_release() {
        for (annotations, labels) in [
            (
                vec![
                    ("helm.sh/hook", "post-install"),
                    ("meta.helm.sh/release-name", "mesh"),
                ],
                vec![],
            ),
            (
                vec![("helm.sh/hook", "post-install")],
                vec![("app.kubernetes.io/instance", "mesh")],
            ),
            (
                vec![("helm.sh/hook", "post-install")],
                vec![("helm.sh/chart", "mesh-107.0.0_up1.29.6")],
            ),
        ] {
            let findings = with(vec![job("Job", &annotations, &labels)]).check(check);
            assert_eq!(
                findings[0].title,
                "The Helm release mesh installs Istio by a Job that runs istioctl"
            );
        }
    }

    #[test]
    fn a_hook_without_a_mark_is_of_the_release_beside_it() {
        let mut cluster = with(vec![job("Job", &[("helm.sh/hook", "post-upgrade")], &[])]);
        assert!(cluster.check(check)[0].title.starts_with("A Helm release"));
        cluster.object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "istio-system",
            "name": "base", "annotations": {"meta.helm.sh/release-name": "rancher-istio"}},
            "data": {"a.yaml": "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n"}}));
        let findings = cluster.check(check);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].title.contains("rancher-istio"));
        assert_eq!(findings[0].subjects.len(), 2);
    }

    #[test]
    fn a_schedule_is_named() {
        let cluster = with(vec![job("CronJob", &[], &[])]);
        assert_eq!(
            cluster.check(check)[0].title,
            "The CronJob istio-system/installer runs istioctl"
        );
    }

    #[test]
    fn a_job_that_somebody_ran_once_is_none() {
        assert!(with(vec![job("Job", &[], &[])]).check(check).is_empty());
        let mut suspended = job("CronJob", &[], &[]);
        suspended.suspended = true;
        assert!(with(vec![suspended]).check(check).is_empty());
    }

    #[test]
    fn a_config_map_of_a_chart_that_runs_no_istioctl_is_none() {
        let mut cluster = Cluster::new();
        cluster.object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "istio-system",
            "name": "base", "annotations": {"meta.helm.sh/release-name": "kiali"}},
            "data": {"config.yaml": "istio_namespace: istio-system\nhint: istioctl analyze\n"}}));
        assert!(cluster.check(check).is_empty());
    }
}
