//! The one session: a token that is good once, for a cookie that is good as long as the server runs.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::COOKIE;
use sha2::{Digest, Sha256};

/// Bytes of a secret: none is ever guessed.
const LENGTH: usize = 32;

/// The session of the page. Secrets are kept as digests, and compared as such: how long that takes tells nothing.
#[derive(Debug)]
pub(super) struct Session {
    /// The cookie's name. Browsers keep cookies by host, whatever the port, so the port is in it.
    name: String,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Nobody came yet.
    Open { token: [u8; 32] },
    /// The token was used.
    Taken { token: [u8; 32], cookie: [u8; 32] },
}

/// Why a token got no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It was used.
    #[error("this link was used already; it is good once: start refit serve again for another one")]
    Used,
    /// It is none of ours.
    #[error("this is not the token that refit serve printed")]
    Unknown,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl Session {
    /// Makes a session that waits for its token, and returns both.
    pub(super) fn open(port: u16) -> Result<(Self, String), getrandom::Error> {
        let token = secret()?;
        let session = Self {
            name: format!("refit-{port}"),
            state: Mutex::new(State::Open {
                token: digest(&token),
            }),
        };
        Ok((session, token))
    }

    /// Takes the token for a session, once. Returns the value of `Set-Cookie`.
    pub(super) fn take(&self, token: &str) -> Result<String, Refusal> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Taken { token: used, .. } if *used == digest(token) => Err(Refusal::Used),
            State::Open { token: wanted } if *wanted == digest(token) => {
                let cookie = secret().map_err(|_| Refusal::NoRandomness)?;
                *state = State::Taken {
                    token: digest(token),
                    cookie: digest(&cookie),
                };
                let name = &self.name;
                Ok(format!(
                    "{name}={cookie}; Path=/live; HttpOnly; SameSite=Strict"
                ))
            }
            State::Open { .. } | State::Taken { .. } => Err(Refusal::Unknown),
        }
    }

    /// Whether a request comes from the session.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State::Taken { cookie, .. } = &*state else {
            return false;
        };
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(';'))
            .filter_map(|it| it.trim().split_once('='))
            .any(|(name, value)| name == self.name && digest(value) == *cookie)
    }
}

fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn cookie(text: &str) -> HeaderMap {
        let value = HeaderValue::from_str(text).unwrap();
        HeaderMap::from_iter([(COOKIE, value)])
    }

    #[test]
    fn a_token_is_good_once_and_only_its_cookie_is_admitted() {
        let (session, token) = Session::open(8080).unwrap();
        assert!(token.len() >= 43, "256 bits");
        assert_eq!(session.take("guessed"), Err(Refusal::Unknown));
        assert!(!session.admits(&cookie("refit-8080=")));
        let set = session.take(&token).unwrap();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"));
        let pair = set.split(';').next().unwrap();
        assert!(!pair.contains(&token), "the cookie is another secret");
        assert!(session.admits(&cookie(pair)));
        assert!(session.admits(&cookie(&format!("other=1; {pair}"))));
        for other in ["refit-8080=", "refit-8080=x", &pair.replace("8080", "8081")] {
            assert!(!session.admits(&cookie(other)), "{other}");
        }
        assert_eq!(session.take(&token), Err(Refusal::Used));
        assert!(session.admits(&cookie(pair)), "the session stays");
    }
}
