//! Where an export goes while it is read: a folder, an archive, or the planner's reader. None holds more than a page.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use istio_planner::snapshot::{ReadError, Snapshot, SnapshotReader};
use serde_json::Value;
use tokio::sync::mpsc;

use super::Error;
use crate::cluster::Items;

/// A piece of an export on its way to the reader.
#[derive(Debug)]
pub(super) enum Piece {
    /// A file begins.
    Begin(String),
    /// Some of its bytes.
    Bytes(Items),
    /// It ends.
    End,
}

/// Where an export goes.
pub(super) enum Sink<'a> {
    Folder(Folder<'a>),
    Archive(Archive<'a>),
    Reader(mpsc::Sender<Piece>),
}

impl Sink<'_> {
    /// Writes a whole file.
    pub(super) async fn file(&mut self, name: &str, document: &Value) -> Result<(), Error> {
        self.begin(name).await?;
        self.piece(document.to_string().into_bytes()).await?;
        self.end().await
    }

    /// Begins a file; what was begun of it before is gone.
    pub(super) async fn begin(&mut self, name: &str) -> Result<(), Error> {
        match self {
            Self::Folder(it) => it.begin(name),
            Self::Archive(it) => it.begin(name),
            Self::Reader(to) => send(to, Piece::Begin(name.to_owned())).await,
        }
    }

    /// Adds to the file.
    pub(super) async fn piece(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        self.items(bytes.into()).await
    }

    /// Adds the objects of a page to the file.
    pub(super) async fn items(&mut self, mut items: Items) -> Result<(), Error> {
        match self {
            Self::Folder(it) => it.copy(&mut items),
            Self::Archive(it) => it.copy(&mut items),
            Self::Reader(to) => send(to, Piece::Bytes(items)).await,
        }
    }

    /// Waits until a reader has begun with the last piece, so that one page is read, one is asked for, and none waits.
    pub(super) async fn taken(&mut self) -> Result<(), Error> {
        match self {
            Self::Folder(_) | Self::Archive(_) => Ok(()),
            Self::Reader(to) => to.reserve().await.map(drop).map_err(|_| Error::Ended),
        }
    }

    /// Ends the file.
    pub(super) async fn end(&mut self) -> Result<(), Error> {
        match self {
            Self::Folder(it) => it.end(),
            Self::Archive(it) => it.end(),
            Self::Reader(to) => send(to, Piece::End).await,
        }
    }

    /// Whether a file that was begun can be begun again. What was read was read.
    pub(super) fn begins_again(&self) -> bool {
        match self {
            Self::Folder(_) | Self::Archive(_) => true,
            Self::Reader(_) => false,
        }
    }

    /// How many files are whole.
    pub(super) fn files(&self) -> usize {
        match self {
            Self::Folder(it) => it.files,
            Self::Archive(it) => it.files,
            Self::Reader(_) => 0,
        }
    }

    /// Ends the whole.
    pub(super) fn finish(self) -> Result<(), Error> {
        match self {
            Self::Folder(_) | Self::Reader(_) => Ok(()),
            Self::Archive(it) => it.finish(),
        }
    }
}

async fn send(to: &mpsc::Sender<Piece>, piece: Piece) -> Result<(), Error> {
    to.send(piece).await.map_err(|_| Error::Ended)
}

/// A folder, a file for each kind.
pub(super) struct Folder<'a> {
    path: &'a Path,
    open: Option<(PathBuf, BufWriter<File>)>,
    files: usize,
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self {
            path,
            open: None,
            files: 0,
        }
    }

    fn begin(&mut self, name: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        let file = File::create(&path).map_err(|it| failed(&path, it))?;
        self.open = Some((path, BufWriter::new(file)));
        Ok(())
    }

    fn copy(&mut self, from: &mut Items) -> Result<(), Error> {
        match &mut self.open {
            Some((path, file)) => match io::copy(from, file) {
                Ok(_) => Ok(()),
                Err(error) => Err(failed(path, error)),
            },
            None => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        if let Some((path, mut file)) = self.open.take() {
            file.flush().map_err(|it| failed(&path, it))?;
            self.files += 1;
        }
        Ok(())
    }
}

/// An archive. The size of a member stands before it, so each is written beside first.
pub(super) struct Archive<'a> {
    name: &'a str,
    tar: tar::Builder<GzEncoder<Box<dyn Write + Send + 'a>>>,
    open: Option<(String, BufWriter<File>)>,
    files: usize,
}

impl<'a> Archive<'a> {
    pub(super) fn new(name: &'a str, out: Box<dyn Write + Send + 'a>) -> Self {
        Self {
            name,
            tar: tar::Builder::new(GzEncoder::new(out, Compression::default())),
            open: None,
            files: 0,
        }
    }

    fn begin(&mut self, name: &str) -> Result<(), Error> {
        let file = tempfile::tempfile().map_err(|it| self.failed(it))?;
        self.open = Some((name.to_owned(), BufWriter::new(file)));
        Ok(())
    }

    fn copy(&mut self, from: &mut Items) -> Result<(), Error> {
        let written = self.open.as_mut().map(|it| io::copy(from, &mut it.1));
        written.transpose().map(drop).map_err(|it| self.failed(it))
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some((name, file)) = self.open.take() else {
            return Ok(());
        };
        self.member(&name, file).map_err(|it| self.failed(it))?;
        self.files += 1;
        Ok(())
    }

    fn member(&mut self, name: &str, file: BufWriter<File>) -> io::Result<()> {
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut header = tar::Header::new_ustar();
        header.set_size(file.stream_position()?);
        header.set_mode(0o600);
        file.rewind()?;
        self.tar
            .append_data(&mut header, format!("export/{name}"), file)
    }

    fn finish(self) -> Result<(), Error> {
        let name = self.name;
        let packed = self.tar.into_inner();
        let ended = packed.and_then(GzEncoder::finish);
        ended
            .map(drop)
            .map_err(|source| failed(Path::new(name), source))
    }

    fn failed(&self, source: io::Error) -> Error {
        failed(Path::new(self.name), source)
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Write {
        path: path.display().to_string(),
        source,
    }
}

/// Reads every file that comes, until nothing more does.
///
/// # Errors
///
/// As [`SnapshotReader::read`]; what comes afterwards is not taken.
pub(super) fn read_all(mut pieces: mpsc::Receiver<Piece>) -> Result<Snapshot, ReadError> {
    let mut reader = SnapshotReader::new();
    while let Some(piece) = pieces.blocking_recv() {
        let Piece::Begin(name) = piece else {
            // The reader has seen enough of the file before.
            continue;
        };
        reader.read(&name, Bytes::new(&mut pieces))?;
    }
    reader.finish()
}

/// The bytes of one file.
struct Bytes<'a> {
    pieces: &'a mut mpsc::Receiver<Piece>,
    piece: Items,
    ended: bool,
}

impl<'a> Bytes<'a> {
    fn new(pieces: &'a mut mpsc::Receiver<Piece>) -> Self {
        Self {
            pieces,
            piece: Items::default(),
            ended: false,
        }
    }
}

impl Read for Bytes<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(into)?;
            if read > 0 || into.is_empty() || self.ended {
                return Ok(read);
            }
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.piece = bytes,
                Some(Piece::End | Piece::Begin(_)) | None => self.ended = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader sees of the pieces is what stands in the file that they make.
    #[tokio::test]
    async fn a_reader_sees_what_a_file_holds() {
        let (sender, pieces) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || read_all(pieces));
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Sink::Reader(sender);
        let mut written = Sink::Folder(Folder::new(folder.path()));
        for sink in [&mut reader, &mut written] {
            sink.begin("pods.json").await.unwrap();
            for piece in [
                r#"{"apiVersion":"v1","kind":"PodList","items":["#,
                r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","names"#,
                r#"pace":"n"}},"#,
                "",
                r#"{"metadata":{"name":"b","namespace":"n"}}]}"#,
            ] {
                sink.piece(piece.as_bytes().to_vec()).await.unwrap();
            }
            sink.end().await.unwrap();
        }
        assert_eq!(written.files(), 1);
        drop(reader);
        let live = reading.await.unwrap().unwrap();
        let mut again = SnapshotReader::new();
        let file = File::open(folder.path().join("pods.json")).unwrap();
        again.read("pods.json", file).unwrap();
        let saved = again.finish().unwrap();
        assert_eq!(live.pods.len(), 2);
        assert_eq!(format!("{:?}", live.pods), format!("{:?}", saved.pods));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_ends_it_with_its_place() {
        let (sender, pieces) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || read_all(pieces));
        let mut sink = Sink::Reader(sender);
        let written = sink.file("version.json", &Value::from("no object")).await;
        let more = sink.file("pods.json", &Value::from(1)).await;
        drop(sink);
        let error = reading.await.unwrap().unwrap_err();
        assert_eq!(error.file, "version.json");
        assert!(written.is_ok() || matches!(written, Err(Error::Ended)));
        assert!(matches!(more, Err(Error::Ended)));
    }
}
