//! The main job of mail2fa on real mail servers, step by step: `quickstart [--check]`.
//!
//! The script of the same name at the top of the project installs and builds what this needs. With
//! `--check` it stops after the last step; without, it stays until Ctrl-C. Either way it stops what
//! it started, and its folder in /tmp goes away.

mod report;
mod show;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// What the main thread waits for.
enum Event {
    /// The steps are done, and all is stopped.
    Finished(anyhow::Result<bool>),
    /// Ctrl-C or its like.
    Interrupted,
}

fn main() -> ExitCode {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(_) => {
            eprintln!("usage: quickstart [--check]");
            return ExitCode::from(64);
        }
    };
    match run(check) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("quickstart: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> anyhow::Result<bool> {
    // Blocked here, before any thread is made, the signals wait for the one that asks for them.
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    let (events, event) = mpsc::channel();
    let interrupts = events.clone();
    thread::spawn(
        move || {
            while signals.wait().is_ok() && interrupts.send(Event::Interrupted).is_ok() {}
        },
    );

    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    thread::spawn(move || events.send(Event::Finished(show::run(check, &asked))));

    let mut interrupts = 0;
    loop {
        match event.recv()? {
            Event::Finished(result) => return result,
            Event::Interrupted => {
                interrupts += 1;
                stop.store(true, Ordering::Relaxed);
                if interrupts == 1 {
                    println!("\nStopping all that was started.");
                } else {
                    // The helper process of the folder cleans up behind this one.
                    return Ok(false);
                }
            }
        }
    }
}
