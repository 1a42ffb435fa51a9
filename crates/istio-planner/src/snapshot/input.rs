//! One input that arrives in chunks: what it is shows in its first bytes, never in its name.
//!
//! A gzip stream is unpacked; a tar archive is read member by member; what remains is JSON, YAML, or the words of
//! `kubectl version`.

use std::io::Write;

use istio_render::archive::{ArchiveFault, Event, TarSplitter};

use super::json::JsonSplitter;
use super::piece::{Fault, Piece, Place, utf8};
use super::yaml::YamlSplitter;

/// How many bytes tell a tar archive.
const SNIFF: usize = 512;

/// Takes what an input is made of; `member` names the file inside an archive.
pub(super) trait Sink {
    /// Takes an object's text and returns its length.
    fn piece(&mut self, member: Option<&str>, piece: Piece<'_>) -> Result<usize, Fault>;
    /// The text of `kubectl version`.
    fn version(&mut self, text: &str);
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
    /// A tar archive and its current member.
    Tar {
        tar: TarSplitter,
        member: Option<Member>,
    },
    /// Text.
    Plain(Plain),
}

impl Input {
    /// An input whose bytes are still to come.
    pub(super) fn new() -> Self {
        Self::Sniff(Vec::new())
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, chunk: &[u8], sink: &mut dyn Sink) -> Result<(), MemberFault> {
        match self {
            Self::Sniff(seen) => {
                seen.extend_from_slice(chunk);
                if seen.len() < SNIFF {
                    return Ok(());
                }
                let seen = std::mem::take(seen);
                *self = Self::tell(&seen);
                self.push(&seen, sink)
            }
            Self::Gzip { decoder, inner } => {
                // Small steps, so that what a small chunk unpacks to stays small.
                for part in chunk.chunks(16 * 1024) {
                    decoder.write_all(part).map_err(|it| gzip(&it))?;
                    let unpacked = std::mem::take(decoder.get_mut());
                    inner.push(&unpacked, sink)?;
                }
                Ok(())
            }
            Self::Tar { tar, member } => {
                tar.push(chunk, &mut |event| on_event(&event, member, sink))
            }
            Self::Plain(plain) => Ok(plain.push(chunk, None, sink)?),
        }
    }

    /// Says that there are no more bytes.
    pub(super) fn end(mut self, sink: &mut dyn Sink) -> Result<(), MemberFault> {
        if let Self::Sniff(seen) = &mut self {
            let seen = std::mem::take(seen);
            self = Self::tell(&seen);
            self.push(&seen, sink)?;
        }
        match self {
            Self::Sniff(_) => Ok(()),
            Self::Gzip {
                mut decoder,
                mut inner,
            } => {
                decoder.try_finish().map_err(|it| gzip(&it))?;
                let unpacked = std::mem::take(decoder.get_mut());
                inner.push(&unpacked, sink)?;
                inner.end(sink)
            }
            Self::Tar { tar, .. } => Ok(tar.end()?),
            Self::Plain(plain) => Ok(plain.end(None, sink)?),
        }
    }

    fn tell(bytes: &[u8]) -> Self {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let decoder = Box::new(flate2::write::MultiGzDecoder::new(Vec::new()));
            Self::Gzip {
                decoder,
                inner: Box::new(Self::new()),
            }
        } else if bytes.get(257..262) == Some(b"ustar") {
            Self::Tar {
                tar: TarSplitter::new(),
                member: None,
            }
        } else {
            Self::Plain(Plain::Begin(Vec::new()))
        }
    }
}

fn gzip(error: &std::io::Error) -> Fault {
    Fault::new(
        Place::START,
        format!("the gzip stream is damaged or truncated: {error}"),
    )
}

/// A file inside an archive.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    /// What of it was read; `None` for logs and dumps, which are passed over.
    plain: Option<Plain>,
}

fn on_event(
    event: &Event<'_>,
    member: &mut Option<Member>,
    sink: &mut dyn Sink,
) -> Result<(), MemberFault> {
    match event {
        Event::Begin(name) => {
            let plain = (!is_dump(name)).then(|| Plain::Begin(Vec::new()));
            *member = Some(Member {
                name: (*name).to_owned(),
                plain,
            });
            Ok(())
        }
        Event::Data(bytes) => {
            let Some(Member {
                name,
                plain: Some(plain),
            }) = member
            else {
                return Ok(());
            };
            plain
                .push(bytes, Some(name), sink)
                .map_err(|fault| MemberFault {
                    member: Some(name.clone()),
                    fault,
                })
        }
        Event::End => {
            let Some(Member {
                name,
                plain: Some(plain),
            }) = member.take()
            else {
                return Ok(());
            };
            plain.end(Some(&name), sink).map_err(|fault| MemberFault {
                member: Some(name),
                fault,
            })
        }
    }
}

/// Whether a member of `istioctl bug-report` holds logs or the state of proxies.
///
/// The folders are those of istio 1.30.3:tools/bug-report/pkg/archive/archive.go:27-37; objects stand in `cluster/`.
fn is_dump(name: &str) -> bool {
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
    twin || (!data && (dumps.iter().any(|it| path.starts_with(it)) || path == "cluster/events"))
}

/// A text.
#[derive(Debug)]
pub(super) enum Plain {
    /// Only blanks and too little to tell.
    Begin(Vec<u8>),
    /// `{`, or an array of such, came first.
    Json(JsonSplitter),
    /// Anything else.
    Yaml(YamlSplitter),
    /// The words of `kubectl version`.
    Version(Vec<u8>),
    /// A member of an archive that holds no objects.
    Other,
}

impl Plain {
    fn push(
        &mut self,
        chunk: &[u8],
        member: Option<&str>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let mut each = |piece: Piece<'_>| sink.piece(member, piece);
        match self {
            Self::Begin(seen) => {
                seen.extend_from_slice(chunk);
                // A line or two tell what a text is.
                if seen.len() >= SNIFF {
                    self.decide(member, sink)
                } else {
                    Ok(())
                }
            }
            Self::Json(json) => json.push(chunk, &mut each),
            Self::Yaml(yaml) => yaml.push(chunk, &mut each),
            Self::Version(text) => {
                text.extend_from_slice(chunk);
                Ok(())
            }
            Self::Other => Ok(()),
        }
    }

    fn decide(&mut self, member: Option<&str>, sink: &mut dyn Sink) -> Result<(), Fault> {
        let Self::Begin(seen) = self else {
            return Ok(());
        };
        let seen = std::mem::take(seen);
        let text = seen.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&seen);
        let begins = text.trim_ascii_start();
        if member.is_none() && (seen.starts_with(b"\xff\xfe") || seen.starts_with(b"\xfe\xff")) {
            let found = "expected text in UTF-8, found UTF-16, which `>` of Windows PowerShell writes: \
                use `| Out-File -Encoding utf8`";
            return Err(Fault::new(Place::START, found));
        }
        *self = if begins.first() == Some(&b'{') || is_json_array(begins) {
            Self::Json(JsonSplitter::new(Place::START))
        } else if begins.starts_with(b"Client Version:") || begins.starts_with(b"Server Version:") {
            Self::Version(Vec::new())
        } else if member.is_some() && !is_yaml(text) {
            Self::Other
        } else {
            Self::Yaml(YamlSplitter::new())
        };
        self.push(text, member, sink)
    }

    fn end(mut self, member: Option<&str>, sink: &mut dyn Sink) -> Result<(), Fault> {
        if let Self::Begin(seen) = &self {
            if seen.trim_ascii().is_empty() {
                let expected = "expected Kubernetes objects, found an empty file";
                return if member.is_some() {
                    Ok(())
                } else {
                    Err(Fault::new(Place::START, expected))
                };
            }
            self.decide(member, sink)?;
        }
        match self {
            Self::Json(mut json) => json.end(&mut |piece| sink.piece(member, piece)),
            Self::Yaml(mut yaml) => yaml.end(&mut |piece| sink.piece(member, piece)),
            Self::Version(text) => {
                sink.version(utf8(&text, Place::START)?);
                Ok(())
            }
            Self::Begin(_) | Self::Other => Ok(()),
        }
    }
}

/// Whether a text begins as an array of JSON objects: a flow sequence of YAML may begin with a bracket too.
fn is_json_array(text: &[u8]) -> bool {
    let after = |text: &[u8], byte: u8| {
        let rest = text.trim_ascii_start().strip_prefix(&[byte])?;
        Some(rest.trim_ascii_start().to_vec())
    };
    after(text, b'[').is_some_and(|inside| {
        inside.first() == Some(&b']')
            || after(&inside, b'{').is_some_and(|it| matches!(it.first(), Some(b'"' | b'}')))
    })
}

/// Whether a member's first lines look like objects: a log or a table does not.
fn is_yaml(text: &[u8]) -> bool {
    let lines = text.split(|it| *it == b'\n');
    let telling = lines
        .map(<[u8]>::trim_ascii_end)
        .find(|it| !it.is_empty() && !it.starts_with(b"#"));
    telling.is_some_and(|line| {
        let keys: [&[u8]; 7] = [
            b"---",
            b"apiVersion:",
            b"kind:",
            b"items:",
            b"metadata:",
            b"clientVersion:",
            b"serverVersion:",
        ];
        keys.iter().any(|it| line.starts_with(it))
    })
}
