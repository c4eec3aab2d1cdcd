//! How many durable burns a second the store takes; ignored unless asked for:
//! `cargo test --release --test store_speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod store_support;

use std::time::{Duration, Instant};

use mail2fa::{
    ports::store::{Commit, Expect},
    store::SealedStore,
};
use store_support::{Place, at, burn, enrolled, keyring, put, rng, runtime};

#[test]
#[ignore = "a measurement"]
fn durable_burns_a_second() {
    let place = Place::new();
    runtime().block_on(async {
        let store = SealedStore::create(&place.store(), &keyring(), rng(), at(0)).await.unwrap();
        for tasks in [1_usize, 8, 64] {
            for n in 0..tasks {
                put(&store, &format!("m{tasks}-{n}"), Expect::Absent, Some(enrolled(0))).await;
            }
            let started = Instant::now();
            let running: Vec<_> = (0..tasks)
                .map(|n| {
                    let store = store.clone();
                    tokio::spawn(async move {
                        let (name, mut step) = (format!("m{tasks}-{n}"), 0);
                        while started.elapsed() < Duration::from_secs(3) {
                            step += 1;
                            let burned = burn(&store, &name, step).await.unwrap();
                            assert!(matches!(burned, Some(Commit::Done(_))));
                        }
                        step
                    })
                })
                .collect();
            let mut burned = 0;
            for task in running {
                burned += task.await.unwrap();
            }
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap();
            println!("{tasks} tasks: {} durable burns a second", burned * 1000 / millis);
        }
    });
}
