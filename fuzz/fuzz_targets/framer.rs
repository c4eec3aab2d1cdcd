//! The framer cuts the same lines however the bytes arrive, and stays within its bound.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::limits::LINE_BYTES,
    wire::frame::{BUFFER_BYTES, FrameError, Framer},
};

type Cut = (Vec<Vec<u8>>, Option<FrameError>);

fn cut(bytes: &[u8], step: usize) -> Cut {
    let mut framer = Framer::new();
    let mut lines = Vec::new();
    for chunk in bytes.chunks(step) {
        framer.push(chunk).expect("there is room after every line was taken");
        loop {
            match framer.next_line() {
                Ok(Some(line)) => {
                    assert!(line.len() <= LINE_BYTES && !line.contains(&b'\n'));
                    lines.push(line.to_vec());
                }
                Ok(None) => break,
                Err(error) => return (lines, Some(error)),
            }
        }
        assert!(framer.room() >= LINE_BYTES && framer.room() <= BUFFER_BYTES);
    }
    (lines, None)
}

fuzz_target!(|input: (u8, u16, Vec<u8>)| {
    let (step, repeat, seed) = input;
    // Repetition reaches the limit of a line, which plain inputs are too short for.
    let times = (usize::from(repeat) / seed.len().max(1)).max(1);
    let bytes = seed.repeat(times);
    let step = usize::from(step).max(1) * 64;
    assert_eq!(cut(&bytes, step), cut(&bytes, LINE_BYTES));
});
