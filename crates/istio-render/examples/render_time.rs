//! Renders a release again and again, and prints the milliseconds of the fastest run from archive bytes to objects:
//! `render_time ARCHIVE [FILE]`. Nothing runs beside it, so they are of CPU time.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::error::Error;
use std::time::{Duration, Instant};

use istio_render::{OperatorFile, Options, Release, render};

const RUNS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let archive = std::fs::read(args.next().ok_or("render_time ARCHIVE [FILE]")?)?;
    let mut options = Options::default();
    if let Some(name) = args.next() {
        let text = std::fs::read_to_string(&name)?;
        options.files.push(OperatorFile { name, text });
    }
    let mut fastest = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        let release = Release::from_tar_gz(archive.as_slice())?;
        let rendering = render(&release, &options).map_err(|it| format!("{it:?}"))?;
        fastest = fastest.min(start.elapsed());
        if rendering.components.is_empty() {
            return Err("nothing was rendered".into());
        }
    }
    println!("{:.2}", fastest.as_secs_f64() * 1000.0);
    Ok(())
}
