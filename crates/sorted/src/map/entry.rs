//! A key's place, empty or not.

use super::{Place, SortedMap};

/// The place of a key in a map.
pub struct Entry<'a, K, V> {
    map: &'a mut SortedMap<K, V>,
    key: K,
    place: Result<Place, Place>,
}

impl<'a, K: Ord, V> Entry<'a, K, V> {
    /// Finds it.
    pub(super) fn of(map: &'a mut SortedMap<K, V>, key: K) -> Self {
        let place = map.find(&key);
        Self { map, key, place }
    }
}

impl<'a, K, V> Entry<'a, K, V> {
    /// Returns its value; where there is none, puts the default there.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Returns its value; where there is none, puts `value` there.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// Returns its value; where there is none, puts what `value` returns there.
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> &'a mut V {
        match self.place {
            Ok(it) => &mut self.map.blocks[it.block][it.at].1,
            Err(it) => self.map.put(it, self.key, value()),
        }
    }

    /// Changes its value, where there is one.
    #[must_use]
    pub fn and_modify(self, change: impl FnOnce(&mut V)) -> Self {
        if let Ok(it) = self.place {
            change(&mut self.map.blocks[it.block][it.at].1);
        }
        self
    }
}
