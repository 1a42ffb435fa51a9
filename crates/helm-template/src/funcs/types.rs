//! What a value is.

use super::Param::{Any, Text};
use super::{Arguments, Function, function};
use crate::value::{Value, deep_equal};

pub(super) const FUNCTIONS: &[Function] = &[
    function("typeOf", &[Any], |_, args| {
        Ok(Value::text(args.any(0).type_name()))
    }),
    function("typeIs", &[Text, Any], |_, args| {
        Ok(Value::Bool(args.text(0) == args.any(1).type_name()))
    }),
    function("typeIsLike", &[Text, Any], |_, args| {
        let name = args.any(1).type_name();
        let target = args.text(0);
        Ok(Value::Bool(
            target == name || name.strip_prefix('*') == Some(target),
        ))
    }),
    function("kindOf", &[Any], |_, args| {
        Ok(Value::text(args.any(0).kind()))
    }),
    function("kindIs", &[Text, Any], |_, args| {
        Ok(Value::Bool(args.text(0) == args.any(1).kind()))
    }),
    function("deepEqual", &[Any, Any], |_, args| {
        Ok(Value::Bool(deep_equal(args.any(0), args.any(1))))
    }),
];
