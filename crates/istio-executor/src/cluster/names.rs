//! Names as the API takes them.

/// Whether a text is a label as RFC 1123 has it, as names of namespaces are.
pub fn is_label(text: &str) -> bool {
    let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a text may be a part of an object's address: the API server takes every name but these
/// (`IsValidPathSegmentName` of k8s.io/apimachinery), and what would end the path is no part of it.
pub fn is_segment(text: &str) -> bool {
    let leaves = |it: char| {
        matches!(it, '/' | '%' | '?' | '#' | '\\') || it.is_whitespace() || it.is_control()
    };
    !text.is_empty() && text.len() <= 253 && text != "." && text != ".." && !text.contains(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_its_place_in_an_address_is_no_name() {
        for name in ["istio-system", "a", "0-9"] {
            assert!(is_label(name) && is_segment(name), "{name}");
        }
        // Roles of RBAC have such names.
        assert!(is_segment("system:controller:x") && !is_label("system:controller:x"));
        for other in [
            "",
            ".",
            "..",
            "a/b",
            "../kube-system",
            "a%2fb",
            "a?x=y",
            "a#b",
            "a b",
            "a\nb",
            "a\u{0}",
        ] {
            assert!(!is_label(other) && !is_segment(other), "{other:?}");
        }
    }
}
