//! Semantic versions.

use std::rc::Rc;

use super::Param::Text;
use super::{Arguments, Function, function};
use crate::object::Object;
use crate::semver::{Version, satisfies};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    function("semver", &[Text], |_, args| {
        Version::parse(args.text(0)).map(|it| Value::object(Object::Version(Rc::new(it))))
    }),
    function("semverCompare", &[Text, Text], |_, args| {
        satisfies(args.text(0), args.text(1)).map(Value::Bool)
    }),
];
