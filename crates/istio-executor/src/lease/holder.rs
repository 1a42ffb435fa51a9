//! Who holds a lease: the user, the machine, the process namespace, the process and when it started.

use std::path::Path;

/// The machine that a test has an executor run on.
#[cfg(test)]
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// The holder that this process is.
    pub(crate) process: String,
    /// Holders that were processes of this machine and are no more.
    pub(crate) dead: Vec<String>,
}

#[cfg(test)]
tokio::task_local! {
    static MACHINE: Machine;
}

/// Does something on a machine.
#[cfg(test)]
pub(crate) async fn machine<T>(machine: Machine, work: impl Future<Output = T>) -> T {
    MACHINE.scope(machine, work).await
}

/// `user@host/boot/namespace/process/start`: the boot tells a machine from another of the same name (pods of one workload
/// are alike in that), the namespace tells containers apart, the start a process from a later one with its number.
pub(super) fn holder() -> String {
    #[cfg(test)]
    if let Ok(it) = MACHINE.try_with(|it| it.process.clone()) {
        return it;
    }
    let process = std::process::id();
    format!(
        "{}@{}/{process}/{}",
        user(),
        place(),
        started(process).unwrap_or_default()
    )
}

/// Who runs this, by name, else by number.
fn user() -> String {
    let named = ["USER", "LOGNAME"]
        .iter()
        .find_map(|it| std::env::var(it).ok().filter(|it| !it.is_empty()));
    let user = named.or_else(numbered);
    let user = user.unwrap_or_else(|| "unknown".to_owned());
    user.replace(['/', '@'], "_")
}

/// The user of this process, by the system's list of users, else by number.
fn numbered() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let number = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|it| {
        let mut fields = it.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    named.or(Some(number))
}

/// Returns a holder as a person knows it: `user@host, process 4711`.
pub(super) fn known_as(holder: &str) -> String {
    let parts: Vec<&str> = holder.split('/').collect();
    match parts.as_slice() {
        [who, _, _, process, _] => format!("{who}, process {process}"),
        _ => holder.to_owned(),
    }
}

/// Where processes are numbered together with this one.
fn place() -> String {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .ok()
            .map(|it| it.trim().to_owned())
    };
    let host = read("/proc/sys/kernel/hostname")
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| "unknown".to_owned());
    let boot = read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // `pid:[4026531836]`
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok();
    let namespace = namespace
        .as_deref()
        .and_then(Path::to_str)
        .map(|it| it.chars().filter(char::is_ascii_digit).collect::<String>())
        .unwrap_or_default();
    format!("{host}/{boot}/{namespace}")
}

/// When a process of this machine started, in ticks since boot (field 22 of `/proc/PID/stat`).
fn started(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    // A zombie has died; only its parent has not looked yet.
    let state = fields.next()?;
    fields
        .nth(18)
        .filter(|_| !matches!(state, "Z" | "X"))
        .map(str::to_owned)
}

/// Whether the holder was a process of this machine that is no more. Never guesses: without `/proc` nobody is dead.
pub(super) fn is_dead(holder: &str) -> bool {
    #[cfg(test)]
    if let Ok(is_dead) = MACHINE.try_with(|it| it.dead.iter().any(|dead| dead == holder)) {
        return is_dead;
    }
    let mut parts = holder.rsplitn(3, '/');
    let (Some(start), Some(process), Some(other)) = (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let Ok(process) = process.parse::<u32>() else {
        return false;
    };
    let here = place();
    // A place of which something is not known could be another.
    let other = other.split_once('@').map_or(other, |it| it.1);
    let known = here.split('/').all(|it| !it.is_empty()) && !start.is_empty();
    known
        && other == here
        && Path::new("/proc/self/stat").exists()
        && started(process).as_deref() != Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_another_start_is_not() {
        let me = holder();
        assert!(!is_dead(&me));
        assert!(is_dead(&format!("{}/{}/1", place(), std::process::id())));
    }

    #[test]
    fn a_person_knows_who_it_is() {
        assert_eq!(
            known_as("anna@laptop/b/4/4711/9"),
            "anna@laptop, process 4711"
        );
        assert_eq!(known_as("free text"), "free text");
        assert!(holder().contains('@'));
    }

    #[test]
    fn nobody_of_another_machine_or_container_is_taken_for_dead() {
        assert!(!is_dead("elsewhere/b/4/1/1"));
        assert!(!is_dead("free text"));
        let me = place();
        let other_container = format!("{}/1/9", me.rsplit_once('/').unwrap().0);
        assert!(!is_dead(&format!(
            "{other_container}/{}/1",
            std::process::id()
        )));
    }
}
