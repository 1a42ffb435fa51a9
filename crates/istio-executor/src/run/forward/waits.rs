//! The waits of a step, and what is done about gateways that istiod leaves old.

use std::time::Duration;

use istio_planner::outcome::Ref;
use istio_planner::plan::{Step, Wait};
use serde_json::json;
use tokio::time::Instant;

use super::{Error, Run};
use crate::clock;
use crate::cluster::{self, Write};
use crate::journal::copy::MANAGER;
use crate::journal::{Event, progress};
use crate::wait::{self, Deadline};

/// How long the lock is kept from istiod's replicas: longer than its holder tries to restart it (pilot/pkg/leaderelection:
/// 15 s), so that it gives up and begins again.
const LOCKED: u32 = 20;

/// How long istiod may take to roll gateways after it took the lock again.
const RETAKEN: Duration = Duration::from_mins(2);

impl Run<'_, '_, '_> {
    /// Waits for everything that a step has to bring about.
    pub(super) async fn wait(&mut self, step: &Step) -> Result<(), Error> {
        let mut begun = Instant::now() + wait::AUTOMATIC;
        let end = self.deadline(self.execution.limits.readiness);
        for condition in &step.waits {
            let object = wait::object(condition);
            if self.position.is_skipped(object) {
                continue;
            }
            let deadline = Deadline { end, begun };
            let mut ended = self.until(step, condition, deadline).await?;
            if let (
                wait::Ended::GivenUp(_),
                Wait::AutoRollout {
                    lock: Some(lock), ..
                },
            ) = (&ended, condition)
                && self.take_lock(step, lock).await?
            {
                begun = Instant::now() + wait::AUTOMATIC;
                let end = self.deadline(RETAKEN);
                let deadline = Deadline { end, begun };
                ended = self.until(step, condition, deadline).await?;
            }
            if let wait::Ended::GivenUp(reason) = ended {
                let (step, object) = (step.id.clone(), object.clone());
                self.record(Event::WaitGivenUp {
                    step,
                    object,
                    reason,
                })?;
            }
        }
        Ok(())
    }

    async fn until(
        &self,
        step: &Step,
        condition: &Wait,
        deadline: Deadline,
    ) -> Result<wait::Ended, Error> {
        let work = &*self.execution.work;
        let (writer, narrator) = (work.writer(), &work.narrator);
        let interruption = work.session.interruption;
        let name = cluster::name(wait::object(condition));
        let mut report = |reason: &str| narrator.waiting(&name, reason);
        tokio::select! {
            biased;
            ended = wait::until(writer, condition, deadline, &mut report) => {
                ended.map_err(|source| {
                    // Once, here, and nowhere else: it may hold passwords.
                    if let wait::Error::Failed { log: Some(log), .. } = &source {
                        narrator.show(log);
                    }
                    Error::Wait {
                        step: step.id.clone(),
                        source: Box::new(source),
                    }
                })
            }
            () = interruption.asked() => Err(Error::Interrupted),
        }
    }

    /// Takes the lock away from the istiod that rolls gateways: it begins again once it has it again, and tries all of them
    /// (domain §8.2, the race). False if there is no such lock, or it was taken in this step before.
    async fn take_lock(&mut self, step: &Step, lock: &Ref) -> Result<bool, Error> {
        let taken = progress(self.execution.work.journal.records())
            .locks_taken
            .contains(step.id.as_str());
        let writer = self.execution.work.writer();
        if taken || writer.get(lock).await?.is_none() {
            return Ok(false);
        }
        let now = clock::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        let patch = json!({
            "spec": {
                "holderIdentity": MANAGER,
                "leaseDurationSeconds": LOCKED,
                "acquireTime": now,
                "renewTime": now,
            },
        });
        let write = Write::Merge {
            patch: &patch,
            manager: MANAGER,
        };
        writer.write(lock, &write).await?;
        // After the write: taking it twice does no harm, not taking it leaves the gateways old.
        self.record(Event::LockTaken {
            step: step.id.clone(),
            object: lock.clone(),
        })?;
        Ok(true)
    }
}
