//! Go's text/template: text to tree to output.
//!
//! The lexer, parser and executor follow Go 1.25's `text/template` with Helm's option `missingkey=zero`, including the
//! words and places of errors.

pub(crate) mod exec;
pub(crate) mod lex;
pub(crate) mod node;
pub(crate) mod parse;
pub(crate) mod quote;
