//! The file that records stand in, and what its name says of a container.

use std::path::Path;

/// A file by its name, for labels and events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// Its path.
    pub path: Box<str>,
    /// The container that writes it, where Kubernetes has named the file.
    pub container: Option<ContainerName>,
}

/// A container as Kubernetes names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerName {
    /// The namespace.
    pub namespace: Box<str>,
    /// The pod.
    pub pod: Box<str>,
    /// The container's name in the pod.
    pub container: Box<str>,
}

/// What of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfFile {
    /// `@file`, its path.
    Path,
    /// `@namespace`.
    Namespace,
    /// `@pod`.
    Pod,
    /// `@container`.
    Container,
}

impl OfFile {
    /// What a path without its `@` asks for.
    pub fn named(name: &str) -> Option<OfFile> {
        match name {
            "file" => Some(OfFile::Path),
            "namespace" => Some(OfFile::Namespace),
            "pod" => Some(OfFile::Pod),
            "container" => Some(OfFile::Container),
            _ => None,
        }
    }
}

impl FileName {
    /// Of `path`.
    pub fn new(path: &Path) -> FileName {
        let text: Box<str> = path.to_string_lossy().into();
        let container = ContainerName::of_link(&text).or_else(|| ContainerName::of_pod_folder(&text));
        FileName { path: text, container }
    }

    /// What is asked for, where it is known.
    pub fn get(&self, what: OfFile) -> Option<&str> {
        let container = self.container.as_ref();
        match what {
            OfFile::Path => Some(&self.path),
            OfFile::Namespace => container.map(|c| &*c.namespace),
            OfFile::Pod => container.map(|c| &*c.pod),
            OfFile::Container => container.map(|c| &*c.container),
        }
    }
}

impl ContainerName {
    fn new(namespace: &str, pod: &str, container: &str) -> Option<ContainerName> {
        let all = [namespace, pod, container];
        all.iter().all(|name| !name.is_empty()).then(|| ContainerName {
            namespace: namespace.into(),
            pod: pod.into(),
            container: container.into(),
        })
    }

    /// `/var/log/containers/<pod>_<namespace>_<container>-<64 hex digits>.log`.
    fn of_link(path: &str) -> Option<ContainerName> {
        let name = path.rsplit('/').next()?.strip_suffix(".log")?;
        let (name, id) = name.rsplit_once('-')?;
        let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        let mut parts = name.split('_');
        let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
        if !is_id || parts.next().is_some() { None } else { ContainerName::new(namespace, pod, container) }
    }

    /// `/var/log/pods/<namespace>_<pod>_<uid>/<container>/0.log`, also with what the kubelet puts
    /// behind it when it rotates the file.
    fn of_pod_folder(path: &str) -> Option<ContainerName> {
        let mut parts = path.rsplit('/');
        let (file, container, folder) = (parts.next()?, parts.next()?, parts.next()?);
        let (number, rest) = file.split_once(".log")?;
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        if !is_number || !(rest.is_empty() || rest.starts_with('.')) {
            return None;
        }
        let mut parts = folder.split('_');
        let (namespace, pod, uid) = (parts.next()?, parts.next()?, parts.next()?);
        if uid.is_empty() || parts.next().is_some() {
            return None;
        }
        ContainerName::new(namespace, pod, container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> Option<(String, String, String)> {
        let container = FileName::new(Path::new(path)).container?;
        Some((container.namespace.into(), container.pod.into(), container.container.into()))
    }

    #[test]
    fn kubernetes_names_are_read() {
        let id = "0123456789abcdef".repeat(4);
        let wanted = Some(("shop".to_owned(), "cart-7d9-x2".to_owned(), "api-server".to_owned()));
        assert_eq!(names(&format!("/var/log/containers/cart-7d9-x2_shop_api-server-{id}.log")), wanted);
        assert_eq!(names("/var/log/pods/shop_cart-7d9-x2_11-22/api-server/3.log"), wanted);
        assert_eq!(names("/var/log/pods/shop_cart-7d9-x2_11-22/api-server/3.log.20260102-030405"), wanted);
    }

    #[test]
    fn other_names_are_not() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            "/var/log/app.log",
            "app_shop_api-1.log",
            &format!("/l/a_b_c_d-{id}.log"),
            &format!("/l/_b_c-{id}.log"),
            &format!("/l/a_b_c-{id}.txt"),
            "/var/log/pods/shop_cart_1/api/x.log",
            "/var/log/pods/shop_cart/api/0.log",
            "/var/log/pods/shop_cart_1/api/0.logs",
            "0.log",
        ] {
            assert_eq!(names(path), None, "{path}");
        }
    }
}
