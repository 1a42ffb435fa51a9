//! The one integration-test binary. README.md says what stands where.

#[cfg(test)]
mod suite {
    mod architecture;
    mod command_line;
    mod compare;
    mod completion;
    mod control_plane;
    mod credentials;
    mod damage;
    mod data;
    mod deadline;
    mod documents;
    mod fleet;
    mod floors;
    mod fuzzing;
    mod golden;
    mod growth;
    mod product;
    mod references;
    mod releases;
    mod sample;
    mod small_files;
    mod supply;
    mod surface;
    mod terminal;
}
