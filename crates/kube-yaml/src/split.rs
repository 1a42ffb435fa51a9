//! One text of many documents to the text of each.

/// Splits a text at the lines that begin with `---`; every document keeps its final newline.
///
/// The marker's whole line is dropped, as `k8s.io/apimachinery`'s reader drops it; documents of only white space are kept,
/// so that the number of markers can be told. The first of a pair is the line of the text (from 1) where the document
/// begins.
pub fn split(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut rest = Some(text);
    let mut line = 1u32;
    // A marker on the first line begins a document, it does not end an empty one.
    if let Some(after) = marker(text) {
        rest = Some(after);
        line += 1;
    }
    std::iter::from_fn(move || {
        let all = rest?;
        let first = line;
        let mut at = 0;
        for whole in all.split_inclusive('\n') {
            let (document, from) = all.split_at_checked(at)?;
            if let Some(after) = marker(from) {
                rest = Some(after);
                line = line.saturating_add(1);
                return Some((first, document));
            }
            at += whole.len();
            line = line.saturating_add(1);
        }
        rest = None;
        Some((first, all))
    })
}

/// Returns what follows the line if the text begins with a marker.
fn marker(text: &str) -> Option<&str> {
    let after = text.strip_prefix("---")?;
    match after.find('\n') {
        Some(end) => after.get(end + 1..),
        None => Some(""),
    }
}
