//! What must never be, looked at with every request that is sent and every write that is stored.

use std::collections::BTreeSet;
use std::time::Duration;

use istio_planner::plan::Plan;
use kube_model::{Key, Request, Server};
use serde_json::Value;
use tokio::time::Instant;

use super::installation::{NAMESPACE, key, known};
use crate::journal::copy;
use crate::journal::seal;

/// A lease that is not renewed for so long is free, and not before.
const DURATION: Duration = Duration::from_secs(15);

/// Who watches.
pub(super) struct Witness {
    /// What the plan names.
    named: BTreeSet<Key>,
    /// Without one of these, pods start without a sidecar.
    injector: [Key; 2],
    lease: Key,
    journal: Key,
    /// The journal is kept on the machine only.
    local: bool,
    /// Who held the lease last.
    last: Option<String>,
    /// When the lease was renewed last.
    renewed: Option<Instant>,
    /// Processes that did something with the lease.
    active: BTreeSet<String>,
    /// Processes of these after which another one held it.
    replaced: BTreeSet<String>,
    /// Processes that are no more.
    dead: BTreeSet<String>,
    /// What was seen.
    pub(super) violations: Vec<String>,
}

impl Witness {
    pub(super) fn new(plan: &Plan, local: bool) -> Self {
        let actions = plan.steps.iter().flat_map(|it| &it.actions);
        Self {
            named: actions.map(|it| key(&crate::apply::object(it))).collect(),
            injector: [
                known("MutatingWebhookConfiguration", "istio-sidecar-injector"),
                known("Deployment", "istiod"),
            ],
            lease: known("Lease", "refit"),
            journal: known("ConfigMap", copy::NAME),
            local,
            last: None,
            renewed: None,
            active: BTreeSet::new(),
            replaced: BTreeSet::new(),
            dead: BTreeSet::new(),
            violations: Vec::new(),
        }
    }

    /// A process ended.
    pub(super) fn died(&mut self, process: &str) {
        self.dead.insert(process.to_owned());
    }

    fn holder<'s>(&self, server: &'s Server) -> Option<&'s str> {
        server.object(&self.lease)?["spec"]["holderIdentity"].as_str()
    }

    /// Whether the one that writes holds the lease.
    pub(super) fn sent(&mut self, server: &Server, process: &str, request: &Request) {
        let is_lease = request.key().as_ref() == Some(&self.lease);
        let is_holder = self.holder(server) == Some(process);
        if is_holder && !is_lease {
            self.active.insert(process.to_owned());
        }
        if !request.is_write() || is_lease || is_holder {
            return;
        }
        let holder = self.holder(server).unwrap_or("nobody");
        self.violations.push(format!(
            "{process} sends {} {} while {holder} holds the lease",
            request.method, request.path
        ));
    }

    /// Whether what was stored may be.
    pub(super) fn stored(
        &mut self,
        server: &Server,
        process: &str,
        request: &Request,
        (key, before): &(Key, Option<Value>),
    ) {
        if *key == self.lease {
            self.lease_changed(server, process, before.as_ref());
            return;
        }
        let holder = self.holder(server).unwrap_or("nobody");
        // What was on its way when its sender lost the lease may only do what was looked at before.
        let is_guarded = request.body["metadata"]["resourceVersion"].is_string()
            || request.body["preconditions"]["uid"].is_string()
            || request.method == "POST";
        if holder != process && !is_guarded {
            self.violations.push(format!(
                "{} {} of {process} is stored while {holder} holds the lease",
                request.method, request.path
            ));
        }
        let is_own = key.namespace == NAMESPACE
            && (key.kind == "ConfigMap" && key.name.starts_with(copy::NAME)
                || key.kind == "Secret" && key.name == seal::SECRET);
        if !is_own && !self.named.contains(key) {
            self.violations
                .push(format!("{key:?} is written, and no plan names it"));
        }
        if !is_own && !self.local && server.object(&self.journal).is_none() {
            self.violations.push(format!(
                "{key:?} is written before the journal is in the cluster"
            ));
        }
        for it in &self.injector {
            let there = server
                .object(it)
                .is_some_and(|it| it["metadata"]["deletionTimestamp"].is_null());
            if !there {
                self.violations.push(format!(
                    "{it:?} is gone after {} {}",
                    request.method, request.path
                ));
            }
        }
    }

    /// Nobody takes a lease from somebody who lives and renewed it.
    fn lease_changed(&mut self, server: &Server, process: &str, before: Option<&Value>) {
        let former = before.and_then(|it| it["spec"]["holderIdentity"].as_str());
        let now = self.holder(server);
        if let (Some(former), Some(renewed)) = (former, self.renewed)
            && now != Some(former)
            && former != process
            && !self.dead.contains(former)
            && renewed.elapsed() < DURATION
        {
            self.violations.push(format!(
                "{process} takes the lease from {former}, who renewed it {:?} ago",
                renewed.elapsed()
            ));
        }
        if let Some(now) = now {
            if self.replaced.contains(now) {
                self.violations.push(format!(
                    "{now} takes a lease again that was another's since"
                ));
            }
            if let Some(last) = self.last.replace(now.to_owned()).filter(|it| it != now)
                && self.active.contains(&last)
            {
                self.replaced.insert(last);
            }
        }
        self.renewed = now.map(|_| Instant::now());
    }
}
