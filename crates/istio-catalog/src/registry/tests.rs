use super::State;
use crate::Facts;

fn state(place: &str, day: &str) -> &'static str {
    let facts = Facts::embedded();
    let registry = facts.registry(place).unwrap();
    match registry.state(Some(day), &facts.outages) {
        State::Lives => "lives",
        State::WillEnd(_) => "will end",
        State::Out(_) => "out",
        State::MayBeGone(_) => "may be gone",
        State::Gone(_) => "gone",
    }
}

#[test]
fn a_place_that_ends_is_out_before_and_gone_after() {
    let place = "gcr.io/istio-release";
    assert_eq!(state(place, "2026-11-16"), "will end");
    assert_eq!(state(place, "2026-11-17"), "out");
    assert_eq!(state(place, "2026-11-18"), "will end");
    assert_eq!(state(place, "2026-12-01"), "may be gone");
    assert_eq!(state(place, "2026-12-09"), "out");
    assert_eq!(state(place, "2026-12-31"), "may be gone");
    assert_eq!(state(place, "2027-01-01"), "gone");
}

#[test]
fn a_place_without_an_end_lives() {
    assert_eq!(state("docker.io/istio", "2026-12-08"), "lives");
    assert_eq!(state("docker.io/istio", "2030-01-01"), "lives");
}
