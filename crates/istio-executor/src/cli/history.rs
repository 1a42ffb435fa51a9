//! `refit history`: the upgrades of a cluster that are kept there.

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::connection::{Connection, ControlPlane, block_on};
use super::format::{self, Format};
use super::{Error, Exit};
use crate::journal::copy::{self, Found};
use crate::journal::progress;
use crate::journal::seal::Seal;
use crate::output;

/// The arguments of `refit history`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    plane: ControlPlane,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    block_on(async {
        let cluster = args.connection.connect().await?;
        let all = copy::history(&cluster, &args.plane.namespace).await?;
        if args.output == Format::Text && all.is_empty() {
            output::note(&format!(
                "refit has upgraded nothing in {}",
                args.plane.namespace
            ));
            return Ok(Exit::Done);
        }
        let rows = rows(&all);
        let data: Vec<Value> = rows.iter().map(Row::json).collect();
        format::data(&data, args.output, || table(&rows))?;
        Ok(Exit::Done)
    })
}

/// One upgrade.
struct Row {
    id: String,
    full: String,
    began: String,
    by: String,
    from: String,
    to: String,
    request: Option<String>,
    result: String,
    can_roll_back: bool,
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "plan": self.full,
            "began": self.began,
            "by": self.by,
            "from": self.from,
            "to": self.to,
            "request": self.request,
            "result": self.result,
            "canRollBack": self.can_roll_back,
        })
    }
}

fn rows(all: &[Found]) -> Vec<Row> {
    // Only the last one that is not rolled back can be: the one before it after that.
    let mut open = true;
    all.iter()
        .map(|found| {
            let progress = progress(&found.records);
            let changed = !progress.begun.is_empty() && !progress.rolled_back;
            let can_roll_back = changed && open && found.seal != Seal::Broken;
            open &= !changed;
            let version = |it: Option<&str>| it.unwrap_or("unknown").to_owned();
            let plan = found.plan.as_ref();
            Row {
                id: found.short().to_owned(),
                full: found.plan_id.clone(),
                began: found.began().get(..19).unwrap_or_default().to_owned(),
                by: version(progress.began.map(|it| it.0)),
                from: version(plan.and_then(|it| it.source.as_deref())),
                to: version(plan.map(|it| it.target.as_str())),
                request: progress.request.map(str::to_owned),
                result: match found.seal {
                    Seal::Broken => "not refit's: its seal does not fit".to_owned(),
                    Seal::Genuine | Seal::Unknown => super::status::state(&progress),
                },
                can_roll_back,
            }
        })
        .collect()
}

fn table(rows: &[Row]) -> String {
    let head = [
        "ID", "BEGAN", "BY", "FROM", "TO", "REQUEST", "RESULT", "ROLLBACK",
    ];
    let mut cells = vec![head.map(str::to_owned)];
    cells.extend(rows.iter().map(|it| {
        let request = it.request.as_deref().unwrap_or("-");
        [
            it.id.clone(),
            it.began.clone(),
            it.by.clone(),
            it.from.clone(),
            it.to.clone(),
            request.get(..12).unwrap_or(request).to_owned(),
            it.result.lines().next().unwrap_or_default().to_owned(),
            if it.can_roll_back { "yes" } else { "no" }.to_owned(),
        ]
    }));
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let widest = cells.iter().map(|it| it[column].chars().count()).max();
            widest.unwrap_or_default().min(60)
        })
        .collect();
    let lines = cells.iter().map(|row| {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let cell: String = cell.chars().take(60).collect();
                format!("{cell:<width$}")
            })
            .collect();
        line.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}
