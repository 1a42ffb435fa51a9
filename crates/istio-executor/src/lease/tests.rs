use super::*;

/// The state after `ago` without a renewal.
fn renewed(ago: Duration) -> State {
    State {
        renewed: Instant::now().checked_sub(ago).unwrap(),
        at: SystemTime::now().checked_sub(ago).unwrap(),
        lost: false,
    }
}

/// What `confirm` says without waiting.
async fn confirmed(held: &Held) -> Option<bool> {
    timeout(Duration::ZERO, held.confirm()).await.ok()
}

#[tokio::test]
async fn a_lease_that_was_not_renewed_is_no_right_to_write() {
    let held = Held::new();
    assert_eq!(confirmed(&held).await, Some(true));
    held.state.send_replace(renewed(DURATION));
    assert!(!held.is_fresh());
    assert_eq!(
        confirmed(&held).await,
        None,
        "nothing is known, so it waits"
    );
    held.state.send_replace(renewed(Duration::from_secs(1)));
    assert_eq!(confirmed(&held).await, Some(true), "a late renewal");
}

#[tokio::test]
async fn a_machine_that_slept_does_not_think_that_no_time_has_passed() {
    let held = Held::new();
    held.state.send_modify(|it| it.at -= DURATION);
    assert!(!held.is_fresh());
}

#[tokio::test]
async fn another_holder_ends_all_writing() {
    let held = Held::new();
    held.state.send_modify(|it| it.lost = true);
    assert_eq!(confirmed(&held).await, Some(false));
}
