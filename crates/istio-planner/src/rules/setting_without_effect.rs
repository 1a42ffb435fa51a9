//! `setting-without-effect`: settings that the source's charts read, and that the target's accept and nobody reads.
//!
//! Found by rendering with and without each setting, by source and target: what made a difference and makes none any
//! more is named. Subtrees are tried first, and the number of renderings is bounded. What is only written down for
//! others to read (the ConfigMap `values`, values in the injector that its templates do not name) is no difference.

mod effect;
mod moved;
mod spec;
mod variables;

use std::cell::OnceCell;

use istio_render::{OperatorFile, Options, Renderer};
use serde_json::{Value, json};

use super::diagnostics::{self, OVERLAY, place};
use super::{Situation, enumerate, text};
use crate::outcome::{ChangeClass, Finding, Level};
use crate::rendering;
use crate::rules::Code;
use crate::rules::Explanation;
use effect::Effect;
use istio_render::Diagnostic;
use moved::Instead;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The request, or the installation, has a setting that the target accepts and that nothing reads any more, or an \
              overlay that meets nothing.",
    why: "istioctl says nothing about it. What the setting did ends with the apply, and with the restart of the pods where it \
          was a matter of injection: without CNI, for example, each pod gets an init container that needs NET_ADMIN again.",
    settle: "Say it at the place that is read today, or take it out of the request. Correct the kind, name or path of the \
             overlay.",
    source: "the charts of both releases (rendered with and without the setting); 1.30.3:operator/pkg/render/postprocess.go \
             (overlays); 1.30.3:istioctl/pkg/tag/util.go (webhooks that are deactivated)",
    link: Some("https://istio.io/latest/docs/setup/additional-setup/customize-installation/"),
};

/// Renderings that a plan spends here.
const BUDGET: usize = 60;

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut findings = settings(situation);
    findings.extend(quiet_webhooks(situation));
    findings.extend(variables::check(situation));
    let overlays = situation.diagnostics.iter().filter(|it| it.code == OVERLAY);
    findings.extend(overlays.map(overlay));
    findings
}

/// Settings of the request, found by rendering.
fn settings(situation: &Situation) -> Vec<Finding> {
    let (Some(from), Some(to), Some(desired)) = (situation.from, situation.to, situation.desired)
    else {
        return Vec::new();
    };
    let (Some(source), Some(target)) = (
        rendering::find(situation.releases, from),
        rendering::find(situation.releases, to),
    ) else {
        return Vec::new();
    };
    let user = desired
        .rendering
        .user
        .get("spec")
        .cloned()
        .unwrap_or_default();
    let options = rendering::options(situation.request, &situation.inventory.kubernetes);
    let (source, target) = (Renderer::new(source), Renderer::new(target));
    let mut found = Vec::new();
    // What the request says, and what it would say if it repeated the installation.
    for (spec, of_request) in [
        (Some(user.clone()), true),
        (spec::repeated(situation, &user), false),
    ] {
        let Some(spec) = spec else {
            continue;
        };
        let mut trial = Trial {
            source: &source,
            target: &target,
            options: &options,
            spec: &spec,
            before: OnceCell::new(),
            after: OnceCell::new(),
            left: BUDGET,
        };
        for path in spec::candidates(&spec, (!of_request).then_some(&user)) {
            trial.look(&path, &mut found, of_request);
        }
    }
    found
        .into_iter()
        .map(|lost| finding(situation, &lost))
        .collect()
}

/// A setting whose effect ends.
struct Lost {
    path: Vec<String>,
    value: Value,
    /// Objects that it changed.
    effect: Vec<String>,
    /// It reached the pods that are injected.
    pods: bool,
    of_request: bool,
}

fn finding(situation: &Situation, lost: &Lost) -> Finding {
    let name = spec::name(&lost.path);
    let to = situation.to.map(ToString::to_string).unwrap_or_default();
    let from = situation.from.map(ToString::to_string).unwrap_or_default();
    let moved = moved::to(&name);
    let place = situation
        .documents
        .place_of(&spec::place(&lost.path))
        .or_else(|| {
            let settings = &situation.installation?.settings;
            let setting = settings.iter().find(|it| it.path.starts_with(&lost.path))?;
            Some(setting.evidence.clone())
        });
    let subject = place.unwrap_or_default().value(lost.value.clone());
    let subject = if subject.field.is_none() {
        subject.field(format!("spec.{name}"))
    } else {
        subject
    };
    let (title, whose) = if lost.of_request {
        (
            format!("Istio {to} accepts {name} and does not read it"),
            "The request sets it",
        )
    } else {
        (
            format!("The installation sets {name}, which Istio {to} accepts and does not read"),
            "It is set now",
        )
    };
    let pods = match (lost.pods, moved.and_then(|it| it.pods)) {
        (_, Some(pods)) => format!(". {pods}"),
        (true, None) => ". Pods that are restarted are injected as if it were not set".to_owned(),
        (false, None) => String::new(),
    };
    let finding = Finding::new(
        Code::SettingWithoutEffect,
        Level::Warn,
        title,
        format!(
            "{whose}: with {from} it changes {}, with {to} it changes nothing{pods}",
            enumerate(&lost.effect)
        ),
    )
    .about([subject]);
    match moved.map(|it| it.instead) {
        Some(Instead::Set(other)) => finding.fix(format!("Set {other} instead")),
        Some(Instead::Always(does)) => {
            finding.fix(format!("Take it out of the request: {does}"))
        }
        None => finding.fix(format!(
            "Look what took its place in {to} (`refit explain` names no other place), or take it out of the request"
        )),
    }
}

/// One request, rendered again and again with less in it.
struct Trial<'a> {
    source: &'a Renderer<'a>,
    target: &'a Renderer<'a>,
    options: &'a Options,
    spec: &'a Value,
    /// With everything, by the source; `None` where it refuses the request.
    before: OnceCell<Option<Effect>>,
    after: OnceCell<Option<Effect>>,
    left: usize,
}

impl Trial<'_> {
    /// Looks whether a subtree lost its effect, and its parts where it still has one.
    fn look(&mut self, path: &[String], found: &mut Vec<Lost>, of_request: bool) {
        if self.left == 0 {
            return;
        }
        let Some(value) = spec::get(self.spec, path) else {
            return;
        };
        let without = spec::without(self.spec, path);
        let whole = self
            .after
            .get_or_init(|| self.render(self.target, self.spec));
        let (Some(whole), Some(part)) = (whole, self.render(self.target, &without)) else {
            return;
        };
        let same = *whole == part;
        self.left -= 1;
        if !same {
            if let Value::Object(map) = value
                && path.len() < DEEPEST
            {
                // The only part of a subtree is the subtree.
                if map.len() > 1
                    || map
                        .values()
                        .any(|it| it.as_object().is_some_and(|it| it.len() > 1))
                {
                    for key in map.keys() {
                        let mut inner = path.to_vec();
                        inner.push(key.clone());
                        self.look(&inner, found, of_request);
                    }
                }
            }
            return;
        }
        let whole = self
            .before
            .get_or_init(|| self.render(self.source, self.spec));
        let (Some(whole), Some(part)) = (whole, self.render(self.source, &without)) else {
            return;
        };
        let changed = whole.beyond(&part);
        self.left = self.left.saturating_sub(1);
        if changed.is_empty() {
            return;
        }
        found.push(Lost {
            path: spec::leaf(path, value),
            value: spec::only(value).clone(),
            pods: changed.iter().any(|it| it.contains("sidecar-injector")),
            effect: changed,
            of_request,
        });
    }

    fn render(&self, release: &Renderer<'_>, spec: &Value) -> Option<Effect> {
        let operator = json!({
            "apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": spec,
        });
        let options = Options {
            files: vec![OperatorFile {
                name: "request".to_owned(),
                text: kube_yaml::to_string(&operator),
            }],
            sets: Vec::new(),
            ..self.options.clone()
        };
        release.render(&options).ok().map(|it| Effect::new(&it))
    }
}

/// Keys from `spec` on below which nothing is looked at one by one.
const DEEPEST: usize = 5;

/// Overlays on webhooks that the apply puts to sleep: the default tag's do their work
/// (1.30.3:istioctl/pkg/tag/util.go).
fn quiet_webhooks(situation: &Situation) -> Vec<Finding> {
    let Some(desired) = situation.desired else {
        return Vec::new();
    };
    let sleeps = |name: &str| {
        desired.changes.iter().any(|it| {
            it.object.kind == "MutatingWebhookConfiguration"
                && it.object.name == name
                && !matches!(it.class, ChangeClass::Delete | ChangeClass::Orphan)
                && it.predicted.as_ref().is_some_and(is_quiet)
        })
    };
    let components = desired
        .rendering
        .user
        .pointer("/spec/components")
        .and_then(Value::as_object);
    let mut subjects = Vec::new();
    let mut names = Vec::new();
    for (component, settings) in components.into_iter().flatten() {
        let overlays = settings.pointer("/k8s/overlays").and_then(Value::as_array);
        for (index, overlay) in overlays.into_iter().flatten().enumerate() {
            let name = text(overlay, "/name").unwrap_or_default();
            if text(overlay, "/kind") != Some("MutatingWebhookConfiguration") || !sleeps(name) {
                continue;
            }
            let field = format!("spec.components.{component}.k8s.overlays[{index}]");
            let keys = ["components", component.as_str(), "k8s", "overlays"];
            let place = situation.documents.place_of(&keys).unwrap_or_default();
            subjects.push(place.field(field));
            names.push(name.to_owned());
        }
    }
    names.dedup();
    if subjects.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::SettingWithoutEffect,
        Level::Warn,
        format!(
            "An overlay changes {}, which is deactivated",
            enumerate(&names)
        ),
        "The apply makes the webhooks of the default tag (istio-revision-tag-default) and lets the rendered ones match \
         nothing; the overlay is not carried over to those that inject",
    );
    vec![finding.about(subjects).fix(
        "Use a value that the webhooks of the tag take over too, or change istio-revision-tag-default after the upgrade",
    )]
}

fn is_quiet(configuration: &Value) -> bool {
    let webhooks = configuration.get("webhooks").and_then(Value::as_array);
    webhooks.is_some_and(|it| {
        !it.is_empty()
            && it.iter().all(|it| {
                it.pointer("/namespaceSelector/matchLabels")
                    .and_then(|it| it.get("istio.io/deactivated"))
                    .is_some()
            })
    })
}

/// Turns an overlay that meets nothing, as the renderer tells it, into a finding.
fn overlay(diagnostic: &Diagnostic) -> Finding {
    let title = format!("The overlay {} has no effect", place(diagnostic));
    let code = Code::SettingWithoutEffect;
    diagnostics::finding(code, Level::Warn, title, diagnostic)
        .fix("Correct kind, name or path: `refit manifest generate` prints the objects that an overlay can change")
}

#[cfg(test)]
mod tests;
