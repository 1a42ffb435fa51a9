//! The images that an injector gives to pods, once an apply is made.

use sorted::{SortedMap, SortedSet};

use super::Context;
use super::after::{Image, Injection};
use super::restart::PIN;
use crate::snapshot::Snapshot;

/// What the injector of a control plane gives to new pods.
pub(crate) struct Injected<'a> {
    after: Injection<'a>,
}

impl<'a> Injected<'a> {
    /// Reads the injector as an apply leaves it.
    pub(crate) fn by(snapshot: &'a Snapshot, context: Context<'a>) -> Self {
        Self {
            after: Injection::after(snapshot, context),
        }
    }

    /// Whether the target was rendered, so that its images are known.
    pub(crate) fn is_rendered(&self) -> bool {
        self.after.image.is_some()
    }

    /// Returns the images of the proxy and of what prepares it, for a pod with these annotations.
    pub(crate) fn images(
        &self,
        annotations: &SortedMap<String, String>,
    ) -> impl Iterator<Item = String> {
        let pinned = annotations.get(PIN).cloned();
        let image = self.after.image.as_ref();
        let proxy = pinned.or_else(|| image.and_then(|it| it.reference(annotations)));
        let init = image.and_then(|it| it.init.clone());
        proxy.into_iter().chain(init)
    }

    /// Returns the images that the injector's templates of a pod with these annotations name themselves.
    pub(crate) fn literals(&self, annotations: &SortedMap<String, String>) -> SortedSet<String> {
        self.after.policy.literal_images(annotations)
    }
}

impl Image {
    /// Returns the reference for a pod with these annotations; `None` where no tag is known.
    fn reference(&self, annotations: &SortedMap<String, String>) -> Option<String> {
        if let Some(whole) = &self.whole {
            return Some(whole.clone());
        }
        let tag = self.tag.as_ref()?;
        let base = ["-distroless", "-debug"]
            .into_iter()
            .find_map(|it| tag.strip_suffix(it))
            .unwrap_or(tag);
        let variant = self.variant(annotations);
        let variant = if variant.is_empty() {
            String::new()
        } else {
            format!("-{variant}")
        };
        Some(format!("{}:{base}{variant}", self.repository))
    }
}
