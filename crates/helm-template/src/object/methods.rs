//! The methods of objects.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use sorted::SortedMap;

use super::{Method, Object};
use crate::funcs::Param;
use crate::glob::Glob;
use crate::semver::Version;
use crate::value::{Elements, Entries, List, MapKind, Value};

impl Method {
    /// What the method expects.
    pub(crate) fn params(self) -> &'static [Param] {
        match self {
            Self::FilesGet
            | Self::FilesGetBytes
            | Self::FilesGlob
            | Self::FilesLines
            | Self::ApiVersionsHas
            | Self::TimeFormat => &[Param::Text],
            Self::VersionCompare
            | Self::VersionEqual
            | Self::VersionLessThan
            | Self::VersionGreaterThan => &[Param::Version],
            _ => &[],
        }
    }

    /// Calls the method of a receiver that has it.
    pub(crate) fn call(self, receiver: &Value, args: &[Value]) -> Result<Value, String> {
        if let Value::Map(map) = receiver {
            return Ok(match self {
                Self::ValuesAsMap => Value::Map(map.of_kind(MapKind::Any)),
                _ => Value::text(crate::funcs::yaml(receiver) + "\n"),
            });
        }
        let Value::Object(object) = receiver else {
            return Ok(Value::Nil);
        };
        let text = match args.first() {
            Some(Value::Text(it)) => it.as_ref(),
            _ => "",
        };
        Ok(match object.as_ref() {
            Object::Files(files) => self.of_files(files, text),
            Object::ApiVersions(it) => Value::Bool(it.api_versions.iter().any(|it| **it == *text)),
            Object::KubeVersion(it) => Value::text(Arc::clone(&it.version)),
            Object::Version(version) => {
                let other = match args.first() {
                    Some(Value::Object(it)) => match it.as_ref() {
                        Object::Version(it) => Some(it),
                        _ => None,
                    },
                    _ => None,
                };
                self.of_version(version, other.map(Rc::as_ref))?
            }
            Object::Time(moment) => moment.call(self, text),
            Object::Capabilities(_) | Object::Struct(_) => Value::Nil,
        })
    }

    fn of_files(self, files: &SortedMap<Arc<str>, Arc<[u8]>>, text: &str) -> Value {
        let bytes = files.get(text).map_or(&[][..], AsRef::as_ref);
        match self {
            Self::FilesGetBytes => Value::List(List::new(
                Elements::Byte,
                bytes.iter().map(|it| Value::Byte(*it)).collect(),
            )),
            Self::FilesGlob => {
                let glob = Glob::new(text);
                let found = files
                    .iter()
                    .filter(|(name, _)| glob.matches(name))
                    .map(|(name, bytes)| (Arc::clone(name), Arc::clone(bytes)));
                Value::object(Object::Files(Rc::new(found.collect())))
            }
            Self::FilesLines => {
                // Helm panics on an empty file; here it has no lines.
                if bytes.is_empty() {
                    return Value::texts(Vec::<&str>::new());
                }
                let text = String::from_utf8_lossy(bytes);
                let body = text.strip_suffix('\n').unwrap_or(&text);
                Value::texts(body.split('\n'))
            }
            Self::FilesAsConfig | Self::FilesAsSecrets => {
                let entries: Entries = files
                    .iter()
                    .map(|(name, bytes)| {
                        let value = if self == Self::FilesAsConfig {
                            String::from_utf8_lossy(bytes).into_owned()
                        } else {
                            crate::encoding::base64(bytes)
                        };
                        (crate::funcs::base(name).into(), Value::text(value))
                    })
                    .collect();
                Value::text(crate::funcs::yaml(&Value::map(entries)))
            }
            _ => Value::text(match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(bytes),
            }),
        }
    }

    fn of_version(self, version: &Version, other: Option<&Version>) -> Result<Value, String> {
        let order = || {
            other
                .map(|it| version.compare(it))
                .ok_or_else(|| crate::funcs::NIL_POINTER.to_owned())
        };
        let made = |it: Version| Value::object(Object::Version(Rc::new(it)));
        Ok(match self {
            Self::VersionOriginal => Value::text(version.original.as_str()),
            Self::VersionMajor => Value::Uint(version.major),
            Self::VersionMinor => Value::Uint(version.minor),
            Self::VersionPatch => Value::Uint(version.patch),
            Self::VersionPrerelease => Value::text(version.prerelease.as_str()),
            Self::VersionMetadata => Value::text(version.metadata.as_str()),
            Self::VersionCompare => Value::Int(match order()? {
                Ordering::Less => -1,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            }),
            Self::VersionEqual => Value::Bool(order()? == Ordering::Equal),
            Self::VersionLessThan => Value::Bool(order()? == Ordering::Less),
            Self::VersionGreaterThan => Value::Bool(order()? == Ordering::Greater),
            Self::VersionIncMajor => made(version.next_major()),
            Self::VersionIncMinor => made(version.next_minor()),
            Self::VersionIncPatch => made(version.next_patch()),
            _ => Value::text(version.to_string()),
        })
    }
}
