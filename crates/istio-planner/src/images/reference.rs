//! References of images, as container runtimes read them.

/// Docker Hub, as references name it.
const DOCKER_HUB: &str = "docker.io";

/// A reference in its parts (github.com/distribution/reference, `ParseNormalizedNamed`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The registry, for example `docker.io` or `localhost:5000`.
    pub host: String,
    /// The repository in it, for example `istio/pilot`.
    pub repository: String,
    /// The digest where there is one, else the tag: what names the manifest.
    pub manifest: String,
}

impl Reference {
    /// Reads a reference. What names no host is Docker Hub's, what names no tag is `latest`.
    pub fn read(image: &str) -> Self {
        let (named, digest) = match image.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (image, None),
        };
        // A colon in front of a slash is of a port.
        let (name, tag) = match named.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (named, None),
        };
        let is_host = |it: &str| it.contains(['.', ':']) || it == "localhost";
        let (host, repository) = match name.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path),
            _ => (DOCKER_HUB, name),
        };
        let host = if host == "index.docker.io" {
            DOCKER_HUB
        } else {
            host
        };
        let repository = if host == DOCKER_HUB && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        Self {
            host: host.to_owned(),
            repository,
            manifest: digest.or(tag).unwrap_or("latest").to_owned(),
        }
    }

    /// Whether the registry is Docker Hub.
    pub fn is_docker_hub(&self) -> bool {
        self.host == DOCKER_HUB
    }

    /// Returns the registry with the path in it, without the image's own name.
    pub fn registry(&self) -> String {
        match self.repository.rsplit_once('/') {
            Some((path, _)) => format!("{}/{path}", self.host),
            None => self.host.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[track_caller]
    fn check(image: &str, host: &str, repository: &str, manifest: &str) {
        let expected = Reference {
            host: host.to_owned(),
            repository: repository.to_owned(),
            manifest: manifest.to_owned(),
        };
        assert_eq!(Reference::read(image), expected);
    }

    #[test]
    fn a_reference_is_read_as_container_runtimes_read_it() {
        check(
            "docker.io/istio/pilot:1.30.3",
            "docker.io",
            "istio/pilot",
            "1.30.3",
        );
        check(
            "index.docker.io/istio/pilot:1.30.3",
            "docker.io",
            "istio/pilot",
            "1.30.3",
        );
        check("istio/pilot", "docker.io", "istio/pilot", "latest");
        check("busybox", "docker.io", "library/busybox", "latest");
        check("busybox:1.36", "docker.io", "library/busybox", "1.36");
        check("h:5000/pilot", "h:5000", "pilot", "latest");
        check(
            "h:5000/istio/pilot:1@sha256:1",
            "h:5000",
            "istio/pilot",
            "sha256:1",
        );
        check("localhost/pilot:1", "localhost", "pilot", "1");
    }

    #[test]
    fn an_image_without_a_host_is_docker_hub_s() {
        let registry = |image: &str| Reference::read(image).registry();
        assert_eq!(registry("docker.io/istio/pilot:1.30.3"), "docker.io/istio");
        assert_eq!(registry("istio/pilot:1.30.3"), "docker.io/istio");
        assert_eq!(registry("busybox"), "docker.io/library");
        assert_eq!(registry("h:5000/istio/pilot@sha256:1"), "h:5000/istio");
        assert_eq!(registry("localhost/pilot:1"), "localhost");
    }
}
