//! Restarts as steps, and their pace: one step for each wave, pauses between them, times at which none begins.

use std::str::FromStr;

use crate::dataplane::{self, Grouping, Share};
use crate::outcome::{Ref, Restart, RestartHow};
use crate::plan::{Action, Step, Wait};
use crate::snapshot::Snapshot;

/// How workloads are restarted, as the user wants it.
#[derive(Debug, Clone, Default)]
pub struct Pacing {
    /// What makes a wave.
    pub grouping: Grouping,
    /// Workloads in a wave at most.
    pub most: Option<Share>,
    /// Seconds between waves.
    pub pause: u32,
    /// Pods of one workload at the same time, where that is done pod by pod.
    pub at_once: Option<Share>,
}

/// Returns one step for each wave, so that a bad proxy stops before it is everywhere, and one that looks at the proxies
/// afterwards.
pub fn steps(
    snapshot: &Snapshot,
    restarts: &[Restart],
    target: &str,
    pacing: &Pacing,
) -> Vec<Step> {
    let waves = dataplane::waves(snapshot, restarts, &pacing.grouping, pacing.most);
    let looks: Vec<Wait> = waves
        .iter()
        .flat_map(|it| &it.restarts)
        .filter_map(|it| {
            Some(Wait::Proxies {
                object: it.object.clone(),
                to: it.to.clone()?,
            })
        })
        .collect();
    let mut steps: Vec<Step> = waves
        .into_iter()
        .enumerate()
        .map(|(index, wave)| Step {
            id: format!("restart-{}", index + 1),
            title: format!("Restart the proxies of {} to {target}", wave.name),
            component: None,
            actions: wave.restarts.iter().map(|it| action(it, pacing)).collect(),
            waits: wave.restarts.iter().filter_map(wait).collect(),
            pause: if index == 0 { 0 } else { pacing.pause },
        })
        .collect();
    if !looks.is_empty() {
        steps.push(Step {
            id: "check-proxies".to_owned(),
            title: format!("Check that the restarted pods run {target}"),
            component: None,
            actions: Vec::new(),
            waits: looks,
            pause: 0,
        });
    }
    steps
}

fn action(restart: &Restart, pacing: &Pacing) -> Action {
    let pods = usize::try_from(restart.pods).unwrap_or(usize::MAX);
    let at_once = pacing
        .at_once
        .map(|it| u32::try_from(it.of(pods)).unwrap_or(u32::MAX));
    Action::Restart {
        object: restart.object.clone(),
        how: restart.how,
        pods: restart.pods,
        to: restart.to.clone(),
        at_once: at_once.filter(|it| *it > 1),
    }
}

fn wait(restart: &Restart) -> Option<Wait> {
    let object: Ref = restart.object.clone();
    match (restart.how, object.kind.as_str()) {
        (RestartHow::Rollout | RestartHow::DeletePods, "Deployment") => {
            Some(Wait::Deployment { object })
        }
        (RestartHow::Rollout | RestartHow::DeletePods, "DaemonSet") => {
            Some(Wait::DaemonSet { object })
        }
        (RestartHow::Rollout | RestartHow::DeletePods, "StatefulSet") => {
            Some(Wait::StatefulSet { object })
        }
        _ => None,
    }
}

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// Minutes of a week.
const WEEK: u32 = 7 * DAY;

/// Days as they are written, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A time of the week, in UTC, at which no restart begins: `Mon-Fri 08:00-18:00`, `Sat,Sun`, `22:00-06:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins, Monday first.
    days: [bool; 7],
    /// Minutes since midnight.
    from: u32,
    /// How long, in minutes.
    length: u32,
}

impl Window {
    /// Minutes until the window is over, if `minute` (of the week, from Monday 00:00) lies in it.
    fn remaining(&self, minute: u32) -> Option<u32> {
        (0..7_u32)
            .zip(self.days)
            .filter(|(_, begins)| *begins)
            .filter_map(|(day, _)| {
                let since = (minute + WEEK - (day * DAY + self.from)) % WEEK;
                (since < self.length).then(|| self.length - since)
            })
            .max()
    }
}

/// Returns how many minutes after `minute` (of the week, from Monday 00:00 UTC) none of the windows is open: 0 if that is
/// so now, nothing if it never is.
pub fn thaw(windows: &[Window], minute: u32) -> Option<u32> {
    let mut ahead = 0;
    while ahead <= WEEK {
        let now = (minute + ahead) % WEEK;
        match windows.iter().filter_map(|it| it.remaining(now)).max() {
            None => return Some(ahead),
            Some(more) => ahead += more,
        }
    }
    None
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no window of time (for example \"Mon-Fri 08:00-18:00\", \"Sat,Sun\" or \"22:00-06:00\", in UTC)"
            )
        };
        let (mut days, mut hours) = (None, None);
        for part in text.split_whitespace() {
            let place = if part.starts_with(|it: char| it.is_ascii_digit()) {
                hours
                    .replace(parse_hours(part).ok_or_else(wrong)?)
                    .is_some()
            } else {
                days.replace(parse_days(part).ok_or_else(wrong)?).is_some()
            };
            if place {
                return Err(wrong());
            }
        }
        if days.is_none() && hours.is_none() {
            return Err(wrong());
        }
        let (from, length) = hours.unwrap_or((0, DAY));
        Ok(Self {
            days: days.unwrap_or([true; 7]),
            from,
            length,
        })
    }
}

/// `08:00-18:00`: where it begins, how long it is. It may go over midnight.
fn parse_hours(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once('-')?;
    let minutes = |it: &str| {
        let (hour, minute) = it.split_once(':')?;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60 || hour == 24 && minute == 0).then_some(hour * 60 + minute)
    };
    let (from, to) = (minutes(from)?, minutes(to)?);
    let length = (to + DAY - from) % DAY;
    Some((from % DAY, if length == 0 { DAY } else { length }))
}

/// `Mon`, `Mon-Fri`, `Sat,Sun`; a range may go over Sunday.
fn parse_days(text: &str) -> Option<[bool; 7]> {
    let number = |it: &str| {
        let name = it.get(..3)?.to_ascii_lowercase();
        DAYS.iter().position(|day| *day == name)
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        let many = (last + 7 - first) % 7;
        for ahead in 0..=many {
            *days.get_mut((first + ahead) % 7)? = true;
        }
    }
    Some(days)
}

#[cfg(test)]
mod tests;
