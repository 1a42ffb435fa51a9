//! A map in the order of its keys.

use std::borrow::Borrow;
use std::cmp::Ordering;
#[cfg(any(feature = "schema", feature = "types"))]
use std::collections::BTreeMap;
use std::fmt;
use std::iter::Flatten;
use std::marker::PhantomData;
use std::ops::{Bound, Index, RangeBounds};
use std::{slice, vec};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

mod entry;

pub use entry::Entry;

/// The most entries of a block. Inserting moves as many at most, and one pointer for each block.
const MOST: usize = 64;

/// A map in the order of its keys, as [`std::collections::BTreeMap`] is.
///
/// Its entries stand in blocks; none is empty.
pub struct SortedMap<K, V> {
    blocks: Vec<Vec<(K, V)>>,
    length: usize,
}

/// Where an entry is, or would be.
#[derive(Clone, Copy)]
struct Place {
    block: usize,
    at: usize,
}

impl<K, V> SortedMap<K, V> {
    /// Returns a map without entries.
    pub const fn new() -> Self {
        Self {
            blocks: Vec::new(),
            length: 0,
        }
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns the entries, in order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter {
            blocks: self.blocks.iter(),
            front: [].iter(),
            back: [].iter(),
        }
    }

    /// Returns the entries, in order, to change their values.
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut(self.blocks.iter_mut().flatten())
    }

    /// Returns the keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.iter().map(|it| it.0)
    }

    /// Returns the values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.iter().map(|it| it.1)
    }

    /// Returns the values, in the order of their keys, to change them.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.blocks.iter_mut().flatten().map(|it| &mut it.1)
    }

    /// Returns the keys, in order, and drops the values.
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = K> {
        self.into_iter().map(|it| it.0)
    }

    /// Returns the values, in the order of their keys, and drops the keys.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> {
        self.into_iter().map(|it| it.1)
    }

    /// Returns the entry with the lowest key.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// Returns the entry with the highest key.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }

    /// Drops all entries.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Drops the entries of which `keeps` says no.
    pub fn retain(&mut self, mut keeps: impl FnMut(&K, &mut V) -> bool) {
        for block in &mut self.blocks {
            block.retain_mut(|(key, value)| keeps(key, value));
        }
        self.blocks.retain(|it| !it.is_empty());
        self.length = self.blocks.iter().map(Vec::len).sum();
    }

    /// Puts an entry where [`Self::find`] found that it belongs.
    fn put(&mut self, place: Place, key: K, value: V) -> &mut V {
        let Place { mut block, mut at } = place;
        if self.blocks.is_empty() {
            self.blocks.push(Vec::new());
        }
        if self.blocks[block].len() == MOST {
            // What comes in order fills its blocks.
            let last = at == MOST && block + 1 == self.blocks.len();
            let half = if last { MOST } else { MOST / 2 };
            let rest = self.blocks[block].split_off(half);
            self.blocks.insert(block + 1, rest);
            if at >= half {
                block += 1;
                at -= half;
            }
        }
        self.length += 1;
        self.blocks[block].insert(at, (key, value));
        &mut self.blocks[block][at].1
    }

    /// Takes an entry out.
    fn take(&mut self, place: Place) -> (K, V) {
        let block = &mut self.blocks[place.block];
        let entry = block.remove(place.at);
        if block.is_empty() {
            self.blocks.remove(place.block);
        }
        self.length -= 1;
        entry
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// Returns where a key is, or where it belongs.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Place, Place>
    where
        K: Borrow<Q>,
    {
        let compare = |it: &(K, V)| it.0.borrow().cmp(key);
        // What comes in order is found at once.
        if let Some(last) = self.blocks.last()
            && last.last().is_some_and(|it| compare(it).is_lt())
        {
            return Err(Place {
                block: self.blocks.len() - 1,
                at: last.len(),
            });
        }
        let after = self.blocks.partition_point(|it| compare(&it[0]).is_le());
        let block = after.saturating_sub(1);
        let place = |at| Place { block, at };
        let Some(entries) = self.blocks.get(block) else {
            return Err(place(0));
        };
        entries.binary_search_by(compare).map(place).map_err(place)
    }

    /// Returns a key's value.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|it| it.1)
    }

    /// Returns a key, as it stands in the map, and its value.
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key).ok()?;
        let (key, value) = &self.blocks[place.block][place.at];
        Some((key, value))
    }

    /// Returns a key's value, to change it.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key).ok()?;
        Some(&mut self.blocks[place.block][place.at].1)
    }

    /// Whether there is such a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Puts an entry in, and returns the value that the key had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(it) => {
                let before = &mut self.blocks[it.block][it.at].1;
                Some(std::mem::replace(before, value))
            }
            Err(place) => {
                self.put(place, key, value);
                None
            }
        }
    }

    /// Puts an entry in where the key has no value; where it has one, returns that and what was not put in.
    pub fn try_insert(&mut self, key: K, value: V) -> Result<&mut V, (&mut V, V)> {
        match self.find(&key) {
            Ok(it) => Err((&mut self.blocks[it.block][it.at].1, value)),
            Err(place) => Ok(self.put(place, key, value)),
        }
    }

    /// Takes all entries of another map; where both have a key, the other's value is kept.
    pub fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let mut other = other.into_iter().peekable();
        for (key, value) in std::mem::take(self) {
            while let Some(before) = other.next_if(|it| it.0 < key) {
                self.put_last(before);
            }
            let instead = other.next_if(|it| it.0 == key);
            self.put_last(instead.unwrap_or((key, value)));
        }
        other.for_each(|it| self.put_last(it));
    }

    /// Puts an entry behind all others.
    fn put_last(&mut self, entry: (K, V)) {
        match self.blocks.last_mut() {
            Some(last) if last.len() < MOST => last.push(entry),
            _ => self.blocks.push(vec![entry]),
        }
        self.length += 1;
    }

    /// Whether no key is in both maps.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let mut other = other.keys().peekable();
        self.keys().all(|key| {
            while other.next_if(|it| *it < key).is_some() {}
            other.peek() != Some(&key)
        })
    }

    /// Takes an entry out, and returns its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key).ok()?;
        Some(self.take(place).1)
    }

    /// Returns the place of a key, to fill it where it is empty.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry::of(self, key)
    }

    /// Returns the entries whose keys are in a range, in order.
    pub fn range<Q: Ord + ?Sized>(&self, range: impl RangeBounds<Q>) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let place = |key: &Q, past: bool| match self.find(key) {
            Ok(it) => Place {
                at: it.at + usize::from(past),
                ..it
            },
            Err(it) => it,
        };
        let from = match range.start_bound() {
            Bound::Unbounded => Place { block: 0, at: 0 },
            Bound::Included(it) => place(it, false),
            Bound::Excluded(it) => place(it, true),
        };
        let to = match range.end_bound() {
            Bound::Unbounded => Place {
                block: self.blocks.len(),
                at: 0,
            },
            Bound::Included(it) => place(it, true),
            Bound::Excluded(it) => place(it, false),
        };
        let block = |at: usize| self.blocks.get(at).map_or(&[][..], Vec::as_slice);
        if from.block >= to.block {
            return Iter {
                blocks: [].iter(),
                front: block(from.block)[from.at..to.at.max(from.at)].iter(),
                back: [].iter(),
            };
        }
        Iter {
            blocks: self.blocks[from.block + 1..to.block].iter(),
            front: block(from.block)[from.at..].iter(),
            back: block(to.block)[..to.at].iter(),
        }
    }
}

/// Entries of a map, in order.
pub struct Iter<'a, K, V> {
    blocks: slice::Iter<'a, Vec<(K, V)>>,
    /// The rest of the block before those.
    front: slice::Iter<'a, (K, V)>,
    /// The rest of the block after those.
    back: slice::Iter<'a, (K, V)>,
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self {
            blocks: self.blocks.clone(),
            front: self.front.clone(),
            back: self.back.clone(),
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = loop {
            if let Some(it) = self.front.next() {
                break it;
            }
            match self.blocks.next() {
                Some(block) => self.front = block.iter(),
                None => break self.back.next()?,
            }
        };
        Some((&entry.0, &entry.1))
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let entry = loop {
            if let Some(it) = self.back.next_back() {
                break it;
            }
            match self.blocks.next_back() {
                Some(block) => self.back = block.iter(),
                None => break self.front.next_back()?,
            }
        };
        Some((&entry.0, &entry.1))
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = Flatten<vec::IntoIter<Vec<(K, V)>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.blocks.into_iter().flatten()
    }
}

/// Entries of a map, in order, with values that can be changed.
pub struct IterMut<'a, K, V>(Flatten<slice::IterMut<'a, Vec<(K, V)>>>);

impl<'a, K, V> Iterator for IterMut<'a, K, V> {
    type Item = (&'a K, &'a mut V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (&*key, value))
    }
}

impl<'a, K, V> IntoIterator for &'a mut SortedMap<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<'a, K: Ord + Copy, V: Copy> Extend<(&'a K, &'a V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (&'a K, &'a V)>>(&mut self, entries: I) {
        self.extend(entries.into_iter().map(|(key, value)| (*key, *value)));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            // Of equal keys that can be told apart the last stays, as in the standard library; `insert` keeps the first.
            match map.find(&key) {
                Ok(it) => map.blocks[it.block][it.at] = (key, value),
                Err(place) => {
                    map.put(place, key, value);
                }
            }
        }
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Borrow<Q> + Ord, Q: Ord + ?Sized, V> Index<&Q> for SortedMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("the map has the key")
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Clone, V: Clone> Clone for SortedMap<K, V> {
    fn clone(&self) -> Self {
        Self {
            blocks: self.blocks.clone(),
            length: self.length,
        }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length && self.iter().eq(other)
    }
}

impl<K: Eq, V: Eq> Eq for SortedMap<K, V> {}

impl<K: PartialOrd, V: PartialOrd> PartialOrd for SortedMap<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other)
    }
}

impl<K: Ord, V: Ord> Ord for SortedMap<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other)
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Serialize, V: Serialize> Serialize for SortedMap<K, V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.length))?;
        for (key, value) in self {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for SortedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
    type Value = SortedMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = SortedMap::new();
        while let Some((key, value)) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(map)
    }
}

#[cfg(feature = "schema")]
impl<K: schemars::JsonSchema, V: schemars::JsonSchema> schemars::JsonSchema for SortedMap<K, V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        BTreeMap::<K, V>::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        BTreeMap::<K, V>::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        BTreeMap::<K, V>::json_schema(generator)
    }
}

#[cfg(feature = "types")]
impl<K: ts_rs::TS, V: ts_rs::TS> ts_rs::TS for SortedMap<K, V> {
    type WithoutGenerics = <BTreeMap<K, V> as ts_rs::TS>::WithoutGenerics;
    type OptionInnerType = Self;

    fn name(config: &ts_rs::Config) -> String {
        BTreeMap::<K, V>::name(config)
    }

    fn inline(config: &ts_rs::Config) -> String {
        BTreeMap::<K, V>::inline(config)
    }

    fn visit_dependencies(visitor: &mut impl ts_rs::TypeVisitor)
    where
        Self: 'static,
    {
        BTreeMap::<K, V>::visit_dependencies(visitor);
    }

    fn visit_generics(visitor: &mut impl ts_rs::TypeVisitor)
    where
        Self: 'static,
    {
        BTreeMap::<K, V>::visit_generics(visitor);
    }
}
