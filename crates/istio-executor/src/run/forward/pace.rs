//! When a step may begin: pauses between steps and times at which no restart begins. Pure.

use istio_planner::order::pacing::{Window, thaw};
use istio_planner::plan::{Plan, Step};
use k8s_openapi::jiff::{SignedDuration, Timestamp, Unit, tz::TimeZone};

/// A step that does not begin yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold {
    /// Until when.
    pub(super) until: Timestamp,
    /// Why.
    pub(super) reason: String,
}

/// Returns what holds a step back at `now`, when a step ended last at `before`; an error if it never ends.
pub(super) fn hold(
    plan: &Plan,
    step: &Step,
    before: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Hold>, String> {
    if let Some(until) = pause_ends(step, before)
        && until > now
    {
        return Ok(Some(Hold {
            until,
            reason: format!("a pause of {} s after the wave before", step.pause),
        }));
    }
    if !step.is_restart() || step.actions.is_empty() {
        return Ok(None);
    }
    let windows: Vec<Window> = plan
        .freeze
        .iter()
        .map(|it| it.parse())
        .collect::<Result<_, String>>()?;
    match thaw(&windows, minute_of_week(now)) {
        Some(0) => Ok(None),
        Some(minutes) => {
            let whole = now.round(Unit::Minute).unwrap_or(now);
            // Rounding may have gone back half a minute or forward: a look too early looks again.
            let until = whole
                .checked_add(SignedDuration::from_mins(i64::from(minutes)))
                .map_err(|it| it.to_string())?;
            Ok(Some(Hold {
                until: until.max(now + SignedDuration::from_secs(1)),
                reason: format!("nothing is restarted now ({})", plan.freeze.join("; ")),
            }))
        }
        None => Err(format!(
            "nothing may ever be restarted ({})",
            plan.freeze.join("; ")
        )),
    }
}

/// When the pause before a step is over.
fn pause_ends(step: &Step, before: Option<Timestamp>) -> Option<Timestamp> {
    if step.pause == 0 {
        return None;
    }
    before?
        .checked_add(SignedDuration::from_secs(i64::from(step.pause)))
        .ok()
}

/// Minutes since Monday 00:00 UTC.
fn minute_of_week(now: Timestamp) -> u32 {
    let now = now.to_zoned(TimeZone::UTC);
    let day = u32::try_from(now.weekday().to_monday_zero_offset()).unwrap_or_default();
    let (hour, minute) = (
        u32::try_from(now.hour()).unwrap_or_default(),
        u32::try_from(now.minute()).unwrap_or_default(),
    );
    (day * 24 + hour) * 60 + minute
}

#[cfg(test)]
mod tests {
    use istio_planner::outcome::{Ref, RestartHow};
    use istio_planner::plan::Action;

    use super::*;

    fn step(pause: u32) -> Step {
        Step {
            id: "restart-2".to_owned(),
            title: String::new(),
            component: None,
            actions: vec![Action::Restart {
                object: Ref {
                    api_version: "apps/v1".to_owned(),
                    kind: "Deployment".to_owned(),
                    namespace: None,
                    name: "w".to_owned(),
                },
                how: RestartHow::Rollout,
                pods: 1,
                to: None,
                at_once: None,
            }],
            waits: Vec::new(),
            pause,
        }
    }

    fn plan(freeze: &[&str]) -> Plan {
        Plan {
            id: "p".to_owned(),
            source: None,
            target: "1.30.3".to_owned(),
            direction: None,
            cluster: None,
            namespace: "n".to_owned(),
            forced: false,
            freeze: freeze.iter().map(|it| (*it).to_owned()).collect(),
            steps: Vec::new(),
        }
    }

    fn held(freeze: &[&str], pause: u32, now: &str) -> Option<String> {
        let before = "2026-11-25T10:00:00Z".parse().unwrap();
        let now = now.parse().unwrap();
        hold(&plan(freeze), &step(pause), Some(before), now)
            .unwrap()
            .map(|it| it.until.to_string())
    }

    #[test]
    fn a_pause_counts_from_the_end_of_the_wave_before_whoever_began_it() {
        assert_eq!(
            held(&[], 90, "2026-11-25T10:00:10Z").as_deref(),
            Some("2026-11-25T10:01:30Z")
        );
        assert_eq!(held(&[], 90, "2026-11-25T10:01:30Z"), None);
    }

    #[test]
    fn no_restart_begins_in_a_freeze_window() {
        // A Wednesday.
        let office = ["Mon-Fri 08:00-18:00"];
        assert_eq!(
            held(&office, 0, "2026-11-25T10:00:00Z").as_deref(),
            Some("2026-11-25T18:00:00Z")
        );
        assert_eq!(held(&office, 0, "2026-11-25T18:00:00Z"), None);
        assert_eq!(held(&office, 0, "2026-11-28T10:00:00Z"), None);
    }
}
