//! The one integration-test binary. README.md says what stands where.

mod suite {
    mod architecture;
    mod control_plane;
    mod damage;
    mod documents;
    mod golden;
}
