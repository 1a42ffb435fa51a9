//! Which clusters go in which wave: so many as was asked for, and none before one that has to go first.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use istio_planner::fleet::Fleet;

/// How many clusters of a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Count(usize),
    /// So many of a hundred.
    Percent(usize),
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is neither a number nor a percentage (for example 3, 10%)");
        let share = match text.strip_suffix('%') {
            Some(percent) => Self::Percent(percent.parse().map_err(|_| wrong())?),
            None => Self::Count(text.parse().map_err(|_| wrong())?),
        };
        if matches!(share, Self::Percent(101..)) {
            return Err(wrong());
        }
        Ok(share)
    }
}

impl Share {
    /// Of a fleet of so many, rounded up: a wave is never empty for being small.
    pub fn at_least(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => (all * percent).div_ceil(100),
        }
    }

    /// Of a fleet of so many, rounded down: no more may fail than was said.
    pub fn at_most(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => all * percent / 100,
        }
    }
}

/// `1,10%,rest`: how many clusters go in each wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    shares: Vec<Share>,
    rest: bool,
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split(',').map(str::trim).collect();
        let rest = words.last() == Some(&"rest");
        if rest {
            words.pop();
        }
        let share = |it: &&str| match it.parse()? {
            Share::Count(0) | Share::Percent(0) => Err(format!("{it} is no wave")),
            share => Ok(share),
        };
        let shares = words.iter().map(share).collect::<Result<Vec<Share>, _>>()?;
        Ok(Self { shares, rest })
    }
}

/// The waves of a fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waves {
    /// Their clusters, by their places among those that go.
    pub waves: Vec<Vec<usize>>,
    /// Clusters that no wave has room for.
    pub left: usize,
    /// How many waves there are more than asked for, because clusters have to wait for others of their mesh.
    pub more: usize,
}

/// Puts clusters in waves. `before` says of each which others have to be done first.
///
/// They keep their order, but one that has to wait for others goes in a later wave than all of them: two of one wave run
/// side by side. What `rest` cannot take for that reason follows in waves of its own.
pub fn waves(sizes: &Sizes, before: &[BTreeSet<usize>]) -> Waves {
    let all = before.len();
    let mut open: Vec<usize> = (0..all).collect();
    let mut done = BTreeSet::new();
    let mut waves = Vec::new();
    let mut take = |room: usize, open: &mut Vec<usize>| {
        let may = |it: &usize| before.get(*it).is_none_or(|it| it.is_subset(&done));
        let wave: Vec<usize> = open.iter().copied().filter(may).take(room).collect();
        open.retain(|it| !wave.contains(it));
        done.extend(wave.iter().copied());
        wave
    };
    for share in &sizes.shares {
        let wave = take(share.at_least(all), &mut open);
        if !wave.is_empty() {
            waves.push(wave);
        }
    }
    let mut more = 0;
    if sizes.rest {
        loop {
            let wave = take(all, &mut open);
            if wave.is_empty() {
                break;
            }
            waves.push(wave);
            more += 1;
        }
    }
    Waves {
        waves,
        left: open.len(),
        more: usize::saturating_sub(more, 1),
    }
}

/// Returns which clusters have to be done before each: those of the earlier places in the order of its mesh.
pub fn before(fleet: &Fleet) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut before: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mesh in &fleet.meshes {
        let mut earlier: BTreeSet<&str> = BTreeSet::new();
        for place in &mesh.order {
            for it in place {
                before.entry(it).or_default().extend(&earlier);
            }
            earlier.extend(place.iter().map(String::as_str));
        }
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sizes: &str, before: &[&[usize]], expected: &[&[usize]], more: usize) {
        let before: Vec<BTreeSet<usize>> = before
            .iter()
            .map(|it| it.iter().copied().collect())
            .collect();
        let made = waves(&sizes.parse().unwrap(), &before);
        assert_eq!(made.waves, expected);
        assert_eq!((made.left, made.more), (0, more));
    }

    #[test]
    fn counts_percentages_and_the_rest_keep_the_order() {
        let none: &[usize] = &[];
        check("1,20%,rest", &[none; 6], &[&[0], &[1, 2], &[3, 4, 5]], 0);
        check("rest", &[none; 2], &[&[0, 1]], 0);
        check("2,2", &[none; 3], &[&[0, 1], &[2]], 0);
        check("5, rest", &[none; 3], &[&[0, 1, 2]], 0);
    }

    #[test]
    fn who_has_to_wait_for_others_goes_in_a_later_wave() {
        // Remote, its primary, another mesh's remote and primary.
        check("1,rest", &[&[1], &[], &[3], &[]], &[&[1], &[0, 3], &[2]], 1);
        check("rest", &[&[], &[0], &[0, 1]], &[&[0], &[1], &[2]], 2);
    }

    #[test]
    fn waves_without_a_rest_say_what_they_leave() {
        let before = vec![BTreeSet::new(); 5];
        assert_eq!(waves(&"1,2".parse().unwrap(), &before).left, 2);
        for wrong in ["", "0", "1,0%", "101%", "rest,1", "-1", "x"] {
            assert!(wrong.parse::<Sizes>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_more_may_fail_than_was_said() {
        assert_eq!("10%".parse::<Share>().unwrap().at_most(19), 1);
        assert_eq!("10%".parse::<Share>().unwrap().at_least(19), 2);
    }
}
