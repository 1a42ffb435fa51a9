//! The order in which workloads are restarted: gateways first, then one group after the other (domain §8.5).

use sorted::{SortedMap, SortedSet};

use crate::inventory::{Role, controller, is_active, role};
use crate::outcome::{Ref, Restart, RestartHow};
use crate::snapshot::Snapshot;

/// Workloads that are restarted together.
#[derive(Debug, Clone, PartialEq)]
pub struct Wave {
    /// `gateways`, or the namespace, or the value of the label.
    pub name: String,
    /// Sorted as they came.
    pub restarts: Vec<Restart>,
}

/// What makes workloads a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Their namespace.
    #[default]
    Namespace,
    /// A label of theirs, or of their pods; those without it come last.
    Label(String),
}

/// How many of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Count(u32),
    /// So many of a hundred, and one at least.
    Percent(u32),
}

impl Share {
    /// Returns how many of `all` that is: at least one.
    pub fn of(self, all: usize) -> usize {
        let all = u32::try_from(all).unwrap_or(u32::MAX);
        let share = match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                u32::try_from(u64::from(all) * u64::from(percent) / 100).unwrap_or(u32::MAX)
            }
        };
        usize::try_from(share.max(1)).unwrap_or(usize::MAX)
    }
}

impl std::str::FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is neither a number nor a percentage above 0");
        let share = match text.strip_suffix('%') {
            Some(percent) => percent
                .parse()
                .ok()
                .filter(|it| *it <= 100)
                .map(Self::Percent),
            None => text.parse().ok().map(Self::Count),
        };
        share
            .filter(|it| !matches!(it, Self::Count(0) | Self::Percent(0)))
            .ok_or_else(wrong)
    }
}

/// A name in the order in which people count: `shop-2` before `shop-10`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Counted {
    parts: Vec<Part>,
    name: String,
}

/// Digits, by how many there are, or what stands between them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(usize, String),
    Text(String),
}

impl Counted {
    fn new(name: &str) -> Self {
        let digit = |it: char| it.is_ascii_digit();
        let mut parts = Vec::new();
        let mut rest = name;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|it| digit(it) != digit(first));
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            parts.push(if digit(first) {
                let number = part.trim_start_matches('0');
                Part::Number(number.len(), number.to_owned())
            } else {
                Part::Text(part.to_owned())
            });
            rest = after;
        }
        Self {
            parts,
            name: name.to_owned(),
        }
    }
}

/// Returns the waves of a restart; what restarts itself, and what no restart helps, is in none. A group of more than
/// `most` workloads (of all that are restarted) makes several waves.
pub fn waves(
    snapshot: &Snapshot,
    restarts: &[Restart],
    grouping: &Grouping,
    most: Option<Share>,
) -> Vec<Wave> {
    let gateways: SortedSet<Ref> = snapshot
        .pods
        .values()
        .filter(|it| is_active(it) && role(it) == Role::Gateway)
        .map(|it| controller(snapshot, it).object)
        .collect();
    let todo: Vec<&Restart> = restarts
        .iter()
        .filter(|it| !matches!(it.how, RestartHow::Auto | RestartHow::None))
        .collect();
    // Gateways, groups by name, those of no group.
    let mut groups: SortedMap<(u8, Counted), Vec<Restart>> = SortedMap::new();
    for restart in &todo {
        let group = if gateways.contains(&restart.object) {
            (0, Counted::new("gateways"))
        } else {
            match grouping {
                Grouping::Namespace => {
                    let namespace = restart.object.namespace.as_deref().unwrap_or("default");
                    (1, Counted::new(namespace))
                }
                Grouping::Label(key) => match label(snapshot, &restart.object, key) {
                    Some(value) => (1, Counted::new(&format!("{key}={value}"))),
                    None => (2, Counted::new(&format!("no {key}"))),
                },
            }
        };
        groups.entry(group).or_default().push((*restart).clone());
    }
    let size = most.map_or(usize::MAX, |it| it.of(todo.len()));
    groups
        .into_iter()
        .flat_map(|((_, Counted { name, .. }), restarts)| {
            let parts = restarts.len().div_ceil(size.min(restarts.len()));
            restarts
                .chunks(size.min(restarts.len()))
                .enumerate()
                .map(|(index, part)| Wave {
                    name: if parts > 1 {
                        format!("{name} ({} of {parts})", index + 1)
                    } else {
                        name.clone()
                    },
                    restarts: part.to_vec(),
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A label of a workload, else of its pods.
fn label(snapshot: &Snapshot, object: &Ref, key: &str) -> Option<String> {
    let name = (
        object.kind.clone(),
        object.namespace.clone().unwrap_or_default(),
        object.name.clone(),
    );
    let workload = snapshot.workloads.get(&name)?;
    let own = workload.labels.get(key);
    own.or_else(|| workload.template_labels.get(key)).cloned()
}

#[cfg(test)]
mod tests {
    use super::Counted;

    #[test]
    fn names_are_sorted_as_people_count() {
        let mut names = [
            "shop-10", "shop-2", "shop", "1a", "shop-02", "b", "10a", "2a",
        ];
        names.sort_by_key(|it| Counted::new(it));
        let sorted = [
            "1a", "2a", "10a", "b", "shop", "shop-02", "shop-2", "shop-10",
        ];
        assert_eq!(names, sorted);
    }
}
