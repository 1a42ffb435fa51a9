//! Streams that hold another one: xz, and text in UTF-16.

use xz4rust::{XzDecoder, XzError, XzNextBlockResult};

use super::piece::{Fault, Place};

/// The largest dictionary: what `xz -9` takes.
const DICTIONARY: usize = 64 * 1024 * 1024;

/// How much is unpacked at a time.
const STEP: usize = 64 * 1024;

/// An xz stream, or several behind each other.
pub(super) struct Xz {
    decoder: Box<XzDecoder<'static>>,
    /// Bytes that were too few to go on with.
    pending: Vec<u8>,
    ended: bool,
}

impl std::fmt::Debug for Xz {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Xz").finish_non_exhaustive()
    }
}

impl Xz {
    /// A stream whose bytes are still to come.
    pub(super) fn new() -> Self {
        Self {
            decoder: XzDecoder::in_heap_with_alloc_dict_size(64 * 1024, DICTIONARY),
            pending: Vec::new(),
            ended: false,
        }
    }

    /// Takes the next bytes and hands on what they unpack to.
    pub(super) fn push<E: From<Fault>>(
        &mut self,
        chunk: &[u8],
        each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.pending.extend_from_slice(chunk);
        let bytes = std::mem::take(&mut self.pending);
        let mut rest = bytes.as_slice();
        let mut out = vec![0; STEP];
        while !rest.is_empty() {
            if self.ended {
                // Between streams there may be zeros.
                let zeros = rest.iter().take_while(|it| **it == 0).count();
                rest = rest.get(zeros..).unwrap_or_default();
                if rest.is_empty() {
                    break;
                }
                self.decoder.reset();
                self.ended = false;
            }
            let result = match self.decoder.decode(rest, &mut out) {
                Ok(it) => it,
                Err(XzError::NeedsLargerInputBuffer) => {
                    self.pending = rest.to_vec();
                    return Ok(());
                }
                Err(error) => return Err(fault(&error).into()),
            };
            let (XzNextBlockResult::NeedMoreData(taken, made)
            | XzNextBlockResult::EndOfStream(taken, made)) = result;
            each(out.get(..made).unwrap_or_default())?;
            rest = rest.get(taken..).unwrap_or_default();
            self.ended = result.is_end_of_stream();
            if taken == 0 && made == 0 && !self.ended {
                self.pending = rest.to_vec();
                return Ok(());
            }
        }
        Ok(())
    }

    /// Hands on what is left, and says whether the stream is complete.
    pub(super) fn end<E: From<Fault>>(
        &mut self,
        each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut out = vec![0; STEP];
        while !self.ended {
            let bytes = std::mem::take(&mut self.pending);
            let result = match self.decoder.decode(&bytes, &mut out) {
                Ok(it) => it,
                Err(XzError::NeedsLargerInputBuffer) => break,
                Err(error) => return Err(fault(&error).into()),
            };
            let (XzNextBlockResult::NeedMoreData(taken, made)
            | XzNextBlockResult::EndOfStream(taken, made)) = result;
            each(out.get(..made).unwrap_or_default())?;
            self.pending = bytes.get(taken..).unwrap_or_default().to_vec();
            self.ended = result.is_end_of_stream();
            if taken == 0 && made == 0 {
                break;
            }
        }
        if self.ended {
            Ok(())
        } else {
            Err(Fault::new(Place::START, "the xz stream is truncated").into())
        }
    }
}

fn fault(error: &XzError) -> Fault {
    let message = match error {
        XzError::DictionaryOverflow => {
            "the xz stream asks for a dictionary of more than 64 MB: unpack it first".to_owned()
        }
        _ => format!("the xz stream is damaged: {error}"),
    };
    Fault::new(Place::START, message)
}

/// Text in UTF-16, which `>` of Windows PowerShell writes.
#[derive(Debug)]
pub(super) struct Wide {
    little: bool,
    /// Half a unit, and half a pair.
    odd: Option<u8>,
    high: Option<u16>,
    begun: bool,
}

impl Wide {
    /// A text whose bytes are still to come; `little` says which half of a unit comes first.
    pub(super) fn new(little: bool) -> Self {
        Self {
            little,
            odd: None,
            high: None,
            begun: false,
        }
    }

    /// Whether these bytes begin a text in UTF-16: by its mark, or as every text that begins with two ASCII characters.
    pub(super) fn tell(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xfe, 0, 0, ..] => None,
            [0xff, 0xfe, ..] => Some(Self::new(true)),
            [0xfe, 0xff, ..] => Some(Self::new(false)),
            [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some(Self::new(true)),
            [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some(Self::new(false)),
            _ => None,
        }
    }

    /// Returns the next bytes as UTF-8.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<String, Fault> {
        let mut units = Vec::with_capacity(chunk.len() / 2 + 2);
        units.extend(self.high.take());
        let bytes = self.odd.take().into_iter().chain(chunk.iter().copied());
        let mut first = None;
        for byte in bytes {
            match first.take() {
                None => first = Some(byte),
                Some(before) if self.little => units.push(u16::from_le_bytes([before, byte])),
                Some(before) => units.push(u16::from_be_bytes([before, byte])),
            }
        }
        self.odd = first;
        // Half a pair waits for the other half.
        self.high = units.pop_if(|it| (0xd800..0xdc00).contains(it));
        let mut text = String::with_capacity(units.len());
        for char in char::decode_utf16(units) {
            let char = char.map_err(|_| damaged())?;
            if self.begun || char != '\u{feff}' {
                text.push(char);
            }
            self.begun = true;
        }
        Ok(text)
    }

    /// Says whether the text is complete.
    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.odd.is_some() || self.high.is_some() {
            return Err(damaged());
        }
        Ok(())
    }
}

fn damaged() -> Fault {
    Fault::new(Place::START, "the text in UTF-16 is damaged or truncated")
}
