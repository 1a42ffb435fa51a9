//! The set of templates of a chart and its subcharts.

use std::sync::Arc;

use crate::gotmpl::exec::Templates;
use crate::gotmpl::node::{Tree, is_empty};

/// Adds the templates of one file: the last of a name wins, but an empty one replaces none.
pub(crate) fn add(templates: &mut Templates, trees: Vec<Arc<Tree>>) {
    for tree in trees {
        if templates.contains_key(&tree.name) && is_empty(&tree.root, &tree.source) {
            continue;
        }
        templates.insert(Arc::clone(&tree.name), tree);
    }
}

/// Sorts names as Helm parses and runs them: the deepest first, then from the last to the first.
pub(crate) fn in_order(names: &mut [Arc<str>]) {
    sorted::sort_by(names, |a, b| {
        let depth = |it: &str| it.bytes().filter(|it| *it == b'/').count();
        depth(b).cmp(&depth(a)).then_with(|| b.cmp(a))
    });
}
