//! When it is known whether a wave did harm: what gates said, look by look. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::journal::{Reading, Verdict};

/// How long gates may say nothing, a Prometheus that is restarted or pods that it does not know yet, where the soak is as
/// long.
const PATIENCE: Duration = Duration::from_mins(2);

/// What gates said of a wave so far.
pub(super) struct Settling {
    /// When the soak is over.
    end: Instant,
    /// How long gates may say nothing.
    patience: Duration,
    /// Since when each gate is beyond its limit.
    beyond: BTreeMap<String, Instant>,
    /// Since when nothing is known.
    unknown: Option<Instant>,
}

impl Settling {
    /// Begins a soak.
    pub(super) fn new(began: Instant, soak: Duration) -> Self {
        Self {
            end: began + soak,
            patience: soak.min(PATIENCE),
            beyond: BTreeMap::new(),
            unknown: None,
        }
    }

    /// Takes in what the gates say now, and returns whether that settles it: a gate has been beyond its limit for as long as
    /// it may be (`lasting`), nothing is known for too long, or everything is good at the end.
    pub(super) fn take(
        &mut self,
        now: Instant,
        readings: &[Reading],
        lasting: impl Fn(&str) -> Duration,
    ) -> bool {
        let fails = readings.iter().filter(|it| it.verdict == Verdict::Fails);
        let fails: Vec<(String, &Reading)> = fails.map(|it| (name(it), it)).collect();
        self.beyond
            .retain(|key, _| fails.iter().any(|it| it.0 == *key));
        let mut fails_for_good = false;
        for (key, it) in fails {
            let since = *self.beyond.entry(key).or_insert(now);
            fails_for_good |= now.duration_since(since) >= lasting(&it.gate);
        }
        let is_unknown = readings.iter().any(|it| it.verdict == Verdict::Unknown);
        self.unknown = is_unknown.then(|| self.unknown.unwrap_or(now));
        let in_vain = self
            .unknown
            .is_some_and(|it| now.duration_since(it) >= self.patience);
        let is_good = self.beyond.is_empty() && self.unknown.is_none();
        fails_for_good || in_vain || is_good && now >= self.end
    }

    /// When to look again: so much later, and at the end of the soak.
    pub(super) fn next(&self, now: Instant, pause: Duration) -> Instant {
        let next = now + pause;
        if now < self.end {
            next.min(self.end)
        } else {
            next
        }
    }
}

/// A gate and its workload.
fn name(reading: &Reading) -> String {
    let object = reading.object.as_ref().map(crate::cluster::name);
    format!("{} {}", reading.gate, object.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOAK: Duration = Duration::from_mins(5);
    const LASTING: Duration = Duration::from_mins(1);

    fn reading(gate: &str, verdict: Verdict) -> Reading {
        Reading {
            gate: gate.to_owned(),
            object: None,
            verdict,
            value: None,
            baseline: None,
            least: None,
            most: None,
            reason: None,
            query: None,
        }
    }

    /// What comes of looks: `h`olds, `n`ot judged, `u`nknown, `f`ails at once, `s`low to fail; returns the look that settled it.
    fn settled(soak: Duration, every: u64, looks: &str) -> Option<usize> {
        let began = Instant::now();
        let mut settling = Settling::new(began, soak);
        let lasting = |gate: &str| {
            if gate == "slow" {
                LASTING
            } else {
                Duration::ZERO
            }
        };
        looks.chars().enumerate().position(|(number, it)| {
            let (gate, verdict) = match it {
                'h' => ("fast", Verdict::Holds),
                'n' => ("fast", Verdict::NotJudged),
                'u' => ("fast", Verdict::Unknown),
                'f' => ("fast", Verdict::Fails),
                _ => ("slow", Verdict::Fails),
            };
            let now = began + Duration::from_secs(every) * u32::try_from(number).unwrap();
            let readings = [reading(gate, verdict), reading("other", Verdict::Holds)];
            settling.take(now, &readings, lasting)
        })
    }

    #[test]
    fn a_wave_is_settled_by_a_failure_at_once_and_by_good_only_at_the_end() {
        let minute = |looks: &str| settled(SOAK, 60, looks);
        assert_eq!(minute("hhhhhh"), Some(5));
        assert_eq!(minute("hhhhh"), None);
        assert_eq!(minute("nnnnnn"), Some(5));
        assert_eq!(minute("hfhhhh"), Some(1));
        // Nothing known for a look, and again for two minutes.
        assert_eq!(minute("huhhhhh"), Some(5));
        assert_eq!(minute("huuuhh"), Some(3));
        assert_eq!(minute("huhuhuhh"), Some(6));
        // No end while nothing is known: two minutes more.
        assert_eq!(minute("hhhhhuuu"), Some(7));
        // For as long as it may be beyond its limit.
        assert_eq!(minute("hshhhh"), Some(5));
        assert_eq!(minute("hsshhh"), Some(2));
        assert_eq!(minute("hhhhhsh"), Some(6));
        assert_eq!(minute("hhhhhss"), Some(6));
    }

    #[test]
    fn without_a_soak_one_look_settles_it() {
        for (looks, at) in [("h", 0), ("u", 0), ("f", 0), ("ssssss", 4)] {
            assert_eq!(settled(Duration::ZERO, 15, looks), Some(at), "{looks}");
        }
    }

    #[tokio::test]
    async fn the_end_of_the_soak_is_looked_at() {
        let began = Instant::now();
        let settling = Settling::new(began, Duration::from_secs(20));
        let pause = Duration::from_secs(15);
        assert_eq!(settling.next(began, pause), began + pause);
        let later = began + pause;
        assert_eq!(settling.next(later, pause), began + Duration::from_secs(20));
        let after = began + Duration::from_secs(21);
        assert_eq!(settling.next(after, pause), after + pause);
    }
}
