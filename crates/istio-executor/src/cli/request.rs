//! What a user asks for, as istioctl takes it: `-f`, `--set`.

use std::fs;
use std::io::{self, Read};

use anyhow::Context;
use clap::Args as ClapArgs;
use istio_render::OperatorFile;

use super::Error;

/// `-f` and `--set`.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Request {
    /// IstioOperator file; later ones win; - is standard input
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE",
        value_delimiter = ','
    )]
    filenames: Vec<String>,

    /// Sets one value of the IstioOperator, for example values.global.hub=example.com/istio
    #[arg(short = 's', long = "set", value_name = "PATH=VALUE")]
    pub(super) sets: Vec<String>,
}

impl Request {
    /// Reads the files; standard input comes last, wherever it was named, as istioctl does.
    pub(super) fn files(&self) -> Result<Vec<OperatorFile>, Error> {
        let mut files = Vec::new();
        for name in self.filenames.iter().filter(|it| it.as_str() != "-") {
            let bytes = fs::read(name)
                .with_context(|| format!("cannot read {name}"))
                .map_err(Error::Usage)?;
            files.push(operator_file(name, bytes)?);
        }
        if self.filenames.iter().any(|it| it == "-") {
            let mut bytes = Vec::new();
            io::stdin()
                .read_to_end(&mut bytes)
                .context("cannot read standard input")
                .map_err(Error::Usage)?;
            files.push(operator_file("-", bytes)?);
        }
        Ok(files)
    }
}

fn operator_file(name: &str, bytes: Vec<u8>) -> Result<OperatorFile, Error> {
    let text = String::from_utf8(bytes).map_err(|it| {
        let valid = String::from_utf8_lossy(&it.as_bytes()[..it.utf8_error().valid_up_to()]);
        let line = valid.matches('\n').count() + 1;
        Error::usage(format!("{name}:{line}: not UTF-8"))
    })?;
    Ok(OperatorFile {
        name: name.to_owned(),
        text,
    })
}

impl Request {
    /// The files as the planner takes them.
    pub(super) fn planner_files(&self) -> Result<Vec<istio_planner::RequestFile>, Error> {
        let files = self.files()?;
        Ok(files
            .into_iter()
            .map(|it| istio_planner::RequestFile {
                name: it.name,
                text: it.text,
            })
            .collect())
    }
}
