//! Long results on a terminal: as wide as it is, a page at a time.

use std::env;
use std::io::{self, IsTerminal, Write as _};
use std::process::{Command, Stdio};

use terminal_size::{Height, Width, terminal_size_of};

/// The narrowest and the widest text; a wider terminal is not used to its edge.
const WIDTHS: (usize, usize) = (80, 160);

/// Returns how many columns words get: as many as the terminal has, within bounds; on a pipe what `COLUMNS` says, else
/// [`istio_planner::report::WIDTH`].
pub fn width() -> usize {
    let terminal = terminal_size_of(io::stdout()).map(|(Width(it), _)| usize::from(it));
    let said = || env::var("COLUMNS").ok()?.parse::<usize>().ok();
    let width = terminal.or_else(said);
    width.map_or(istio_planner::report::WIDTH, |it| {
        it.clamp(WIDTHS.0, WIDTHS.1)
    })
}

/// Returns how many columns and lines the terminal has.
pub(super) fn size() -> (usize, usize) {
    let size = terminal_size_of(io::stdout());
    size.map_or((80, 24), |(Width(width), Height(height))| {
        (usize::from(width), usize::from(height))
    })
}

/// Writes a result in refit's colours to standard output; one that is longer than the terminal goes through the user's pager.
pub fn print(text: &str, paged: bool) -> io::Result<()> {
    let text = &*super::coloured_only(text);
    let height = terminal_size_of(io::stdout()).map(|(_, Height(it))| usize::from(it));
    let is_long = height.is_some_and(|it| text.lines().count() > it);
    let dumb = env::var("TERM").is_ok_and(|it| it == "dumb");
    if paged && is_long && !dumb && io::stdin().is_terminal() && page(text) {
        return Ok(());
    }
    super::styled(text)
}

/// Hands the text to the pager and returns whether there was one.
fn page(text: &str) -> bool {
    let said = ["REFIT_PAGER", "PAGER"]
        .iter()
        .find_map(|it| env::var(it).ok());
    let pager = said.unwrap_or_else(|| "less".to_owned());
    if pager.trim().is_empty() || pager.trim() == "cat" {
        return false;
    }
    let mut command = Command::new("sh");
    command.args(["-c", &pager]).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        // Colours as they are, nothing cleared, no page for what fits one.
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    if let Some(mut stdin) = child.stdin.take() {
        // Whoever leaves the pager has seen enough.
        let _ = stdin.write_all(text.as_bytes());
    }
    // A shell says 127 where there is no such program.
    child.wait().is_ok_and(|it| it.code() != Some(127))
}
