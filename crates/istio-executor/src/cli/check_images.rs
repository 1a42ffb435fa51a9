//! `--check-images`: whether the registries have what a plan pulls, before it begins.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use istio_planner::images::{Images, of_plan};
use istio_planner::plan::Plan;
use istio_planner::{Request, required};

use super::{Error, Exit};
use crate::cluster::Cluster;
use crate::interruption::Interruption;
use crate::registry::{Answer, Credentials, Registries};
use crate::{output, snapshot};

/// `--check-images`, and how registries are asked.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct CheckImages {
    /// Asks the registries for every image that the plan and its restarts pull, and stops where one is missing
    #[arg(id = "check", long = "check-images")]
    check: bool,

    #[command(flatten)]
    asking: Asking,
}

/// How registries are asked.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Asking {
    /// A registry that is asked without TLS; those on loopback are
    #[arg(long, value_name = "HOST", requires = "check")]
    plain_http: Vec<String>,

    /// Credentials for registries, as docker login writes them; no other are read
    #[arg(long, value_name = "FILE", requires = "check")]
    registry_config: Option<PathBuf>,
}

/// What registries say, by image.
pub(super) type Answers = BTreeMap<String, Answer>;

impl Asking {
    /// Asks for each image once, in the order of their names.
    pub(super) fn ask(&self, images: &Images) -> Result<Answers, Error> {
        let mut registries = self.registries()?;
        let names = images.registries.iter().flat_map(|it| &it.images);
        Ok(names
            .map(|it| (it.image.clone(), registries.ask(&it.image)))
            .collect())
    }

    fn registries(&self) -> Result<Registries, Error> {
        let credentials = match &self.registry_config {
            Some(path) => Credentials::read(path).map_err(|it| Error::Usage(it.into()))?,
            None => Credentials::default(),
        };
        Ok(Registries::new(self.plain_http.clone(), credentials))
    }
}

impl CheckImages {
    /// Asks for everything that a plan pulls, if that is wanted. Returns how the verb ends where it must not go on.
    pub(super) async fn stops(
        &self,
        plan: &Plan,
        cluster: &Cluster,
        force: bool,
        interruption: &Interruption,
    ) -> Result<Option<Exit>, Error> {
        if !self.check {
            return Ok(None);
        }
        let read = async { Ok(snapshot::take(cluster, &required(&Request::default())).await?) };
        let images = of_plan(plan, &interruption.unless_asked(read).await?);
        let (sender, answers) = tokio::sync::oneshot::channel();
        let asking = self.asking.clone();
        let asked = images.clone();
        // A request that hangs must not hold up the end of the process.
        std::thread::spawn(move || sender.send(asking.ask(&asked)));
        let answers = async { answers.await.map_err(Error::from)? };
        let answers = interruption.unless_asked(answers).await?;
        for (image, answer) in &answers {
            let line = format!("{image}: {answer}");
            match answer {
                Answer::There { .. } => output::note(&line),
                _ => output::warning(&line),
            }
        }
        if !images.rendered {
            output::warning(
                "which proxies are injected is not known, so these are not all the images",
            );
        }
        let exit = exit(&images, &answers);
        match exit {
            Exit::Done => Ok(None),
            _ if force => {
                output::warning("going on all the same (--force)");
                Ok(None)
            }
            Exit::Refused => Err(Error::refused(
                "a registry lacks an image that the plan pulls; nothing was changed",
            )),
            exit => {
                output::error(
                    "not every image is known to be there; nothing was changed (--force goes on all the same)",
                );
                Ok(Some(exit))
            }
        }
    }
}

/// How a verb ends that was told these answers.
pub(super) fn exit(images: &Images, answers: &Answers) -> Exit {
    if answers.values().any(|it| *it == Answer::Missing) {
        return Exit::Refused;
    }
    let told = |it: &Answer| matches!(it, Answer::There { .. });
    if images.rendered && answers.values().all(told) {
        Exit::Done
    } else {
        Exit::Unknown
    }
}
