//! Leaves out of an item's YAML what no record keeps, before it is parsed.
//!
//! Parsing is what takes the time, and seven eighths of an injected pod are passed over afterwards. Only items in the
//! shape that kubectl writes are condensed: a key stands two blanks deeper than its parent, the dashes of a list stand
//! below its key. What is left out need not be valid YAML.

/// The part of an item that a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Other,
    Metadata,
    Spec,
    Status,
}

/// Which kinds are condensed how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Everything that [`super::Pod`] does not hold is left out.
    Pod,
    /// Only managedFields are left out.
    Workload,
}

/// Returns the text of an item without what is passed over, `None` where its shape is another.
pub(super) fn condense(item: &str) -> Option<String> {
    let shape = shape(item)?;
    let mut kept = String::with_capacity(item.len() / 4);
    let mut section = Section::Other;
    // Whether the first line of a section is still to come: it tells how deep the keys stand.
    let mut opened = false;
    let mut rest = item;
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(line_end(rest))?;
        rest = after;
        let text = line.trim_start_matches(' ');
        let depth = line.len() - text.len();
        let blank = text.trim_end().is_empty();
        let dash = is_dash(text);
        if !blank && opened {
            if depth != 4 {
                return None;
            }
            opened = false;
        }
        // A key at this depth is left out.
        let left_out = match (depth, section) {
            (2, _) if !blank => {
                section = match text.trim_end() {
                    "metadata:" => Section::Metadata,
                    "spec:" => Section::Spec,
                    "status:" => Section::Status,
                    _ => Section::Other,
                };
                opened = section != Section::Other;
                None
            }
            (4, Section::Metadata) if key(text) == "managedFields" => {
                // That they are there is told.
                kept.push_str("    managedFields: []\n");
                Some(4)
            }
            (4, Section::Spec) if shape == Shape::Pod && dash => {
                let is_read = OF_CONTAINERS.contains(&key(text.trim_start_matches(['-', ' '])));
                if !is_read {
                    kept.push_str("    -\n");
                }
                (!is_read).then_some(6)
            }
            (4, Section::Spec) if shape == Shape::Pod => {
                (!OF_SPECS.contains(&key(text))).then_some(4)
            }
            (4, Section::Status) if shape == Shape::Pod && !dash => {
                (!OF_STATUS.contains(&key(text))).then_some(4)
            }
            (6, Section::Spec) if shape == Shape::Pod && dash => return None,
            (6, Section::Spec) if shape == Shape::Pod => {
                (!OF_CONTAINERS.contains(&key(text))).then_some(6)
            }
            _ => None,
        };
        match left_out {
            Some(depth) => rest = behind(rest, depth),
            None => kept.push_str(line),
        }
    }
    Some(kept)
}

/// Where the first line of a text ends, with its end.
fn line_end(text: &str) -> usize {
    memchr::memchr(b'\n', text.as_bytes()).map_or(text.len(), |it| it + 1)
}

/// Whether a line without its indentation begins an item.
fn is_dash(text: &str) -> bool {
    text.starts_with("- ") || text.trim_end() == "-"
}

/// Returns what follows the value of a key at this depth, of whose line the text is what follows.
fn behind(mut text: &str, depth: usize) -> &str {
    loop {
        let blanks = text.as_bytes().get(..=depth);
        if !blanks.is_some_and(|it| it.iter().all(|it| *it == b' ')) {
            let inner = text.trim_start_matches(' ');
            let line = inner.get(..line_end(inner)).unwrap_or_default();
            let goes_on = text.len() - inner.len() == depth && is_dash(line);
            if text.is_empty() || !(line.trim_end().is_empty() || goes_on) {
                return text;
            }
        }
        text = text.get(line_end(text)..).unwrap_or_default();
    }
}

/// What [`super::wire`] reads of a pod's spec.
const OF_SPECS: [&str; 4] = ["containers", "initContainers", "hostNetwork", "nodeName"];

/// What it reads of each container.
const OF_CONTAINERS: [&str; 4] = ["name", "image", "restartPolicy", "resources"];

/// What it reads of a pod's status.
const OF_STATUS: [&str; 3] = ["phase", "conditions", "containerStatuses"];

/// Kinds of which there are many, by the first lines that kubectl writes.
fn shape(item: &str) -> Option<Shape> {
    let rest = item.strip_prefix("- apiVersion: ")?;
    let (api_version, rest) = rest.split_once('\n')?;
    let kind = rest.strip_prefix("  kind: ")?.split('\n').next()?;
    match (api_version, kind) {
        ("v1", "Pod") => Some(Shape::Pod),
        ("apps/v1", "ReplicaSet" | "StatefulSet") | ("batch/v1", "Job" | "CronJob") => {
            Some(Shape::Workload)
        }
        _ => None,
    }
}

/// Returns the key of a line.
fn key(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}
