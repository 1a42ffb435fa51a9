use sorted::SortedMap;

use super::*;
use crate::outcome::RestartReason;

fn minute(day: u32, hour: u32, minute: u32) -> u32 {
    day * DAY + hour * 60 + minute
}

fn restart(namespace: &str, name: &str, pods: u32) -> Restart {
    Restart {
        object: Ref {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        },
        pods,
        proxies: SortedMap::new(),
        to: Some("1.30.3".to_owned()),
        how: RestartHow::Rollout,
        reason: RestartReason::StaleImage,
    }
}

#[test]
fn a_window_ends_when_it_says() {
    let office: Window = "Mon-Fri 08:00-18:00".parse().unwrap();
    assert_eq!(
        thaw(std::slice::from_ref(&office), minute(0, 7, 59)),
        Some(0)
    );
    assert_eq!(
        thaw(std::slice::from_ref(&office), minute(4, 8, 0)),
        Some(600)
    );
    assert_eq!(thaw(&[office], minute(5, 12, 0)), Some(0));
}

#[test]
fn windows_go_over_midnight_and_over_the_end_of_the_week() {
    let night: Window = "22:00-06:00".parse().unwrap();
    assert_eq!(thaw(&[night], minute(6, 23, 0)), Some(7 * 60));
    let weekend: Window = "Sat-Mon".parse().unwrap();
    assert_eq!(
        thaw(std::slice::from_ref(&weekend), minute(5, 0, 0)),
        Some(3 * DAY)
    );
    let morning: Window = "Tue 00:00-06:00".parse().unwrap();
    assert_eq!(
        thaw(&[weekend, morning], minute(0, 23, 0)),
        Some(7 * 60),
        "one after the other"
    );
}

#[test]
fn a_window_without_an_end_never_thaws() {
    let always: Window = "Mon-Sun".parse().unwrap();
    assert_eq!(thaw(&[always], 0), None);
}

#[test]
fn what_is_no_window_is_refused() {
    for text in [
        "",
        "Mo",
        "25:00-26:00",
        "Mon Tue",
        "08:00",
        "08:00-18:00 09:00-10:00",
        "Mön",
    ] {
        assert!(text.parse::<Window>().is_err(), "{text:?}");
    }
}

#[test]
fn shares_are_numbers_or_percentages() {
    for (text, of, expected) in [("3", 10, 3), ("25%", 10, 2), ("1%", 10, 1), ("100%", 7, 7)] {
        assert_eq!(text.parse::<Share>().unwrap().of(of), expected, "{text}");
    }
    for text in ["0", "0%", "101%", "x", ""] {
        assert!(text.parse::<Share>().is_err(), "{text:?}");
    }
}

#[test]
fn a_wave_is_a_namespace_cut_to_size_and_the_last_step_looks_at_the_proxies() {
    let restarts = [
        restart("a", "one", 1),
        restart("b", "two", 10),
        restart("b", "three", 1),
        restart("b", "four", 1),
    ];
    let pacing = Pacing {
        most: Some(Share::Percent(50)),
        pause: 60,
        at_once: Some(Share::Percent(30)),
        ..Pacing::default()
    };
    let steps = steps(&Snapshot::default(), &restarts, "1.30.3", &pacing);
    let told: Vec<_> = steps
        .iter()
        .map(|it| {
            (
                it.title.as_str(),
                it.actions.len(),
                it.waits.len(),
                it.pause,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Restart the proxies of a to 1.30.3", 1, 1, 0),
            ("Restart the proxies of b (1 of 2) to 1.30.3", 2, 2, 60),
            ("Restart the proxies of b (2 of 2) to 1.30.3", 1, 1, 60),
            ("Check that the restarted pods run 1.30.3", 0, 4, 0),
        ]
    );
    assert!(steps.iter().all(Step::is_restart));
    assert!(matches!(
        steps[1].actions[0],
        Action::Restart {
            at_once: Some(3),
            ..
        }
    ));
}
