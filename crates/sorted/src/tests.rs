//! What stands here is held against the standard library.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::{SortedMap, SortedSet, sort_by_key};

/// Something done to a map.
#[derive(Debug, Clone)]
enum Act {
    Insert(u16, u32),
    Remove(u16),
    Entry(u16, u32),
    Retain(u16),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => (0..500_u16, any::<u32>()).prop_map(|(key, value)| Act::Insert(key, value)),
        3 => (0..500_u16).prop_map(Act::Remove),
        3 => (0..500_u16, any::<u32>()).prop_map(|(key, value)| Act::Entry(key, value)),
        1 => (2..40_u16).prop_map(Act::Retain),
    ];
    prop::collection::vec(act, 0..800)
}

proptest! {
    #[test]
    fn a_map_is_as_the_standard_librarys(acts in acts(), from in 0..520_u16, more in 0..520_u16) {
        let mut ours = SortedMap::new();
        let mut theirs = BTreeMap::new();
        for act in acts {
            match act {
                Act::Insert(key, value) => {
                    prop_assert_eq!(ours.insert(key, value), theirs.insert(key, value));
                }
                Act::Remove(key) => prop_assert_eq!(ours.remove(&key), theirs.remove(&key)),
                Act::Entry(key, value) => {
                    let ours = ours.entry(key).and_modify(|it| *it ^= 1).or_insert(value);
                    let theirs = theirs.entry(key).and_modify(|it| *it ^= 1).or_insert(value);
                    prop_assert_eq!(ours, theirs);
                }
                Act::Retain(of) => {
                    ours.retain(|key, _| key % of != 0);
                    theirs.retain(|key, _| key % of != 0);
                }
            }
        }
        prop_assert_eq!(ours.len(), theirs.len());
        prop_assert!(ours.iter().eq(&theirs));
        prop_assert!(ours.iter().rev().eq(theirs.iter().rev()));
        prop_assert!(ours.clone().into_iter().eq(theirs.clone()));
        for key in 0..500 {
            prop_assert_eq!(ours.get(&key), theirs.get(&key));
        }
        let to = from + more;
        prop_assert!(ours.range(from..).eq(theirs.range(from..)));
        prop_assert!(ours.range(..=to).rev().eq(theirs.range(..=to).rev()));
        prop_assert!(ours.range(from..to).eq(theirs.range(from..to)));
        prop_assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
        let text = serde_json::to_string(&ours).unwrap();
        prop_assert_eq!(&text, &serde_json::to_string(&theirs).unwrap());
        prop_assert_eq!(serde_json::from_str::<SortedMap<u16, u32>>(&text).unwrap(), ours);
    }

    #[test]
    fn maps_are_joined_as_the_standard_librarys(
        a in prop::collection::vec((0..900_u16, any::<u32>()), 0..300),
        b in prop::collection::vec((0..900_u16, any::<u32>()), 0..300),
    ) {
        let ours = |of: &[(u16, u32)]| of.iter().copied().collect::<SortedMap<_, _>>();
        let theirs = |of: &[(u16, u32)]| of.iter().copied().collect::<BTreeMap<_, _>>();
        let (mut all, mut expected) = (ours(&a), theirs(&a));
        let is_disjoint = !theirs(&b).keys().any(|it| expected.contains_key(it));
        prop_assert_eq!(all.is_disjoint(&ours(&b)), is_disjoint);
        all.append(ours(&b));
        expected.append(&mut theirs(&b));
        prop_assert_eq!(all.len(), expected.len());
        prop_assert!(all.iter().eq(&expected));
        // It is as sound as before.
        for key in 0..900 {
            prop_assert_eq!(all.get(&key), expected.get(&key));
            prop_assert_eq!(all.insert(key, 0), expected.insert(key, 0));
        }
    }

    #[test]
    fn a_set_is_as_the_standard_librarys(
        a in prop::collection::vec(0..300_u16, 0..200),
        b in prop::collection::vec(0..300_u16, 0..200),
    ) {
        let ours = |of: &[u16]| of.iter().copied().collect::<SortedSet<_>>();
        let theirs = |of: &[u16]| of.iter().copied().collect::<BTreeSet<_>>();
        let ((a, b), (c, d)) = ((ours(&a), ours(&b)), (theirs(&a), theirs(&b)));
        prop_assert!(a.iter().eq(&c));
        prop_assert!(a.difference(&b).eq(c.difference(&d)));
        prop_assert!(a.intersection(&b).eq(c.intersection(&d)));
        prop_assert_eq!(a.is_subset(&b), c.is_subset(&d));
        prop_assert_eq!(a.is_disjoint(&b), c.is_disjoint(&d));
        prop_assert_eq!(a.cmp(&b), c.cmp(&d));
        prop_assert_eq!(a == b, c == d);
        prop_assert_eq!((a.first(), a.last()), (c.first(), c.last()));
        let text = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(&text, &serde_json::to_string(&c).unwrap());
        prop_assert_eq!(serde_json::from_str::<SortedSet<u16>>(&text).unwrap(), a);
    }

    #[test]
    fn sorting_is_stable(mut items in prop::collection::vec((0..20_u8, any::<u32>()), 0..300)) {
        let mut expected = items.clone();
        expected.sort_by_key(|it| it.0);
        sort_by_key(&mut items, |it| it.0);
        prop_assert_eq!(items, expected);
    }
}

#[test]
fn what_comes_in_order_fills_its_blocks() {
    let map: SortedMap<u32, ()> = (0..1000).map(|it| (it, ())).collect();
    assert_eq!(map.len(), 1000);
    assert!(map.keys().copied().eq(0..1000));
}

/// Two that are equal and can be told apart.
#[derive(Debug, Clone, Copy)]
struct Tagged(u32, char);

impl PartialEq for Tagged {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Tagged {}

impl PartialOrd for Tagged {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Tagged {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[test]
fn of_equal_keys_the_same_one_stays() {
    let all = [
        Tagged(1, 'a'),
        Tagged(2, 'b'),
        Tagged(1, 'c'),
        Tagged(2, 'd'),
    ];
    let tags = |of: Vec<&Tagged>| of.iter().map(|it| it.1).collect::<String>();
    let (mut ours, mut theirs) = (SortedSet::from(all), BTreeSet::from(all));
    assert_eq!(tags(ours.iter().collect()), tags(theirs.iter().collect()));
    ours.extend([Tagged(1, 'e')]);
    theirs.extend([Tagged(1, 'e')]);
    assert_eq!(tags(ours.iter().collect()), tags(theirs.iter().collect()));
    let entries = all.map(|it| (it, it.1));
    let (mut ours, mut theirs) = (SortedMap::from(entries), BTreeMap::from(entries));
    assert_eq!(
        ours.insert(Tagged(2, 'f'), 'f'),
        theirs.insert(Tagged(2, 'f'), 'f')
    );
    assert_eq!(tags(ours.keys().collect()), tags(theirs.keys().collect()));
    assert!(ours.values().eq(theirs.values()));
}
