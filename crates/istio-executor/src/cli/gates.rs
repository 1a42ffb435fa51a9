//! Flags of gates.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};

use super::Error;
use super::duration::duration;
use crate::gate::{Address, Gates, Gating, OnFailure, Setup};

/// Where gates are asked.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Source {
    /// Asks this Prometheus whether a wave did harm: an address, or svc/NAMESPACE/NAME[:PORT] through the API server
    #[arg(long, value_name = "URL|svc/NAMESPACE/NAME", value_parser = Address::new)]
    prometheus: Option<Address>,

    /// File with the bearer token that Prometheus wants
    #[arg(long, value_name = "FILE")]
    prometheus_token: Option<PathBuf>,

    /// File of gates beside the built-in ones, and of other limits for those; may be given more than once
    #[arg(long, value_name = "FILE")]
    gate: Vec<PathBuf>,
}

/// What a run does about gates.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Watch {
    #[command(flatten)]
    source: Source,

    /// How long the gates have to hold after each wave
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    soak: Duration,

    /// What to do where a gate fails: stop, so that the run can be gone on with, or put back what it changed
    #[arg(long, value_enum, default_value_t = Failure::Hold)]
    on_gate_failure: Failure,

    /// Goes on without the gates that a run began with
    #[arg(long)]
    without_gates: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Failure {
    Hold,
    Rollback,
}

impl Source {
    /// The gates, if a Prometheus is named.
    pub(super) fn gates(
        &self,
        soak: Duration,
        on_failure: OnFailure,
    ) -> Result<Option<Arc<Gates>>, Error> {
        let Some(address) = self.prometheus.clone() else {
            if self.prometheus_token.is_some() || !self.gate.is_empty() {
                return Err(Error::usage(
                    "gates ask a Prometheus\nhint: name it by --prometheus URL, or --prometheus svc/NAMESPACE/NAME",
                ));
            }
            return Ok(None);
        };
        let setup = Setup {
            address,
            token: self.prometheus_token.clone(),
            files: self.gate.clone(),
            soak,
            on_failure,
        };
        Ok(Some(Arc::new(Gates::new(setup).map_err(Error::usage)?)))
    }
}

impl Watch {
    /// What a run does about gates.
    pub(super) fn gating(&self) -> Result<Gating, Error> {
        if self.without_gates {
            return Ok(Gating::Left);
        }
        let on_failure = match self.on_gate_failure {
            Failure::Hold => OnFailure::Hold,
            Failure::Rollback => OnFailure::Rollback,
        };
        let gates = self.source.gates(self.soak, on_failure)?;
        Ok(gates.map_or(Gating::Absent, Gating::By))
    }
}
