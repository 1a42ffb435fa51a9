//! The one session: a token that is good once, for a secret that is good as long as the server runs.
//!
//! The page keeps the secret for its origin, port included, and sends it in a header. A cookie would go to whatever listens
//! on another port of this host.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

/// Bytes of a secret: none is ever guessed.
const LENGTH: usize = 32;

/// The session of the page. Secrets are kept as digests, and compared as such: how long that takes tells nothing.
#[derive(Debug)]
pub(super) struct Session {
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Nobody came yet.
    Open { token: [u8; 32] },
    /// The token was used.
    Taken { token: [u8; 32], secret: [u8; 32] },
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
    pub(super) fn open() -> Result<(Self, String), getrandom::Error> {
        let token = secret()?;
        let session = Self {
            state: Mutex::new(State::Open {
                token: digest(&token),
            }),
        };
        Ok((session, token))
    }

    /// Takes the token for a session, once. Returns the secret that the page sends from then on.
    pub(super) fn take(&self, token: &str) -> Result<String, Refusal> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Taken { token: used, .. } if *used == digest(token) => Err(Refusal::Used),
            State::Open { token: wanted } if *wanted == digest(token) => {
                let secret = secret().map_err(|_| Refusal::NoRandomness)?;
                *state = State::Taken {
                    token: digest(token),
                    secret: digest(&secret),
                };
                Ok(secret)
            }
            State::Open { .. } | State::Taken { .. } => Err(Refusal::Unknown),
        }
    }

    /// Whether a request comes from the session.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State::Taken { secret, .. } = &*state else {
            return false;
        };
        let mut said = headers.get_all(AUTHORIZATION).iter();
        match (said.next(), said.next()) {
            (Some(said), None) => said
                .to_str()
                .ok()
                .and_then(|it| it.strip_prefix("Bearer "))
                .is_some_and(|it| digest(it) == *secret),
            _ => false,
        }
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

    fn said(text: &str) -> HeaderMap {
        let value = HeaderValue::from_str(text).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    #[test]
    fn a_token_is_good_once_and_only_its_secret_is_admitted() {
        let (session, token) = Session::open().unwrap();
        assert!(token.len() >= 43, "256 bits");
        assert_eq!(session.take("guessed"), Err(Refusal::Unknown));
        assert!(!session.admits(&said("Bearer ")));
        let secret = session.take(&token).unwrap();
        assert_ne!(secret, token);
        let bearer = format!("Bearer {secret}");
        assert!(session.admits(&said(&bearer)));
        let mut twice = said(&bearer);
        twice.append(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert!(!session.admits(&twice));
        let others = ["Bearer ", "Bearer x", &secret, &format!("Basic {secret}")];
        for other in others {
            assert!(!session.admits(&said(other)), "{other}");
        }
        let cookie = HeaderValue::from_str(&format!("refit={secret}")).unwrap();
        let cookie = HeaderMap::from_iter([(http::header::COOKIE, cookie)]);
        assert!(!session.admits(&cookie), "what browsers send of themselves");
        assert_eq!(session.take(&token), Err(Refusal::Used));
        assert!(session.admits(&said(&bearer)), "the session stays");
    }
}
