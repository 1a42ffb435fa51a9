//! The straight line from input to outcome; no module calls back.

use istio_catalog::{ComponentName, Minor, Version};
use serde_json::Value;
use sorted::SortedMap;

use crate::customisation::{self, After, Installation, Setting};
use crate::dataplane::Renewals;
use crate::desired::Desired;
use crate::diff::{Consent, DiffOutcome, diff};
use crate::input::{Asked, Documents, Input};
use crate::outcome::{
    Charts, ControlPlane, DefaultChange, Finding, Installer, Inventory, Outcome, Ref, Reverted,
    SCHEMA, Source, Subject, Target, Verdict,
};
use crate::plan::Plan;
use crate::rendering::{self, Rendered};
use crate::rules::{self, Facts, FoundReleases, Situation};
use crate::{
    acceptance, credentials, dataplane, defaults, hops, input, inventory, notes, order, outcome,
    path,
};

/// Plans what `input` asks for.
pub fn plan(input: &Input) -> Outcome {
    plan_with_objects(input).outcome
}

/// An outcome, and beside it every object as the API server would store it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The outcome, as [`plan`] returns it.
    pub outcome: Outcome,
    /// What each object would be afterwards.
    pub predicted: SortedMap<Ref, Value>,
}

/// Plans like [`plan`], and keeps the predicted objects whether the request wants them printed or not.
pub fn plan_with_objects(input: &Input) -> Planned {
    let basis = Basis::new(input);
    let rendered = rendering::render(
        &input.request,
        &input.releases,
        basis.to.as_ref(),
        &basis.inventory.kubernetes,
    );
    let settings = Settings::new(input, &basis, &rendered);
    let desired = desired(input, &basis, &rendered);
    let effect = Effect::new(input, &basis, &rendered, desired.as_ref(), &settings);
    let situation = situation(input, &basis, &rendered, &settings, &effect);
    let findings = findings(&situation);
    let path = path::path(&path::Context {
        situation,
        notes: &basis.notes(&|path: &str| settings.after.sets(path), &|path: &str| {
            settings.said(&basis.documents, path)
        }),
    });
    let verdict = rules::verdict(&findings);
    let plan = order(input, &basis, &effect, verdict);
    let direction = basis.direction();
    let mut changes = effect.diff.changes;
    let predicted = changes
        .iter_mut()
        .filter_map(|it| {
            let object = if input.request.predicted {
                it.predicted.clone()
            } else {
                it.predicted.take()
            };
            Some((it.object.clone(), object?))
        })
        .collect();
    let used = charts(input, &basis);
    let mut outcome = Outcome {
        schema: SCHEMA.to_owned(),
        verdict,
        direction,
        target: Target {
            version: basis.to.as_ref().map(ToString::to_string),
            profile: basis.profile().to_owned(),
        },
        source: basis.source,
        charts: used,
        hops: basis.hops,
        path,
        installers: basis.installers,
        inventory: basis.inventory,
        findings,
        defaults: settings.defaults,
        reverted: settings.reverted,
        changes,
        restarts: effect.renewals.restarts,
        notes: effect.notes,
        plan,
    };
    credentials::hide_in(&mut outcome, &mut |found| quotable(input, found));
    Planned { outcome, predicted }
}

/// The credentials that sentences could quote: of the request, and of what istioctl installed.
fn quotable(input: &Input, found: &mut dyn FnMut(&str)) {
    let Input {
        request, snapshot, ..
    } = input;
    let files = request.files.iter().map(|it| &it.text);
    for text in files.chain(&request.sets) {
        credentials::hidden_text(text, found);
    }
    for (object, kept) in &snapshot.objects {
        let told = matches!(object.kind.as_str(), "ConfigMap" | "Deployment");
        if told && object.name.contains("istio") {
            credentials::hide("", &mut kept.value.clone(), found);
        }
    }
}

/// The releases that were read, the target's first.
fn charts(input: &Input, basis: &Basis) -> Vec<Charts> {
    let ends = [basis.to.as_ref(), basis.from.as_ref()];
    let found = ends
        .into_iter()
        .flatten()
        .filter_map(|it| rendering::find(&input.releases, it));
    let mut charts: Vec<Charts> = found
        .map(|it| Charts {
            version: it.version().to_string(),
            sha256: it.digest().to_owned(),
            rendered: it.is_rendered(),
        })
        .collect();
    charts.dedup();
    charts
}

/// What runs, and what is asked for.
struct Basis<'a> {
    documents: Documents<'a>,
    asked: Asked,
    to: Option<Version>,
    inventory: Inventory,
    installers: Vec<Installer>,
    source: Source,
    from: Option<Version>,
    hops: Vec<String>,
    facts: Option<Facts>,
}

impl<'a> Basis<'a> {
    fn new(input: &'a Input) -> Self {
        let Input {
            request, snapshot, ..
        } = input;
        let documents = Documents::new(request);
        let asked = Asked::read(request, &documents);
        let to = Version::parse_release(&request.to);
        let inventory = inventory::inventory(snapshot);
        let source = input::source(
            request,
            snapshot,
            &inventory,
            input::meant(&inventory, &asked).one(),
        );
        let from = source.version.as_deref().and_then(Version::parse_tag);
        Self {
            installers: inventory::installers(snapshot),
            hops: hops::hops(
                from.as_ref(),
                to.as_ref(),
                input.known(),
                input.as_of.as_deref(),
            ),
            facts: to.as_ref().and_then(|to| {
                Facts::read(from.as_ref(), to, input.known(), input.as_of.as_deref())
            }),
            documents,
            asked,
            to,
            inventory,
            source,
            from,
        }
    }

    /// The control plane that the request means, if it is one.
    fn plane(&self) -> Option<&ControlPlane> {
        input::meant(&self.inventory, &self.asked).one()
    }

    fn profile(&self) -> &str {
        self.asked
            .profile
            .as_ref()
            .map_or("default", |it| it.value.as_str())
    }

    fn compatibility_version(&self) -> Option<&str> {
        self.asked
            .compatibility_version
            .as_ref()
            .map(|it| it.value.as_str())
    }

    /// What the notes read beside the snapshot; `pinned` tells whether the request sets a path, `said` where.
    fn notes<'b>(
        &'b self,
        pinned: &'b dyn Fn(&str) -> bool,
        said: &'b dyn Fn(&str) -> Vec<Subject>,
    ) -> notes::Context<'b> {
        notes::Context {
            namespace: self
                .plane()
                .map_or("istio-system", |it| it.namespace.as_str()),
            compatibility_version: self
                .compatibility_version()
                .and_then(|it| it.parse::<Minor>().ok()),
            pinned,
            said,
        }
    }

    /// Both ends, where both are known.
    fn ends(&self) -> Option<(&Version, &Version)> {
        self.from.as_ref().zip(self.to.as_ref())
    }

    fn direction(&self) -> Option<crate::outcome::Direction> {
        self.ends().map(|(from, to)| hops::direction(from, to))
    }
}

/// Settings on both sides: of the installation, of the request, of the releases.
struct Settings<'a> {
    after: After<'a>,
    installation: Option<Installation>,
    reverted: Vec<Reverted>,
    defaults: Vec<DefaultChange>,
}

impl<'a> Settings<'a> {
    fn new(input: &Input, basis: &Basis, rendered: &'a Rendered) -> Self {
        let after = After::new(rendered, basis.profile(), basis.to.as_ref());
        let installation = basis
            .plane()
            .zip(basis.from.as_ref())
            .and_then(|(plane, from)| {
                customisation::installation(input, &basis.inventory, plane, from)
            });
        // What a request that cannot be read sets is not known.
        let reverted = installation
            .as_ref()
            .filter(|_| rendered.readable)
            .map(|it| customisation::reverted(it, &after))
            .unwrap_or_default();
        let mut settings = Self {
            after,
            installation,
            reverted,
            defaults: Vec::new(),
        };
        if let Some((from, to)) = basis.ends() {
            let (profile, platform) = (basis.profile(), settings.after.platform());
            let pinned = |path: &str| settings.pins(path);
            let compatibility = basis.compatibility_version();
            let all = defaults::default_changes(
                from,
                to,
                profile,
                platform.as_deref(),
                compatibility,
                &pinned,
            );
            let release = rendering::find(&input.releases, to);
            settings.defaults = all
                .into_iter()
                .filter(|it| concerns(it, basis, rendered))
                .map(|it| DefaultChange {
                    about: release.and_then(|release| defaults::about(release, &it)),
                    ..it
                })
                .collect();
        }
        settings
    }

    /// Settings of the installation that the older release does not have. Those that the request repeats have been refused.
    fn unknown(&self, input: &Input, basis: &Basis, rendered: &Rendered) -> Vec<Setting> {
        let downgrade = basis.ends().filter(|(from, to)| to < from);
        let release = downgrade.and_then(|(_, to)| rendering::find(&input.releases, to));
        match (&rendered.rendering, &self.installation, release) {
            (Some(_), Some(installation), Some(release)) => {
                let unknown = customisation::unknown(installation, release);
                unknown.into_iter().cloned().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Where the request says a path, else where the installation was found to say it.
    fn said(&self, documents: &Documents, path: &str) -> Vec<Subject> {
        let keys = crate::edit::keys(path);
        let names: Vec<_> = keys.iter().map(String::as_str).collect();
        if let Some(place) = documents.place_of(&names) {
            return vec![place];
        }
        let settings = self.installation.iter().flat_map(|it| &it.settings);
        settings
            .filter(|it| it.path.starts_with(&keys))
            .map(|it| it.evidence.clone())
            .collect()
    }

    /// Whether the request, or the installation, sets a path.
    fn pins(&self, path: &str) -> bool {
        self.after.sets(path) || self.installation.as_ref().is_some_and(|it| it.sets(path))
    }
}

/// Whether a default is of a component that runs or is rendered.
fn concerns(change: &DefaultChange, basis: &Basis, rendered: &Rendered) -> bool {
    let component = change.component.as_str();
    let is_rendered = || match &rendered.rendering {
        Some(rendering) => rendering.components.iter().any(|it| it.name == component),
        None => false,
    };
    // A component that a profile turns on or off stands in neither list on one of the sides.
    [ComponentName::Base, ComponentName::Pilot]
        .iter()
        .any(|it| component == *it)
        || change.path.starts_with("components.")
        || basis
            .inventory
            .components
            .iter()
            .any(|it| it.component == component)
        || is_rendered()
}

/// What the target wants. Without a control plane to replace there is nothing to compare with.
fn desired<'a>(input: &'a Input, basis: &Basis, rendered: &Rendered) -> Option<Desired<'a>> {
    let release = rendering::find(&input.releases, basis.to.as_ref()?)?;
    let rendering = rendered.rendering.as_ref()?;
    basis.plane().map(|_| Desired::new(release, rendering))
}

/// What the target does to the cluster.
struct Effect<'a> {
    desired: Option<&'a Desired<'a>>,
    diff: DiffOutcome<'a>,
    renewals: Renewals,
    unknown: Vec<Setting>,
    notes: Vec<Finding>,
}

impl<'a> Effect<'a> {
    fn new(
        input: &'a Input,
        basis: &Basis,
        rendered: &Rendered,
        desired: Option<&'a Desired<'a>>,
        settings: &Settings,
    ) -> Self {
        let snapshot = &input.snapshot;
        let consent = Consent {
            named: &input.request.prune,
            orphans: input.request.prune_orphans,
        };
        // Restarts read the predicted injector.
        let diff = desired
            .map(|it| diff(snapshot, it, consent, true))
            .unwrap_or_default();
        // Without a new istiod no restart restarts anything.
        let renewed = rendered
            .rendering
            .as_ref()
            .is_none_or(rules::control_plane_not_rendered::is_rendered);
        let to = basis.to.as_ref().filter(|_| renewed);
        let renewals = match (basis.plane(), to) {
            (Some(plane), Some(to)) => dataplane::restarts(
                snapshot,
                dataplane::Context {
                    plane,
                    to,
                    changes: &diff.changes,
                },
            ),
            _ => Renewals::default(),
        };
        let pinned = |path: &str| settings.after.sets(path);
        let said = |path: &str| settings.said(&basis.documents, path);
        let context = basis.notes(&pinned, &said);
        let notes = basis.ends().map_or_else(Vec::new, |(from, to)| {
            notes::notes(snapshot, from, to, &context)
        });
        Self {
            desired,
            diff,
            renewals,
            unknown: settings.unknown(input, basis, rendered),
            notes,
        }
    }
}

/// What the rules read.
fn situation<'a>(
    input: &'a Input,
    basis: &'a Basis<'a>,
    rendered: &'a Rendered,
    settings: &'a Settings,
    effect: &'a Effect,
) -> Situation<'a> {
    let is_found = |version: Option<&Version>| {
        version.is_some_and(|it| rendering::find(&input.releases, it).is_some())
    };
    Situation {
        request: &input.request,
        documents: &basis.documents,
        asked: &basis.asked,
        snapshot: &input.snapshot,
        inventory: &basis.inventory,
        installers: &basis.installers,
        source: &basis.source,
        from: basis.from.as_ref(),
        to: basis.to.as_ref(),
        hops: &basis.hops,
        facts: basis.facts.as_ref(),
        known: input.known(),
        as_of: input.as_of.as_deref(),
        reverted: &settings.reverted,
        unknown: &effect.unknown,
        found: FoundReleases {
            source: is_found(basis.from.as_ref()),
            target: is_found(basis.to.as_ref()),
        },
        diagnostics: &rendered.diagnostics,
        restarts: &effect.renewals.restarts,
        troubles: &effect.renewals.troubles,
        proxy_version: effect.renewals.proxy_version.as_ref(),
        diff: effect.desired.map(|_| &effect.diff),
        desired: rendered.rendering.as_ref().map(|rendering| rules::Desired {
            rendering,
            changes: &effect.diff.changes,
        }),
        releases: &input.releases,
        installation: settings.installation.as_ref(),
    }
}

/// Everything there is to say, in the order of output.
fn findings(situation: &Situation) -> Vec<Finding> {
    let mut findings = rules::check(situation);
    acceptance::accept(&mut findings, situation.request, situation.as_of);
    rules::locate(&mut findings, situation.snapshot);
    outcome::sort(&mut findings);
    findings
}

/// What an executor performs; `None` where nothing was rendered, or where a finding blocks and is not forced.
fn order(input: &Input, basis: &Basis, effect: &Effect, verdict: Verdict) -> Option<Plan> {
    let blocked = verdict == Verdict::Blocked;
    if blocked && !input.request.force {
        return None;
    }
    Some(order::plan(&order::Context {
        snapshot: &input.snapshot,
        desired: effect.desired?,
        diff: &effect.diff,
        restarts: &effect.renewals.restarts,
        source: basis.source.version.as_deref(),
        target: &basis.to.as_ref()?.to_string(),
        direction: basis.direction(),
        forced: blocked,
    }))
}
