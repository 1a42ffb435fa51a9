use serde_json::json;

use super::*;

fn at(text: &str) -> Timestamp {
    format!("2026-01-01T{text}Z").parse().unwrap()
}

/// A wave of three clusters that waits for its release.
fn wave(number: usize) -> Work {
    let names = ["a", "b", "c"].map(|it| format!("{it}{number}"));
    Work {
        job: format!("wave-{number}"),
        wave: number,
        clusters: names.to_vec(),
        suspended: true,
        ..Work::default()
    }
}

fn running(number: usize) -> Work {
    Work {
        suspended: false,
        released: Some(at("00:00:00")),
        ..wave(number)
    }
}

fn ended(number: usize, done: &[usize], failed: &[usize], reason: Option<&str>) -> Work {
    Work {
        done: done.iter().copied().collect(),
        failed: failed.iter().copied().collect(),
        ended: Some(End {
            at: at("01:00:00"),
            reason: reason.map(str::to_owned),
        }),
        ..running(number)
    }
}

#[track_caller]
fn check(waves: &[Work], may_fail: usize, now: &str, expected: &Next) {
    let soak = Duration::from_mins(30);
    assert_eq!(next(waves, may_fail, soak, at(now)), *expected);
}

#[test]
fn a_wave_is_released_when_the_one_before_is_done_and_soaked() {
    check(&[wave(1), wave(2)], 1, "00:00:00", &Next::Release(0, 1));
    check(&[running(1), wave(2)], 1, "00:00:00", &Next::Wait(0));
    let first = ended(1, &[0, 1, 2], &[], None);
    let until = Next::Soak(0, at("01:30:00"));
    check(&[first.clone(), wave(2)], 1, "01:29:59", &until);
    // Whoever asks later does not soak again.
    check(
        &[first.clone(), wave(2)],
        1,
        "01:30:00",
        &Next::Release(1, 1),
    );
    check(
        &[first.clone(), wave(2)],
        1,
        "23:00:00",
        &Next::Release(1, 1),
    );
    // The last one has nothing behind it.
    check(&[first], 1, "01:00:00", &Next::Done);
}

#[test]
fn failures_count_over_all_waves() {
    let first = ended(1, &[0, 1], &[2], Some("FailedIndexes"));
    check(
        &[first.clone(), wave(2)],
        1,
        "02:00:00",
        &Next::Release(1, 0),
    );
    let stop = |waves: &[Work], may_fail: usize| {
        let next = next(waves, may_fail, Duration::ZERO, at("02:00:00"));
        matches!(next, Next::Stop(_))
    };
    assert!(stop(&[first.clone(), wave(2)], 0));
    // While a wave is still at work.
    let mut second = running(2);
    second.failed.insert(0);
    assert!(stop(&[first.clone(), second.clone(), wave(3)], 1));
    assert!(!stop(&[first.clone(), second, wave(3)], 2));
    // What a wave that was stopped never began is not done either.
    let second = ended(2, &[], &[0], Some("MaxFailedIndexesExceeded"));
    assert!(stop(&[first.clone(), second.clone(), wave(3)], 3));
    assert!(!stop(&[first, second, wave(3)], 4));
}

#[test]
fn an_image_that_cannot_run_stops_the_fleet_whatever_may_fail() {
    let mut first = ended(1, &[0], &[], Some("PodFailurePolicy"));
    let stopped = |it: &Work| {
        let waves = [it.clone(), wave(2)];
        matches!(
            next(&waves, 9, Duration::ZERO, at("02:00:00")),
            Next::Stop(_)
        )
    };
    assert!(stopped(&first));
    first.settled = ["b1", "c1"].map(str::to_owned).into();
    assert!(!stopped(&first));
}

#[test]
fn what_was_settled_counts_no_more_and_what_somebody_holds_is_waited_for() {
    let mut first = ended(1, &[0, 1], &[2], Some("FailedIndexes"));
    first.settled.insert("c1".to_owned());
    check(
        &[first.clone(), wave(2)],
        0,
        "02:00:00",
        &Next::Release(1, 0),
    );
    let held = Work {
        suspended: true,
        ..running(2)
    };
    check(&[first, held], 0, "02:00:00", &Next::Wait(1));
}

#[test]
fn a_job_is_read_as_the_api_server_has_it() {
    let job = json!({
        "metadata": {
            "name": "w",
            "annotations": {
                "refit/clusters": "[\"a\",\"b\",\"c\",\"d\",\"e\"]",
                "refit/wave": "2",
                "refit/released": "2026-01-01T00:00:00Z",
                "refit/settled": "[\"d\"]",
            },
        },
        "spec": { "suspend": false },
        "status": {
            "startTime": "2026-01-01T00:00:01Z",
            "completedIndexes": "0,2",
            "failedIndexes": "3-4",
            "active": 0,
            "conditions": [
                { "type": "FailureTarget", "status": "True", "lastTransitionTime": "2026-01-01T00:59:00Z" },
                { "type": "Failed", "status": "True", "reason": "FailedIndexes", "lastTransitionTime": "2026-01-01T01:00:00Z" },
            ],
        },
    });
    let work = Work::of(&job);
    assert_eq!((work.wave, work.clusters.len()), (2, 5));
    assert_eq!(work.failed, [3, 4].into());
    assert_eq!(work.missing(), ["b", "e"]);
    assert_eq!(
        work.ended,
        Some(End {
            at: at("01:00:00"),
            reason: Some("FailedIndexes".to_owned())
        })
    );
    // Nothing that others write there makes it large.
    assert_eq!(indexes("0-99999999999,x,-,5").len(), jobs::MOST + 1);
}
