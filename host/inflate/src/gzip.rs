//! Gzip: members one after the other.

use std::io::{self, BufRead, Read};
use std::mem;

use bytes::{Buf, Bytes};
use flate2::bufread::GzDecoder;

use crate::{Broken, MAX_PARTS, STEP_BYTES, Step};

/// The members of one body.
pub(crate) struct Members {
    decoder: GzDecoder<Portion>,
    begun: usize,
}

impl Members {
    pub(crate) fn new(body: Bytes) -> Self {
        let portion = Portion { rest: body, left: STEP_BYTES };
        Self { decoder: GzDecoder::new(portion), begun: 1 }
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<Step, Broken> {
        self.decoder.get_mut().left = STEP_BYTES;
        loop {
            match self.decoder.read(into) {
                Ok(0) => {}
                Ok(count) => return Ok(Step::Plain(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Step::Pause),
                Err(_) => return Err(Broken),
            }
            let portion = mem::take(self.decoder.get_mut());
            if portion.rest.is_empty() {
                return Ok(Step::End);
            }
            self.begun += 1;
            if self.begun > MAX_PARTS {
                return Err(Broken);
            }
            self.decoder.reset(portion);
        }
    }
}

/// What is left of a body, of which a step may read so much.
#[derive(Default)]
struct Portion {
    rest: Bytes,
    left: usize,
}

impl BufRead for Portion {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.left.min(self.rest.len()) {
            0 if !self.rest.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            ready => Ok(self.rest.get(..ready).unwrap_or_default()),
        }
    }

    fn consume(&mut self, count: usize) {
        self.rest.advance(count);
        self.left -= count;
    }
}

impl Read for Portion {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.fill_buf()?;
        let count = ready.read(into)?;
        self.consume(count);
        Ok(count)
    }
}
