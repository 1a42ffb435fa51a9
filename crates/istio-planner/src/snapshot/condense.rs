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
    // A key at this depth is being left out.
    let mut left_out: Option<usize> = None;
    for line in item.split_inclusive('\n') {
        let text = line.trim_start_matches(' ');
        let depth = line.len() - text.len();
        let blank = text.trim_end().is_empty();
        let dash = text.starts_with("- ") || text.trim_end() == "-";
        if let Some(at) = left_out {
            if blank || depth > at || (depth == at && dash) {
                continue;
            }
            left_out = None;
        }
        if !blank && opened {
            if depth != 4 {
                return None;
            }
            opened = false;
        }
        match (depth, section) {
            (2, _) if !blank => {
                section = match text.trim_end() {
                    "metadata:" => Section::Metadata,
                    "spec:" => Section::Spec,
                    "status:" => Section::Status,
                    _ => Section::Other,
                };
                opened = section != Section::Other;
            }
            (4, Section::Metadata) if key(text) == "managedFields" => {
                // That they are there is told.
                kept.push_str("    managedFields: []\n");
                left_out = Some(4);
                continue;
            }
            (4, Section::Spec)
                if shape == Shape::Pod
                    && dash
                    && !OF_CONTAINERS.contains(&key(text.trim_start_matches(['-', ' ']))) =>
            {
                kept.push_str("    -\n");
                left_out = Some(6);
                continue;
            }
            (4, Section::Spec)
                if shape == Shape::Pod && !dash && !OF_SPECS.contains(&key(text)) =>
            {
                left_out = Some(4);
                continue;
            }
            (4, Section::Status)
                if shape == Shape::Pod && !dash && !OF_STATUS.contains(&key(text)) =>
            {
                left_out = Some(4);
                continue;
            }
            (6, Section::Spec) if shape == Shape::Pod && dash => return None,
            (6, Section::Spec) if shape == Shape::Pod && !OF_CONTAINERS.contains(&key(text)) => {
                left_out = Some(6);
                continue;
            }
            _ => {}
        }
        kept.push_str(line);
    }
    Some(kept)
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
