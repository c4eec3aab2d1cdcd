//! Owners are told that a second factor will be required: each day of the list once, over restarts, days
//! that were missed and a mail server that does not take it.

use super::*;
use mail2fa::{
    base::{Secret, limits::REMINDER_FAILURES, limits::REMINDER_PAGE},
    decision::{
        enforcement::{DomainRule, EnforcementPolicy, Level, OwnLevel},
        record::{MailboxRecord, TotpFactor},
        reminder::Schedule,
    },
    ports::store::{Change, Commit, Entry, EntryKey, Expect, Store},
    service::reminders::{Interrupted, Plan, Reminders, Round},
};

const DAY: u64 = 86_400;
const BOB: &str = "bob@example.org";
/// Twenty days after [`NOW`].
const FROM: UnixMillis = UnixMillis::from_seconds(NOW + 20 * DAY);

fn plan(level: Level) -> Plan {
    let enforcement = EnforcementPolicy { level, ..EnforcementPolicy::default() };
    Plan { enforcement, schedule: Schedule::default(), without_record: true }
}

fn record() -> MailboxRecord {
    MailboxRecord::new(UnixMillis::from_seconds(NOW))
}

fn enrolled() -> MailboxRecord {
    let totp = TotpFactor {
        secret: Secret::from_slice(&[7; 20]),
        last_step: 0,
        enabled: UnixMillis::from_seconds(NOW),
    };
    MailboxRecord { totp: Some(totp), ..record() }
}

impl Bench {
    async fn commit(&self, change: Change) {
        assert!(matches!(self.store.commit(vec![change]).await, Ok(Commit::Done(_))));
    }

    async fn put(&self, name: &str, record: MailboxRecord) {
        let mailbox = Mailbox::new(name).unwrap();
        let record = Some(Box::new(record));
        self.commit(Change::Mailbox { mailbox, expect: Expect::Absent, record }).await;
    }

    /// The bare password of a mailbox without a record was used.
    async fn logged_in(&self, name: &str) {
        let key =
            EntryKey { kind: "programs", mailbox: Mailbox::new(name).unwrap(), id: String::new() };
        let expires = UnixMillis::from_seconds(NOW + 90 * DAY);
        let entry = Some(Entry { value: Secret::from_slice(b"[]"), expires });
        self.commit(Change::Entry { key, expect: None, entry }).await;
    }

    fn reminders(&self, owners: Owners) -> Reminders {
        Reminders::new(Arc::new(self.store.clone()), Arc::new(owners), self.clock.clone())
    }

    /// Another process over the same store: who was told in a round, and how many days there were left.
    async fn told(&self, plan: &Plan) -> Vec<(String, String)> {
        self.relay.taken.lock().unwrap().clear();
        let mut round = Round::default();
        while !round.is_done() {
            self.page(plan, &mut round).await.unwrap();
        }
        let mails = self.relay.taken();
        assert_eq!(round.told(), mails.len());
        mails.iter().map(|mail| (field(mail, "To: "), field(mail, "Days left:  "))).collect()
    }

    async fn page(&self, plan: &Plan, round: &mut Round) -> Result<(), Interrupted> {
        let memory = Notices::new(Arc::new(self.store.clone()));
        let outfit = outfit(self.relay.clone());
        let owners = Owners::start(memory, self.clock.clone(), Some(outfit));
        self.reminders(owners).page(plan, round, &|| false).await
    }
}

fn field(mail: &str, name: &str) -> String {
    let mut lines = mail.lines().filter_map(|line| line.strip_prefix(name));
    lines.next_back().unwrap_or_else(|| panic!("no {name} in {mail}")).to_owned()
}

fn once(name: &str, days: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), days.to_owned())]
}

#[tokio::test(start_paused = true)]
async fn each_day_is_told_once_over_restarts() {
    let bench = Bench::new(&[Fate::Taken]).await;
    bench.put(ALICE, record()).await;
    let plan = plan(Level::RequiredFrom(FROM));
    let mut days = Vec::new();
    // A round every six hours, each in a process of its own.
    for _ in 0..22 * 4 {
        for (name, left) in bench.told(&plan).await {
            assert_eq!(name, ALICE);
            days.push(left);
        }
        bench.clock.forward(DAY / 4);
    }
    assert_eq!(days, ["14", "7", "3", "1"]);
}

#[tokio::test(start_paused = true)]
async fn of_missed_days_the_nearest_is_told_and_another_date_begins_anew() {
    let bench = Bench::new(&[Fate::Taken]).await;
    bench.put(ALICE, record()).await;
    bench.clock.forward(17 * DAY + DAY / 2);
    let first = plan(Level::RequiredFrom(FROM));
    assert_eq!(bench.told(&first).await, once(ALICE, "3"));
    assert_eq!(bench.told(&first).await, []);
    let later = plan(Level::RequiredFrom(FROM.plus_seconds(3 * DAY)));
    assert_eq!(bench.told(&later).await, once(ALICE, "6"));
    // A clock that is set back tells nothing again.
    bench.clock.0.store(NOW + 10 * DAY, Ordering::SeqCst);
    assert_eq!(bench.told(&later).await, []);
    bench.clock.forward(20 * DAY);
    assert_eq!(bench.told(&later).await, [], "it is required already");
}

#[tokio::test(start_paused = true)]
async fn only_those_are_told_for_whom_something_changes() {
    let bench = Bench::new(&[Fate::Taken]).await;
    bench.clock.forward(19 * DAY);
    let own = |level| {
        let set = UnixMillis::from_seconds(NOW);
        MailboxRecord { enforcement: Some(OwnLevel { level, set }), ..record() }
    };
    bench.put("enrolled@example.org", enrolled()).await;
    bench.put("free@example.org", own(Level::Optional)).await;
    bench.put("now@example.org", own(Level::Required)).await;
    let locked = Some(UnixMillis::from_seconds(NOW));
    bench.put("locked@example.org", MailboxRecord { locked, ..record() }).await;
    bench.put("other@example.net", record()).await;
    bench.put("tried@example.com", record()).await;
    let mut server = plan(Level::RequiredFrom(FROM));
    let rule = |level, dry_run| DomainRule { level, dry_run };
    let domains = &mut server.enforcement.domains;
    domains.insert("example.net".into(), rule(Level::Optional, None));
    domains.insert("example.com".into(), rule(Level::RequiredFrom(FROM), Some(true)));
    assert_eq!(bench.told(&server).await, []);
    server.enforcement.dry_run = true;
    bench.put(ALICE, record()).await;
    assert_eq!(bench.told(&server).await, [], "nothing is refused in a dry run");
    server.enforcement.dry_run = false;
    assert_eq!(bench.told(&server).await, once(ALICE, "1"));
    // A level of the mailbox's own.
    bench.put(BOB, own(Level::RequiredFrom(FROM))).await;
    assert_eq!(bench.told(&plan(Level::Optional)).await, once(BOB, "1"));
}

/// Where passwords are Dovecot's most mailboxes have no record.
#[tokio::test(start_paused = true)]
async fn mailboxes_without_a_record_are_known_by_their_logins() {
    let bench = Bench::new(&[Fate::Taken]).await;
    bench.clock.forward(15 * DAY);
    bench.put(ALICE, enrolled()).await;
    bench.logged_in(ALICE).await;
    bench.logged_in(BOB).await;
    let mut plan = plan(Level::RequiredFrom(FROM));
    plan.without_record = false;
    assert_eq!(bench.told(&plan).await, [], "with passwords of our own bob does not exist");
    plan.without_record = true;
    assert_eq!(bench.told(&plan).await, once(BOB, "5"));
    assert_eq!(bench.told(&plan).await, []);
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_looked_at() {
    let bench = Bench::new(&[Fate::Taken]).await;
    bench.clock.forward(15 * DAY);
    let most = REMINDER_PAGE + 3;
    for number in 0..most {
        bench.put(&format!("record{number:04}@example.org"), record()).await;
        bench.logged_in(&format!("login{number:04}@example.org")).await;
    }
    let told = bench.told(&plan(Level::RequiredFrom(FROM))).await;
    let mut names: Vec<_> = told.iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    assert_eq!((told.len(), names.len()), (2 * most, 2 * most));
}

#[tokio::test(start_paused = true)]
async fn what_the_mail_server_does_not_take_is_told_in_the_next_round() {
    let bench = Bench::new(&[Fate::Later, Fate::Taken]).await;
    bench.clock.forward(15 * DAY);
    bench.put(ALICE, record()).await;
    bench.put(BOB, record()).await;
    let plan = plan(Level::RequiredFrom(FROM));
    assert_eq!(bench.told(&plan).await, once(BOB, "5"));
    assert_eq!(bench.told(&plan).await, once(ALICE, "5"));
    // What is refused for good is not offered again before the next day of the list.
    bench.relay.now(Fate::Never);
    bench.put("carol@example.org", record()).await;
    assert_eq!(bench.told(&plan).await, []);
    bench.relay.now(Fate::Taken);
    assert_eq!(bench.told(&plan).await, []);
}

/// A relay that is down is not asked for everybody; those that it never takes stand in nobody's way.
#[tokio::test(start_paused = true)]
async fn a_relay_that_takes_nothing_ends_the_round_and_the_rest_comes_next() {
    let bench = Bench::new(&[Fate::Later]).await;
    bench.clock.forward(15 * DAY);
    for number in 0..=REMINDER_FAILURES {
        bench.put(&format!("box{number:04}@example.org"), record()).await;
    }
    let plan = plan(Level::RequiredFrom(FROM));
    let mut round = Round::default();
    let busy = Err(Interrupted::Relay("busy".into()));
    assert_eq!(bench.page(&plan, &mut round).await, busy);
    assert_eq!(bench.relay.asked(), u64::try_from(REMINDER_FAILURES).unwrap());
    bench.relay.now(Fate::Taken);
    assert_eq!(bench.page(&plan, &mut round).await, Ok(()));
    assert_eq!((round.told(), round.not_now()), (1, REMINDER_FAILURES));
    assert_eq!(field(&bench.relay.taken()[0], "To: "), "box0020@example.org");
}

#[tokio::test(start_paused = true)]
async fn switched_off_or_stopping_nobody_is_told() {
    let bench = Bench::new(&[Fate::Taken]).await;
    bench.clock.forward(15 * DAY);
    bench.put(ALICE, record()).await;
    let plan = plan(Level::RequiredFrom(FROM));
    for kinds in [vec![], vec![NoticeKind::Test]] {
        let outfit = Outfit { kinds, ..outfit(bench.relay.clone()) };
        let memory = Notices::new(Arc::new(bench.store.clone()));
        let owners = Owners::start(memory, bench.clock.clone(), Some(outfit));
        let reminders = bench.reminders(owners);
        let ended = reminders.page(&plan, &mut Round::default(), &|| false).await;
        assert_eq!(ended, Err(Interrupted::Off));
        let ended = reminders.page(&plan, &mut Round::default(), &|| true).await;
        assert_eq!(ended, Err(Interrupted::Stopping));
    }
    assert_eq!(bench.relay.asked(), 0);
    assert_eq!(bench.told(&plan).await.len(), 1, "nothing was remembered of it");
}

#[tokio::test(start_paused = true)]
async fn the_mail_says_when_and_has_no_secret() {
    let bench = Bench::new(&[Fate::Taken]).await;
    bench.clock.forward(15 * DAY);
    bench.put(ALICE, record()).await;
    bench.told(&plan(Level::RequiredFrom(FROM))).await;
    let mail = &bench.relay.taken()[0];
    assert!(
        mail.contains("From 2027-02-04 08:00 UTC on, your mailbox alice@example.org"),
        "{mail}"
    );
}
