//! Records, packed so that they fit a ConfigMap: what was packed before is not packed again.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::super::{Event, Record};

/// Bytes of records that are packed on their own, as a member of a gzip file of several (RFC 1952, 2.2): twice the window of
/// deflate, so little is lost.
const MEMBER: usize = 64 << 10;

/// No journal that fits a ConfigMap unpacks to more.
const UNPACKED: u64 = 256 << 20;

/// What is left out so that the rest fits. Records only become more, so what was too much once stays so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Leave {
    /// Nothing.
    #[default]
    Nothing,
    /// What definitions were.
    Definitions,
    /// What all objects were.
    Formers,
}

/// The records of a journal as they were packed so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Packing {
    leave: Leave,
    /// Members that are full.
    packed: Vec<u8>,
    /// Records in them.
    pub(super) taken: usize,
    /// Actions whose former objects were left out.
    without: BTreeSet<(String, usize)>,
}

impl Packing {
    /// Returns the packed records, and whether nothing had to be left out.
    ///
    /// `records` are those of the call before, and what came since.
    pub(super) fn fit(&mut self, records: &[Record], limit: usize) -> (Vec<u8>, bool) {
        loop {
            let whole = self.pack(records);
            let next = match self.leave {
                _ if whole.len() <= limit => None,
                Leave::Nothing => Some(Leave::Definitions),
                Leave::Definitions => Some(Leave::Formers),
                Leave::Formers => None,
            };
            let Some(leave) = next else {
                return (whole, self.without.is_empty());
            };
            *self = Self {
                leave,
                ..Self::default()
            };
        }
    }

    fn pack(&mut self, records: &[Record]) -> Vec<u8> {
        let mut rest = Vec::new();
        for (place, record) in records.iter().enumerate().skip(self.taken) {
            rest.extend(self.line(record));
            if rest.len() >= MEMBER {
                self.packed.extend(pack(&rest));
                self.taken = place + 1;
                rest.clear();
            }
        }
        let mut whole = self.packed.clone();
        // An empty file has a member too.
        if !rest.is_empty() || whole.is_empty() {
            whole.extend(pack(&rest));
        }
        whole
    }

    /// A record's line, without what is left out.
    fn line(&mut self, record: &Record) -> Vec<u8> {
        let leave = self.leave;
        let leaves_out = |it: &serde_json::Value| match leave {
            Leave::Nothing => false,
            Leave::Definitions => it["kind"] == "CustomResourceDefinition",
            Leave::Formers => true,
        };
        match &record.event {
            Event::ActionBegan {
                step,
                action,
                former: Some(former),
                ..
            } if leaves_out(former) => {
                self.without.insert((step.clone(), *action));
                let mut record = record.clone();
                if let Event::ActionBegan {
                    former, omitted, ..
                } = &mut record.event
                {
                    (*former, *omitted) = (None, true);
                }
                line(&record)
            }
            Event::ActionEnded {
                step,
                action,
                stored: Some(_),
                ..
            } if self.without.contains(&(step.clone(), *action)) => {
                let mut record = record.clone();
                if let Event::ActionEnded { stored, .. } = &mut record.event {
                    *stored = None;
                }
                line(&record)
            }
            _ => line(record),
        }
    }
}

/// A record is plain data, so it can always be written.
fn line(record: &Record) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).unwrap_or_default();
    line.push(b'\n');
    line
}

/// The lines of records.
pub(super) fn lines(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(line).collect()
}

/// Packs a text.
pub(super) fn pack(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}

/// Unpacks a text, which may have been packed in pieces.
pub(super) fn unpack(packed: &[u8]) -> io::Result<String> {
    let mut text = String::new();
    MultiGzDecoder::new(packed)
        .take(UNPACKED)
        .read_to_string(&mut text)?;
    Ok(text)
}
