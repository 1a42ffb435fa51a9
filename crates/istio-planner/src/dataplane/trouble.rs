//! What stands in the way of restarting proxies.

/// What stands against restarting a workload's proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Two configurations would inject the same pod, and do so only after the upgrade.
    NewOverlap,
    /// Two configurations inject the same pod already.
    Overlap,
    /// Nothing injects the next pod any more, because of the upgrade.
    Gap,
    /// Nothing injects the next pod any more.
    LosesProxy,
    /// No controller makes the pod again.
    BarePod,
    /// A Job that runs.
    Job,
    /// A Job that a CronJob has made, and that runs.
    CronJob,
    /// Pods are replaced only when they are deleted.
    OnDelete,
    /// A partition holds pods back.
    Partition,
    /// The Deployment is paused.
    Paused,
    /// The proxy was injected into the template.
    KubeInject,
    /// The template names the proxy's image.
    ImageInTemplate,
    /// An annotation names the proxy's image.
    PinnedImage,
    /// A controller that is not known here.
    Unknown,
}

impl Trouble {
    /// Whether somebody has to act, since no rollout restarts the proxy.
    pub(crate) fn is_manual(self) -> bool {
        match self {
            Self::NewOverlap | Self::Overlap | Self::Gap | Self::LosesProxy => false,
            Self::BarePod
            | Self::Job
            | Self::CronJob
            | Self::OnDelete
            | Self::Partition
            | Self::Paused
            | Self::KubeInject
            | Self::ImageInTemplate
            | Self::PinnedImage
            | Self::Unknown => true,
        }
    }
}
