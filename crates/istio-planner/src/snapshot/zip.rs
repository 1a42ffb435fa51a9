//! Reads a zip archive that arrives in chunks: file by file, as each one's own header tells, never by the list at its end.
//!
//! The format is PKWARE's APPNOTE.TXT 6.3.10; files are stored or deflated, as every tool writes them by default.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use istio_render::archive::Event;

use super::input::MemberFault;
use super::piece::{Fault, Place};

/// The part of a file's header whose length is known.
const HEADER: usize = 30;

/// A file begins.
const FILE: &[u8] = b"PK\x03\x04";

/// What may follow the last file: the list of files, or the end of an archive without any.
const AFTER: [&[u8]; 3] = [b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06"];

/// How much is unpacked at a time.
const STEP: usize = 64 * 1024;

/// Takes what an archive is made of, and may refuse it.
type Each<'e> = dyn FnMut(Event<'_>) -> Result<(), MemberFault> + 'e;

/// A zip archive.
#[derive(Debug, Default)]
pub(super) struct ZipSplitter {
    /// A header that is not complete.
    pending: Vec<u8>,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Before the header of a file, or the list of files.
    #[default]
    Header,
    /// Inside a file.
    File(Body),
    /// After a file whose header did not know its length: that stands here.
    Descriptor { found: u32 },
    /// After the last file.
    Ended,
}

/// The bytes of a file.
#[derive(Debug)]
struct Body {
    /// How many are still to come; `None` where only their end tells.
    left: Option<u64>,
    /// `None` where they are stored as they are.
    inflate: Option<Box<Decompress>>,
    crc: Crc,
    /// What `crc` has to be; `None` where it stands behind the file.
    expected: Option<u32>,
    /// A folder, whose bytes are none.
    folder: bool,
}

fn fault(message: impl Into<String>) -> MemberFault {
    Fault::new(Place::START, message).into()
}

fn damaged() -> MemberFault {
    fault("the zip archive is damaged: expected the header of a file")
}

impl ZipSplitter {
    /// Takes the next bytes.
    pub(super) fn push(
        &mut self,
        mut chunk: &[u8],
        each: &mut Each<'_>,
    ) -> Result<(), MemberFault> {
        while !chunk.is_empty() {
            match &mut self.state {
                State::Ended => return Ok(()),
                State::Header => {
                    let wanted = self.wanted()?;
                    let missing = wanted.saturating_sub(self.pending.len());
                    let (part, rest) = chunk.split_at(missing.min(chunk.len()));
                    self.pending.extend_from_slice(part);
                    chunk = rest;
                    if self.pending.len() == wanted && self.wanted()? == wanted {
                        self.header(each)?;
                    }
                }
                State::File(body) => {
                    let used = body.push(chunk, each)?;
                    chunk = chunk.get(used.bytes..).unwrap_or_default();
                    if used.ended {
                        self.end_of_file(each)?;
                    }
                }
                State::Descriptor { found } => {
                    let found = *found;
                    let missing = DESCRIPTOR.saturating_sub(self.pending.len());
                    let (part, rest) = chunk.split_at(missing.min(chunk.len()));
                    self.pending.extend_from_slice(part);
                    chunk = rest;
                    if self.pending.len() == DESCRIPTOR {
                        self.descriptor(found)?;
                        // What was read beyond it is a header's beginning.
                        let again = std::mem::take(&mut self.pending);
                        self.state = State::Header;
                        self.push(&again, each)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Says whether the archive ended where it may.
    pub(super) fn end(&self) -> Result<(), MemberFault> {
        match self.state {
            State::Ended => Ok(()),
            State::File(_) => Err(fault("the zip archive is truncated: it ends inside a file")),
            State::Header | State::Descriptor { .. } => Err(fault(
                "the zip archive is truncated: expected the list of its files",
            )),
        }
    }

    /// How many bytes of the header have to be there.
    fn wanted(&mut self) -> Result<usize, MemberFault> {
        let Some(signature) = self.pending.get(..4) else {
            return Ok(4);
        };
        if AFTER.contains(&signature) {
            self.state = State::Ended;
            return Ok(usize::MAX);
        }
        if signature != FILE {
            return Err(damaged());
        }
        if self.pending.len() < HEADER {
            return Ok(HEADER);
        }
        Ok(HEADER + usize::from(self.short(26)) + usize::from(self.short(28)))
    }

    fn short(&self, at: usize) -> u16 {
        let bytes = self
            .pending
            .get(at..at + 2)
            .and_then(|it| it.try_into().ok());
        u16::from_le_bytes(bytes.unwrap_or_default())
    }

    fn long(&self, at: usize) -> u32 {
        let bytes = self
            .pending
            .get(at..at + 4)
            .and_then(|it| it.try_into().ok());
        u32::from_le_bytes(bytes.unwrap_or_default())
    }

    /// Reads a complete header.
    fn header(&mut self, each: &mut Each<'_>) -> Result<(), MemberFault> {
        let (flags, method) = (self.short(6), self.short(8));
        let name = self
            .pending
            .get(HEADER..HEADER + usize::from(self.short(26)));
        let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
        let refused = |why: &str| {
            Err(MemberFault {
                member: Some(name.clone()),
                fault: Fault::new(Place::START, why),
            })
        };
        if flags & 1 != 0 {
            return refused("the zip archive is locked with a password: unpack it first");
        }
        let known = flags & 8 == 0;
        let packed = self.packed();
        let inflate = match method {
            0 if !known && packed == 0 && !name.ends_with('/') => {
                return refused(
                    "the zip archive does not tell how long this file is: unpack it first",
                );
            }
            0 => None,
            8 => Some(Box::new(Decompress::new(false))),
            _ => {
                let why = format!(
                    "the zip archive is packed by a method that is not read ({method}): unpack it, or pack it with deflate"
                );
                return refused(&why);
            }
        };
        let body = Body {
            left: (inflate.is_none() || known).then_some(packed),
            inflate,
            crc: Crc::new(),
            expected: known.then(|| self.long(14)),
            folder: name.ends_with('/'),
        };
        self.pending.clear();
        if !body.folder {
            each(Event::Begin(&name))?;
        }
        let is_empty = body.left == Some(0);
        self.state = State::File(body);
        if is_empty {
            self.end_of_file(each)?;
        }
        Ok(())
    }

    /// How long the file is in the archive; where 32 bits are too few, that stands in a field behind the name.
    fn packed(&self) -> u64 {
        let packed = self.long(18);
        if packed != u32::MAX {
            return u64::from(packed);
        }
        let begin = HEADER + usize::from(self.short(26));
        let mut extra = self.pending.get(begin..).unwrap_or_default();
        while let [a, b, c, d, rest @ ..] = extra {
            let length = usize::from(u16::from_le_bytes([*c, *d]));
            if u16::from_le_bytes([*a, *b]) == 1 {
                let bytes = rest.get(8..16).and_then(|it| it.try_into().ok());
                return bytes.map_or(u64::from(packed), u64::from_le_bytes);
            }
            extra = rest.get(length..).unwrap_or_default();
        }
        u64::from(packed)
    }

    fn end_of_file(&mut self, each: &mut Each<'_>) -> Result<(), MemberFault> {
        let State::File(body) = std::mem::take(&mut self.state) else {
            return Ok(());
        };
        let found = body.crc.sum();
        match body.expected {
            Some(expected) if expected != found => {
                return Err(fault(
                    "the zip archive is damaged: a file is not what was packed",
                ));
            }
            Some(_) => {}
            None => self.state = State::Descriptor { found },
        }
        if body.folder {
            Ok(())
        } else {
            each(Event::End)
        }
    }

    /// Reads what stands behind a file; whether it has a signature and how long its numbers are is told by what follows.
    fn descriptor(&mut self, found: u32) -> Result<(), MemberFault> {
        let next = |at: usize| {
            self.pending
                .get(at..at + 4)
                .is_some_and(|it| it == FILE || AFTER.contains(&it))
        };
        let signed = self.pending.starts_with(b"PK\x07\x08");
        let lengths: [(usize, usize); 4] = [(16, 4), (24, 4), (12, 0), (20, 0)];
        let length = lengths
            .into_iter()
            .find(|(length, crc)| (*crc == 4) == signed && next(*length));
        let Some((length, crc)) = length else {
            return Err(damaged());
        };
        if self.long(crc) != found {
            return Err(fault(
                "the zip archive is damaged: a file is not what was packed",
            ));
        }
        self.pending.drain(..length);
        Ok(())
    }
}

/// So many bytes hold every form of a descriptor and the signature that follows.
const DESCRIPTOR: usize = 28;

/// How far a file was read.
struct Used {
    bytes: usize,
    ended: bool,
}

impl Body {
    fn push(&mut self, chunk: &[u8], each: &mut Each<'_>) -> Result<Used, MemberFault> {
        let most = self.left.map_or(chunk.len(), |it| {
            usize::try_from(it).unwrap_or(usize::MAX).min(chunk.len())
        });
        let mut part = chunk.get(..most).unwrap_or_default();
        let Some(inflate) = &mut self.inflate else {
            self.crc.update(part);
            if !self.folder {
                each(Event::Data(part))?;
            }
            self.left = self.left.map(|it| it - part.len() as u64);
            return Ok(Used {
                bytes: part.len(),
                ended: self.left == Some(0),
            });
        };
        let mut out = vec![0; STEP];
        let mut used = 0;
        loop {
            let before = (inflate.total_in(), inflate.total_out());
            let status = inflate
                .decompress(part, &mut out, FlushDecompress::None)
                .map_err(|_| fault("the zip archive is damaged: a file cannot be unpacked"))?;
            let count = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(0);
            let taken = count(inflate.total_in(), before.0);
            let made = count(inflate.total_out(), before.1);
            part = part.get(taken..).unwrap_or_default();
            used += taken;
            let made = out.get(..made).unwrap_or_default();
            self.crc.update(made);
            if !made.is_empty() {
                each(Event::Data(made))?;
            }
            let ended = status == Status::StreamEnd;
            if ended || (taken == 0 && made.is_empty()) {
                self.left = self.left.map(|it| it.saturating_sub(used as u64));
                if !ended && self.left == Some(0) || ended && self.left.is_some_and(|it| it > 0) {
                    return Err(fault(
                        "the zip archive is damaged: a file cannot be unpacked",
                    ));
                }
                return Ok(Used { bytes: used, ended });
            }
        }
    }
}
