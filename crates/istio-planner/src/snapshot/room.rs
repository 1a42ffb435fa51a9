//! CPU and memory, as the scheduler counts them.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sorted::SortedMap;

use super::model::Room;
use kube_apply::defaulting::quantity;

/// Billionths in one.
const NANO: i128 = 1_000_000_000;

impl Room {
    /// Returns what a pod needs from what its init containers (with whether they keep running) and its containers ask
    /// for (kubernetes@v1.36.3:staging/src/k8s.io/component-helpers/resource/helpers.go, `PodRequests`).
    pub fn of_pod(
        init: impl Iterator<Item = (Self, bool)>,
        containers: impl Iterator<Item = Self>,
    ) -> Self {
        let (mut beside, mut highest) = (Self::default(), Self::default());
        for (asks, stays) in init {
            if stays {
                beside = beside + asks;
                highest = highest.max(beside);
            } else {
                highest = highest.max(beside + asks);
            }
        }
        containers.fold(beside, |sum, it| sum + it).max(highest)
    }

    /// Reads `cpu` and `memory` of an object's quantities.
    pub fn of_quantities(quantities: &Value) -> Self {
        let read = |name: &str| {
            let amount = match quantities.get(name)? {
                Value::String(text) => quantity::nanos(text)?,
                number => quantity::nanos(&number.to_string())?,
            };
            Some(Amount(amount))
        };
        Self {
            cpu: read("cpu").unwrap_or_default().thousandths(),
            memory: read("memory").unwrap_or_default().whole(),
        }
    }

    /// Reads a node's `allocatable`; `None` where it does not say both.
    pub fn of_node(allocatable: &SortedMap<String, String>) -> Option<Self> {
        let read = |name: &str| quantity::nanos(allocatable.get(name)?).map(Amount);
        Some(Self {
            cpu: read("cpu")?.thousandths(),
            memory: read("memory")?.whole(),
        })
    }

    /// Whether there is room for `asked`.
    pub fn holds(self, asked: Self) -> bool {
        self.cpu >= asked.cpu && self.memory >= asked.memory
    }

    fn max(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.max(other.cpu),
            memory: self.memory.max(other.memory),
        }
    }
}

impl std::ops::Add for Room {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_add(other.cpu),
            memory: self.memory.saturating_add(other.memory),
        }
    }
}

impl std::ops::Sub for Room {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(other.cpu),
            memory: self.memory.saturating_sub(other.memory),
        }
    }
}

/// As people write it: `500m` and `2Gi`.
impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MEBI: i64 = 1024 * 1024;
        if self.cpu % 1000 == 0 {
            write!(f, "cpu {}", self.cpu / 1000)?;
        } else {
            write!(f, "cpu {}m", self.cpu)?;
        }
        if self.memory % (1024 * MEBI) == 0 {
            write!(f, " and memory {}Gi", self.memory / (1024 * MEBI))
        } else {
            write!(f, " and memory {}Mi", self.memory.div_euclid(MEBI))
        }
    }
}

/// A quantity in billionths; what is none counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Amount(i128);

impl Amount {
    /// Rounded up.
    pub(super) fn thousandths(self) -> i64 {
        let up = i128::from(self.0 % (NANO / 1000) > 0);
        i64::try_from(self.0 / (NANO / 1000) + up).unwrap_or(i64::MAX)
    }

    /// Rounded up.
    pub(super) fn whole(self) -> i64 {
        let up = i128::from(self.0 % NANO > 0);
        i64::try_from(self.0 / NANO + up).unwrap_or(i64::MAX)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount(quantity::nanos(text).unwrap_or_default()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Amount, E> {
        Ok(Amount(i128::from(number) * NANO))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Amount, E> {
        Ok(Amount(i128::from(number) * NANO))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Amount, E> {
        Ok(Amount(
            quantity::nanos(&number.to_string()).unwrap_or_default(),
        ))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Amount, E> {
        Ok(Amount::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::model::Room;

    fn room(cpu: i64, memory: i64) -> Room {
        Room { cpu, memory }
    }

    #[test]
    fn init_containers_count_where_they_ask_for_more() {
        let containers = || [room(100, 10), room(50, 20)].into_iter();
        assert_eq!(Room::of_pod([].into_iter(), containers()), room(150, 30));
        let init = [(room(400, 1), false)].into_iter();
        assert_eq!(Room::of_pod(init, containers()), room(400, 30));
        // A sidecar runs beside the containers, and beside the init containers after it.
        let init = [(room(100, 5), true), (room(400, 1), false)].into_iter();
        assert_eq!(Room::of_pod(init, containers()), room(500, 35));
    }

    #[test]
    fn quantities_are_read_in_all_their_forms() {
        let read = |cpu, memory| Room::of_quantities(&json!({"cpu": cpu, "memory": memory}));
        assert_eq!(read(json!("1500m"), json!("2Gi")), room(1500, 2 << 30));
        assert_eq!(read(json!(2), json!("1M")), room(2000, 1_000_000));
        assert_eq!(read(json!("0.0001"), json!(null)), room(1, 0));
        assert_eq!(room(1500, 2 << 30).to_string(), "cpu 1500m and memory 2Gi");
    }
}
