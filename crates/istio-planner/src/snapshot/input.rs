//! One input that arrives in chunks: what it is shows in its first bytes, never in its name.
//!
//! What is packed (gzip, xz) is unpacked, at most twice; archives (tar, zip) are read file by file, each of them again by
//! its first bytes; text in UTF-16 is read as such; what remains is JSON, YAML, or the words of `kubectl version`.

use std::io::Write;

use istio_render::archive::{ArchiveFault, Event, TarSplitter};

use super::join::OpenList;
use super::looks;
use super::piece::{Fault, Piece, Place};
use super::text::Plain;
use super::unpack::{Wide, Xz};
use super::zip::ZipSplitter;

/// How many bytes tell what an input is.
pub(super) const SNIFF: usize = 512;

/// How often an input may be packed, and how deep archives may stand in archives.
const LAYERS: u8 = 2;

/// So many characters of a member's name are kept with each of its objects.
const NAME: usize = 1024;

/// Takes what an input is made of; `member` names the file inside an archive.
pub(super) trait Sink {
    /// Takes an object's text and returns its length.
    fn piece(&mut self, at: At<'_>, piece: Piece<'_>) -> Result<usize, Fault>;
    /// The text of `kubectl version`.
    fn version(&mut self, at: At<'_>, text: &str);
    /// A file that holds nothing to read, and what it is.
    fn passed_over(&mut self, at: At<'_>, what: &str);
}

/// Where an input stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct At<'a> {
    /// The file inside an archive, inside of others with `!` between.
    pub(super) member: Option<&'a str>,
    /// Nobody named this file: it is passed over where it holds no objects.
    pub(super) found: bool,
    /// How often it was packed.
    packed: u8,
    /// In how many archives it stands.
    archives: u8,
}

impl At<'_> {
    /// A file of its own; `found` where nobody named it.
    pub(super) fn file(found: bool) -> Self {
        Self {
            found,
            ..Self::default()
        }
    }
}

/// An error and the member of the archive that it is in.
#[derive(Debug)]
pub(super) struct MemberFault {
    pub(super) member: Option<String>,
    pub(super) fault: Fault,
}

impl From<Fault> for MemberFault {
    fn from(fault: Fault) -> Self {
        Self {
            member: None,
            fault,
        }
    }
}

impl From<ArchiveFault> for MemberFault {
    fn from(fault: ArchiveFault) -> Self {
        Fault::new(Place::START, fault.to_string()).into()
    }
}

/// One input.
#[derive(Debug)]
pub(super) enum Input {
    /// Not enough bytes yet.
    Sniff(Vec<u8>),
    /// A gzip stream; what it unpacks to waits in the buffer.
    Gzip {
        decoder: Box<flate2::write::MultiGzDecoder<Vec<u8>>>,
        inner: Box<Input>,
    },
    /// An xz stream.
    Xz { xz: Box<Xz>, inner: Box<Input> },
    /// A tar archive and its current member.
    Tar { tar: TarSplitter, member: Member },
    /// A zip archive and its current member.
    Zip { zip: ZipSplitter, member: Member },
    /// Text in UTF-16.
    Wide { wide: Wide, plain: Plain },
    /// Text.
    Plain(Plain),
    /// What holds no objects.
    PassedOver,
}

impl Input {
    /// An input whose bytes are still to come.
    pub(super) fn new() -> Self {
        Self::Sniff(Vec::new())
    }

    /// A text from the midst of a list on.
    pub(super) fn inside(list: &OpenList) -> Self {
        Self::Plain(Plain::inside(list))
    }

    /// The list whose items are being read, where this is a text.
    pub(super) fn list(&self) -> Option<OpenList> {
        match self {
            Self::Plain(plain) => plain.list(),
            _ => None,
        }
    }

    /// Ends between two items: returns the list and the next line.
    pub(super) fn pause(
        &mut self,
        at: At<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Option<(OpenList, u32)>, Fault> {
        match self {
            Self::Plain(plain) => plain.pause(at, sink),
            _ => Ok(None),
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        at: At<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), MemberFault> {
        match self {
            Self::Sniff(seen) => {
                seen.extend_from_slice(chunk);
                if seen.len() < SNIFF {
                    return Ok(());
                }
                let seen = std::mem::take(seen);
                *self = Self::tell(&seen, at, sink)?;
                self.push(&seen, at, sink)
            }
            Self::Gzip { decoder, inner } => {
                // Small steps, so that what a small chunk unpacks to stays small.
                for part in chunk.chunks(16 * 1024) {
                    decoder.write_all(part).map_err(|it| gzip(&it))?;
                    let unpacked = std::mem::take(decoder.get_mut());
                    inner.push(&unpacked, packed(at), sink)?;
                }
                Ok(())
            }
            Self::Xz { xz, inner } => xz.push(chunk, &mut |unpacked| {
                inner.push(unpacked, packed(at), sink)
            }),
            Self::Tar { tar, member } => {
                tar.push(chunk, &mut |event| member.take(&event, at, sink))
            }
            Self::Zip { zip, member } => {
                zip.push(chunk, &mut |event| member.take(&event, at, sink))
            }
            Self::Wide { wide, plain } => {
                let text = wide.push(chunk)?;
                Ok(plain.push(text.as_bytes(), at, sink)?)
            }
            Self::Plain(plain) => Ok(plain.push(chunk, at, sink)?),
            Self::PassedOver => Ok(()),
        }
    }

    /// Says that there are no more bytes.
    pub(super) fn end(mut self, at: At<'_>, sink: &mut dyn Sink) -> Result<(), MemberFault> {
        if let Self::Sniff(seen) = &mut self {
            let seen = std::mem::take(seen);
            self = Self::tell(&seen, at, sink)?;
            self.push(&seen, at, sink)?;
        }
        match self {
            Self::Sniff(_) | Self::PassedOver => Ok(()),
            Self::Gzip {
                mut decoder,
                mut inner,
            } => {
                decoder.try_finish().map_err(|it| gzip(&it))?;
                let unpacked = std::mem::take(decoder.get_mut());
                inner.push(&unpacked, packed(at), sink)?;
                inner.end(packed(at), sink)
            }
            Self::Xz { mut xz, mut inner } => {
                xz.end(&mut |unpacked| inner.push(unpacked, packed(at), sink))?;
                inner.end(packed(at), sink)
            }
            Self::Tar { tar, .. } => Ok(tar.end()?),
            Self::Zip { zip, .. } => zip.end(),
            Self::Wide { wide, plain } => {
                wide.end()?;
                Ok(plain.end(at, sink)?)
            }
            Self::Plain(plain) => Ok(plain.end(at, sink)?),
        }
    }

    fn tell(bytes: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Result<Self, Fault> {
        let gzipped = bytes.starts_with(&[0x1f, 0x8b]);
        let is_xz = bytes.starts_with(b"\xfd7zXZ\0");
        if gzipped || is_xz {
            if at.packed >= LAYERS {
                let message = "this is packed more than twice, which no export is: unpack it first";
                return Err(Fault::new(Place::START, message));
            }
            let inner = Box::new(Self::new());
            return Ok(if is_xz {
                let xz = Box::new(Xz::new());
                Self::Xz { xz, inner }
            } else {
                let decoder = Box::new(flate2::write::MultiGzDecoder::new(Vec::new()));
                Self::Gzip { decoder, inner }
            });
        }
        let is_tar = bytes.get(257..262) == Some(b"ustar");
        let zipped = bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06");
        if is_tar || zipped {
            if at.archives >= LAYERS {
                let message = "archives stand in archives more than twice, which no export does: unpack it first";
                return Err(Fault::new(Place::START, message));
            }
            let member = Member::default();
            return Ok(if is_tar {
                let tar = TarSplitter::new();
                Self::Tar { tar, member }
            } else {
                let zip = ZipSplitter::default();
                Self::Zip { zip, member }
            });
        }
        if let Some(wide) = Wide::tell(bytes) {
            let plain = Plain::new();
            return Ok(Self::Wide { wide, plain });
        }
        if let Some(what) = looks::like(bytes).filter(|_| is_binary(bytes)) {
            if at.found {
                sink.passed_over(at, what);
                return Ok(Self::PassedOver);
            }
            let message = format!("expected Kubernetes objects, found {what}");
            return Err(Fault::new(Place::START, message));
        }
        Ok(Self::Plain(Plain::new()))
    }
}

/// Whether bytes are no text; the last character may be cut.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.contains(&0) || std::str::from_utf8(bytes).is_err_and(|it| it.error_len().is_some())
}

/// The same place, once more packed.
fn packed(at: At<'_>) -> At<'_> {
    At {
        packed: at.packed + 1,
        ..at
    }
}

fn gzip(error: &std::io::Error) -> Fault {
    Fault::new(
        Place::START,
        format!("the gzip stream is damaged or truncated: {error}"),
    )
}

/// The file inside an archive that is being read.
#[derive(Debug, Default)]
pub(super) struct Member {
    name: String,
    /// `None` for logs and dumps, which are passed over.
    input: Option<Box<Input>>,
}

impl Member {
    /// Takes what an archive is made of.
    fn take(
        &mut self,
        event: &Event<'_>,
        at: At<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), MemberFault> {
        match event {
            Event::Begin(name) => {
                // A name is a line, whatever its archive says.
                let plain = |it: char| if it.is_control() { '\u{fffd}' } else { it };
                let own: String = name.chars().take(NAME).map(plain).collect();
                self.name = match at.member {
                    Some(outer) => format!("{outer}!{own}"),
                    None => own,
                };
                let reason = passed_over(name);
                if let Some(what) = reason {
                    sink.passed_over(inside(at, &self.name), what);
                }
                if is_release(name) {
                    let message = "expected what a cluster exported, found a release of Istio: give it with --releases";
                    return Err(self.fault(Fault::new(Place::START, message).into()));
                }
                self.input = reason.is_none().then(|| Box::new(Input::new()));
                Ok(())
            }
            Event::Data(bytes) => {
                let Some(input) = &mut self.input else {
                    return Ok(());
                };
                let result = input.push(bytes, inside(at, &self.name), sink);
                result.map_err(|it| self.fault(it))
            }
            Event::End => {
                let Some(input) = self.input.take() else {
                    return Ok(());
                };
                let result = input.end(inside(at, &self.name), sink);
                result.map_err(|it| self.fault(it))
            }
        }
    }

    /// An error in this file, or in one inside it.
    fn fault(&self, fault: MemberFault) -> MemberFault {
        MemberFault {
            member: fault.member.or_else(|| Some(self.name.clone())),
            ..fault
        }
    }
}

fn inside<'a>(at: At<'_>, name: &'a str) -> At<'a> {
    At {
        member: Some(name),
        found: true,
        packed: at.packed,
        archives: at.archives + 1,
    }
}

/// Whether a member is one of a release of Istio.
fn is_release(name: &str) -> bool {
    let path = name.trim_start_matches("./");
    path.starts_with("istio-")
        && path
            .split_once('/')
            .is_some_and(|(_, it)| it.starts_with("manifests/charts/"))
}

/// Says why a member of `istioctl bug-report` is not looked at: it holds logs or the state of proxies.
///
/// The folders are those of istio 1.30.3:tools/bug-report/pkg/archive/archive.go:27-37; objects stand in `cluster/`.
fn passed_over(name: &str) -> Option<&'static str> {
    let path = name.trim_start_matches("./");
    let path = path.strip_prefix("bug-report/").unwrap_or(path);
    let data = [".yaml", ".yml", ".json"]
        .iter()
        .any(|it| path.ends_with(it));
    let dumps = ["proxies/", "istio/", "cni/", "operator/", "analyze/"];
    // macOS writes a twin `._name` beside every file.
    let twin = path
        .rsplit('/')
        .next()
        .is_some_and(|it| it.starts_with("._"));
    if twin || path.starts_with("__MACOSX/") {
        Some("what macOS keeps beside every file")
    } else if !data && (dumps.iter().any(|it| path.starts_with(it)) || path == "cluster/events") {
        Some("a log, or the state of a proxy")
    } else {
        None
    }
}
