//! Files to a snapshot: several, and stretches of a large one, at the same time.
//!
//! What is read ahead is taken in the order of the files, and only where it is what one reader would make of them; a file
//! where that is not known, or that cannot be read, is read again in its turn, alone. So neither the snapshot nor an error
//! tells how many cores there were.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Mutex;
use std::thread;

use istio_planner::snapshot::{Snapshot, SnapshotReader};

use super::walk::{Found, Step};
use super::{Error, open};
use crate::output::progress::Progress;

/// Less, in bytes, is read at once.
const WORTH_IT: u64 = if cfg!(test) { 1 } else { 4 << 20 };

/// A file of so many bytes is read in stretches.
const LARGE: u64 = if cfg!(test) { 16 << 10 } else { 16 << 20 };

/// More bytes are read for so long that somebody may wonder.
const WATCHED: u64 = 64 << 20;

/// Where a stretch may begin is looked for in so many bytes.
const WINDOW: u64 = if cfg!(test) { 1 << 10 } else { 1 << 20 };

/// A line that tells how fast files are read, where there is much to read.
pub(super) fn progress(steps: &[Step]) -> Progress {
    match length(steps) {
        bytes @ WATCHED.. => Progress::bytes("Reading the export", Some(bytes)),
        _ => Progress::hidden(),
    }
}

/// Reads all files, on so many cores.
pub(super) fn all(steps: &[Step], cores: usize, progress: &Progress) -> Result<Snapshot, Error> {
    let mut ahead = ahead(steps, cores, progress);
    let mut reader = SnapshotReader::new();
    // Files of the folder that was named last.
    let mut read = 0;
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Input => reader.read("-", io::stdin().lock())?,
            Step::PassedOver(name, what) => reader.pass_over(name, what),
            Step::Begins => read = 0,
            Step::Ends(name) if read == 0 => {
                return Err(Error::Empty {
                    name: name.clone(),
                    passed_over: reader.finish()?.passed_over,
                });
            }
            Step::Ends(_) => {}
            Step::File(file) => {
                let before = reader.passed_over();
                let known = ahead.remove(&at);
                if !known.is_some_and(|it| reader.absorb(it)) {
                    let bytes = progress.wrap(open(&file.path)?);
                    if file.by_chance {
                        reader.read_found(&file.name, bytes)?;
                    } else {
                        reader.read(&file.name, bytes)?;
                    }
                }
                let is_read = !file.by_chance || reader.passed_over() == before;
                read += usize::from(is_read);
            }
        }
    }
    Ok(reader.finish()?)
}

/// Begins a file that is read in stretches.
fn begin(reader: &mut SnapshotReader, file: &Found) -> Result<(), Error> {
    if file.by_chance {
        reader.open_found(&file.name)?;
    } else {
        reader.open(&file.name)?;
    }
    Ok(())
}

/// The files among the steps, and where they stand there.
pub(super) fn files(steps: &[Step]) -> impl Iterator<Item = (usize, &Found)> {
    steps.iter().enumerate().filter_map(|(at, it)| match it {
        Step::File(file) => Some((at, file)),
        _ => None,
    })
}

/// How many bytes all of them have.
fn length(steps: &[Step]) -> u64 {
    files(steps).map(|(_, it)| it.length).sum()
}

/// What one thread reads at a time: a file, or some of the items of its list.
pub(super) struct Stretch<'a> {
    /// Where its file stands among the steps.
    step: usize,
    file: &'a Found,
    /// Where it begins in the file, and ends where another one follows.
    from: u64,
    until: Option<u64>,
    /// Takes it.
    reader: SnapshotReader,
}

impl Stretch<'_> {
    /// Returns the reader that has taken it; none where it cannot be read by itself.
    fn read(mut self, progress: &Progress) -> Option<SnapshotReader> {
        let mut bytes = open(&self.file.path).ok()?;
        bytes.seek(SeekFrom::Start(self.from)).ok()?;
        let length = self.until.map_or(u64::MAX, |it| it - self.from);
        let bytes = progress.wrap(bytes.take(length));
        self.reader.fill(&self.file.name, bytes).ok()?;
        let ended = match self.until {
            Some(_) => self.reader.pause(),
            None => self.reader.close().is_ok(),
        };
        ended.then_some(self.reader)
    }
}

/// Reads files at the same time; returns those that could be read, each by itself.
pub(super) fn ahead(
    steps: &[Step],
    cores: usize,
    progress: &Progress,
) -> BTreeMap<usize, SnapshotReader> {
    if cores < 2 || length(steps) < WORTH_IT {
        return BTreeMap::new();
    }
    let all = files(steps).flat_map(|(step, file)| stretches(step, file, cores));
    let all: Vec<_> = all.collect();
    let threads = cores.min(all.len());
    let waiting = Mutex::new(all.into_iter().enumerate());
    let next = || waiting.lock().ok()?.next();
    let done: Mutex<BTreeMap<usize, (usize, Option<SnapshotReader>)>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, stretch)) = next() {
                    let read = (stretch.step, stretch.read(progress));
                    if let Ok(mut done) = done.lock() {
                        done.insert(at, read);
                    }
                }
            });
        }
    });
    let mut files: BTreeMap<usize, Option<SnapshotReader>> = BTreeMap::new();
    for (step, read) in done.into_inner().unwrap_or_default().into_values() {
        let joined = match files.remove(&step) {
            None => read,
            Some(before) => before
                .zip(read)
                .and_then(|(mut before, it)| before.absorb(it).then_some(before)),
        };
        files.insert(step, joined);
    }
    files
        .into_iter()
        .filter_map(|(step, it)| Some((step, it?)))
        .collect()
}

/// Returns what is read of a file by itself: nothing where it has to be read in its turn.
pub(super) fn stretches(step: usize, file: &Found, cores: usize) -> Vec<Stretch<'_>> {
    let mut reader = SnapshotReader::new();
    if file.length == 0 || begin(&mut reader, file).is_err() {
        return Vec::new();
    }
    let mut begins = vec![(0, reader)];
    if file.length >= LARGE {
        // A file that is no large list is read whole.
        begins.extend(cuts(file, cores).unwrap_or_default());
    }
    let ends: Vec<_> = begins.iter().skip(1).map(|it| Some(it.0)).collect();
    let stretches = begins.into_iter().zip(ends.into_iter().chain([None]));
    stretches
        .map(|((from, reader), until)| Stretch {
            step,
            file,
            from,
            until,
            reader,
        })
        .collect()
}

/// Returns where stretches of a large list begin, about as long as each other, and who reads them.
fn cuts(file: &Found, cores: usize) -> Option<Vec<(u64, SnapshotReader)>> {
    let mut bytes = open(&file.path).ok()?;
    let mut beginning = SnapshotReader::new();
    begin(&mut beginning, file).ok()?;
    let head = (&mut bytes).take(WINDOW);
    beginning.fill(&file.name, head).ok()?;
    let most = file.length / (LARGE / 2);
    let parts = most.min(u64::try_from(cores).ok()?);
    let mut cuts = Vec::new();
    for part in 1..parts {
        let from = file.length / parts * part;
        bytes.seek(SeekFrom::Start(from)).ok()?;
        let mut window = Vec::new();
        (&mut bytes).take(WINDOW).read_to_end(&mut window).ok()?;
        if let Some(at) = beginning.seam(&window) {
            cuts.push((from + at as u64, beginning.part()?));
        }
    }
    Some(cuts)
}
