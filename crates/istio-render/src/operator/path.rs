//! Paths as `--set` and overlays write them: `a.b\.c.[0].[name:x]`.

/// More segments than this no field of Istio or Kubernetes has.
pub(crate) const MOST_SEGMENTS: usize = 200;

/// Splits a path into its segments; `name[x]` makes two.
///
/// `\.` is a dot inside a segment, empty segments vanish, and one dot is cut off either end
/// (1.31:operator/pkg/values/map.go:450-480).
/// istioctl also cleans the path as if it named a file, which loses parts of `a//b` and `a/../b`; this does not
/// (domain §11, F-11).
pub(crate) fn split(path: &str) -> Vec<String> {
    let path = path.strip_prefix('.').unwrap_or(path);
    let path = path.strip_suffix('.').unwrap_or(path);
    let mut segments = Vec::new();
    for part in split_escaped(path, '.') {
        if part.is_empty() {
            continue;
        }
        let part = part.replace("\\.", ".");
        match part.find('[') {
            Some(at) if at > 0 => {
                segments.push(part[..at].to_owned());
                segments.push(part[at..].to_owned());
            }
            _ => segments.push(part),
        }
    }
    segments
}

/// Splits at a separator that no backslash stands before.
pub(crate) fn split_escaped(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    if text.is_empty() {
        return parts;
    }
    let mut begin = 0;
    let mut before = None;
    for (at, char) in text.char_indices() {
        if char == separator && before != Some('\\') {
            parts.push(&text[begin..at]);
            begin = at + char.len_utf8();
        }
        before = Some(char);
    }
    parts.push(&text[begin..]);
    parts
}

/// Returns what stands between the brackets of `[x]`.
pub(crate) fn in_brackets(segment: &str) -> Option<&str> {
    // `[` alone both begins and ends with a bracket of its own kind only; Go would slice out of range there.
    segment.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_as_in_istioctl() {
        assert_eq!(
            split("a.b\\.c.[0].d[name:x]"),
            ["a", "b.c", "[0]", "d", "[name:x]"]
        );
        assert_eq!(split(".a..b."), ["a", "b"]);
        assert_eq!(split("a/../b"), ["a/", "/b"]);
        assert!(split("").is_empty());
    }
}
