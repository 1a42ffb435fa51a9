//! Several readers of one export, each with its own part of it: files, or stretches of the items of one list.
//!
//! What they make together is what one reader makes of all of it, or they say that they cannot tell: then one has to read it.

use super::collect::Collector;
use super::input::{At, Input};
use super::model::Origin;
use super::piece::ListHead;
use super::{FileSink, Open, SnapshotReader};
use crate::outcome::Ref;

/// A list whose items are being read, and how: all that a reader knows between two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OpenList {
    Json {
        head: ListHead,
        /// The list is the document itself.
        bare: bool,
        /// How many columns stand before an item, where each begins a line.
        indent: usize,
    },
    Yaml {
        /// What stands beside its items so far.
        head: Vec<u8>,
        indent: usize,
    },
}

impl OpenList {
    /// Returns where in a text from the midst of the list a line begins that seems to begin an item.
    fn seam(&self, text: &[u8]) -> Option<usize> {
        let before = |indent: usize| [b"\n".as_slice(), &vec![b' '; indent]].concat();
        let (end, begin) = match self {
            Self::Json { indent, .. } => {
                let line = before(*indent);
                (
                    [&line, b"},".as_slice()].concat(),
                    [&line, b"{".as_slice()].concat(),
                )
            }
            Self::Yaml { indent, .. } => {
                (Vec::new(), [&before(*indent), b"- ".as_slice()].concat())
            }
        };
        let at = memchr::memmem::find(text, &[end.as_slice(), &begin].concat())?;
        Some(at + end.len() + 1)
    }
}

impl SnapshotReader {
    /// Returns where in a text from the midst of the file that is open a line begins that seems to begin an item of its
    /// list: there another reader may begin ([`SnapshotReader::part`]). None where no list is open, or none begins there.
    pub fn seam(&self, text: &[u8]) -> Option<usize> {
        self.list()?.seam(text)
    }

    /// Returns a reader that begins with an item of the list that is open, at the beginning of its line; none where no
    /// list is open. It says of what it reads that it stands in line 1 and below, until it is absorbed.
    pub fn part(&self) -> Option<Self> {
        let list = self.list()?;
        let open = self.open.as_ref()?;
        Some(Self {
            open: Some(Open {
                name: open.name.clone(),
                input: Some(Input::inside(&list)),
                // What cannot be read here is no reason to pass over all of the file.
                found: false,
                before: 0,
            }),
            begins: Some(list),
            ..Self::default()
        })
    }

    fn list(&self) -> Option<OpenList> {
        self.open.as_ref()?.input.as_ref()?.list()
    }

    /// Ends the file that is open in the midst of its list, where a [`SnapshotReader::part`] goes on; false where no item
    /// could follow.
    pub fn pause(&mut self) -> bool {
        let Some(mut open) = self.open.take() else {
            return false;
        };
        let mut sink = FileSink {
            file: &open.name,
            collector: &mut self.collector,
        };
        let input = open.input.as_mut();
        let paused = input.map(|it| it.pause(At::file(open.found), &mut sink));
        self.ends = paused.and_then(Result::ok).flatten();
        self.ends.is_some()
    }

    /// Takes what another reader read as if this one had read it next: files of its own, or, as a
    /// [`SnapshotReader::part`], what follows in the file that was paused.
    ///
    /// Returns false where this is not known to be the same, because an object stands in both, or what the one holds says
    /// which objects of the other are kept, or a part does not begin where this ends. Then the file has to be read from its
    /// beginning: this reader is as it was before files, and of no more use before a part.
    pub fn absorb(&mut self, mut other: Self) -> bool {
        let ends = self.ends.take();
        if let Some(begins) = other.begins.take() {
            match ends {
                Some((list, line)) if list == begins => {
                    self.lines = self.lines.saturating_add(line - 1);
                }
                _ => return false,
            }
        } else {
            let is_whole = ends.is_none() && other.ends.is_none();
            if !is_whole || self.close().is_err() || other.close().is_err() {
                return false;
            }
            self.lines = 0;
        }
        self.ends = other.ends;
        self.collector.absorb(other.collector, self.lines)
    }
}

impl Collector {
    /// Takes what another has collected, from so many lines below where that says; false where an object is in both, or
    /// would have been kept otherwise here.
    fn absorb(&mut self, mut other: Self, lines: u32) -> bool {
        let is_told_here = |it: &Ref| {
            let namespace = it.namespace.as_deref().unwrap_or_default();
            // Of namespaces with such names everything is kept anyway.
            !namespace.contains("istio") && self.control.contains(namespace)
        };
        if other.seen.keys().any(is_told_here) || !self.seen.is_disjoint(&other.seen) {
            return false;
        }
        other.move_down(lines);
        let Self {
            snapshot,
            seen,
            control,
            taken,
        } = other;
        self.seen.append(seen);
        self.control.extend(control);
        self.taken += taken;
        let own = &mut self.snapshot;
        own.objects.append(snapshot.objects);
        own.pods.append(snapshot.pods);
        own.workloads.append(snapshot.workloads);
        own.nodes.append(snapshot.nodes);
        own.authorities.extend(snapshot.authorities);
        own.conflicts.extend(snapshot.conflicts);
        own.refused.extend(snapshot.refused);
        own.managed_fields |= snapshot.managed_fields;
        for (kind, count) in snapshot.kinds {
            *own.kinds.entry(kind).or_default() += count;
        }
        for (uid, origin) in snapshot.clusters {
            own.clusters.entry(uid).or_insert(origin);
        }
        for (version, origin) in snapshot.server_versions {
            self.serves(&version, origin);
        }
        for it in snapshot.passed_over {
            self.pass_over(&it.file, &it.what);
        }
        true
    }

    /// Says of everything that it stands so many lines below.
    fn move_down(&mut self, lines: u32) {
        if lines == 0 {
            return;
        }
        let snapshot = &mut self.snapshot;
        let origins = self.seen.values_mut().map(|it| &mut it.origin);
        let origins = origins
            .chain(snapshot.objects.values_mut().map(|it| &mut it.origin))
            .chain(snapshot.pods.values_mut().map(|it| &mut it.origin))
            .chain(snapshot.workloads.values_mut().map(|it| &mut it.origin))
            .chain(snapshot.nodes.values_mut().map(|it| &mut it.origin))
            .chain(snapshot.refused.values_mut().map(|it| &mut it.origin))
            .chain(snapshot.clusters.values_mut())
            .chain(snapshot.server_versions.values_mut())
            .chain(snapshot.conflicts.iter_mut().flat_map(|it| &mut it.origins));
        origins.for_each(|it: &mut Origin| it.line = it.line.saturating_add(lines));
    }
}
