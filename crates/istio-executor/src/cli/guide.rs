//! Where the page's guide lies, and codes that lead there.

use std::collections::BTreeSet;

use clap::Args as ClapArgs;
use regex_lite::{Captures, Regex};

use crate::output;

/// Where the guide of a released binary lies, as `cargo xtask dist --guide` was told.
const RELEASED: Option<&str> = option_env!("REFIT_GUIDE_URL");

/// Where the guide lies.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Guide {
    /// Where the page's guide lies, for example https://…/guide.html: codes lead there
    #[arg(long = "guide", value_name = "URL", value_parser = address)]
    url: Option<String>,
}

impl Guide {
    /// The page of a code, where it is known where the guide lies.
    pub(super) fn page(&self, code: &str) -> Option<String> {
        let url = self.url.as_deref().or(RELEASED)?;
        Some(format!("{}#{code}", url.trim_end_matches('#')))
    }

    /// Makes links of the codes in brackets, where a terminal reads the text (OSC 8, which those without links pass over).
    pub(super) fn linked(&self, text: String) -> String {
        if output::coloured() {
            self.with_links(text)
        } else {
            text
        }
    }

    fn with_links(&self, text: String) -> String {
        let Ok(brackets) = Regex::new(r"\[([a-z0-9-]+)\]") else {
            return text;
        };
        let codes: BTreeSet<&str> = super::explain::all().iter().map(|it| it.code).collect();
        let link = |found: &Captures<'_>| {
            let (whole, code) = (&found[0], &found[1]);
            match self.page(code).filter(|_| codes.contains(code)) {
                Some(page) => format!("\x1b]8;;{page}\x1b\\{whole}\x1b]8;;\x1b\\"),
                None => whole.to_owned(),
            }
        };
        brackets.replace_all(&text, link).into_owned()
    }
}

/// An address that can stand in a terminal's link.
fn address(text: &str) -> Result<String, String> {
    let is_one = ["https://", "http://"]
        .iter()
        .any(|it| text.starts_with(it));
    if is_one && text.bytes().all(|it| it.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("an address begins with https:// or http:// and has no blanks".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guide(url: &str) -> Guide {
        Guide {
            url: Some(address(url).unwrap()),
        }
    }

    #[test]
    fn codes_of_the_closed_list_lead_to_the_guide() {
        let text = "\x1b[2m[version-skew]\x1b[0m of [shop] \x1b[1m";
        assert_eq!(
            guide("https://refit.example/guide.html").with_links(text.to_owned()),
            "\x1b[2m\x1b]8;;https://refit.example/guide.html#version-skew\x1b\\[version-skew]\x1b]8;;\x1b\\\x1b[0m of [shop] \x1b[1m"
        );
    }

    #[test]
    fn a_text_stays_where_nobody_knows_the_guide() {
        let text = "[version-skew]".to_owned();
        if RELEASED.is_none() {
            assert_eq!(Guide::default().with_links(text.clone()), text);
        }
    }

    #[test]
    fn an_address_cannot_steer_a_terminal() {
        for bad in [
            "javascript:alert(1)",
            "https://a\x1b]0;x",
            "https://a b",
            "",
        ] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
    }
}
