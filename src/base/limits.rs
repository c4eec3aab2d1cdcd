//! Every bound of the program, in one place, with its unit in its name.
//!
//! A limit that is not here does not exist: code that grows with input takes its bound from this
//! file. Relations between limits are asserted at compile time at the end.

mod web;

pub use web::*;

/// Longest protocol line, bytes, without the newline. Dovecot's own bound
/// (`AUTH_CLIENT_MAX_LINE_LENGTH` in `src/auth/auth-client-interface.h`).
pub const LINE_BYTES: usize = 16_384;

/// Longest mailbox name, bytes: 64 for the local part, `@`, 255 for the domain (RFC 5321 4.5.3.1).
pub const MAILBOX_BYTES: usize = 320;

/// Longest password plus code that is looked at, bytes.
pub const CREDENTIAL_BYTES: usize = 1_024;

/// Parameters of one AUTH line, typed and unknown together.
pub const AUTH_PARAMETERS: usize = 64;

/// Responses of a mail client in one relayed exchange, the initial one not counted. Kerberos needs
/// three, a refused token one.
pub const RELAYED_ROUNDS: usize = 16;

/// Bytes of all responses of one relayed exchange, decoded.
pub const RELAYED_BYTES: usize = 65_536;

/// Seconds a mail client has for each response. It is a program that answers, not a person.
pub const RELAYED_RESPONSE_SECONDS: u64 = 30;

/// Relayed exchanges at once on one connection to the upstream. Mail clients that begin one and fall
/// silent leave room for passwords.
pub const RELAYED_EXCHANGES: usize = 128;

/// Requests of one connection that have been started and not answered.
pub const PENDING_REQUESTS: usize = 256;

/// Connections of one listener; a connection beyond it waits in the kernel's queue.
pub const LISTENER_CONNECTIONS: usize = 16_384;

/// Pending connections in the kernel's queue of one listener (`listen(2)` backlog).
pub const LISTEN_BACKLOG: u32 = 4_096;

/// Bytes of answers that may wait for a peer that does not read, before its connection is closed.
pub const OUTPUT_BYTES: usize = 1_048_576;

/// Seconds a peer has to send its handshake before its connection is closed.
pub const HANDSHAKE_SECONDS: u64 = 60;

/// Connections to the upstream that a `client` listener shares.
pub const UPSTREAM_CONNECTIONS: usize = 64;

/// Seconds to connect to the upstream and exchange the handshake.
pub const UPSTREAM_CONNECT_SECONDS: u64 = 10;

/// Seconds to wait for the upstream's answer: longer than Dovecot's failure delay (2 s) and its
/// anvil penalty (15 s) together, shorter than what clients wait for a login.
pub const UPSTREAM_ANSWER_SECONDS: u64 = 60;

/// Seconds a login may take altogether before it ends as `temp_fail`.
pub const LOGIN_SECONDS: u64 = 90;

/// Seconds that running logins have to finish when the daemon stops.
pub const DRAIN_SECONDS: u64 = 20;

/// Seconds between two clean-ups of the store.
pub const PURGE_SECONDS: u64 = 3_600;

/// Digits of a TOTP code. RFC 6238 allows 6 to 8; only 6 is safe with every authenticator app.
pub const CODE_DIGITS: usize = 6;

/// Length of a TOTP step, seconds (RFC 6238 X).
pub const STEP_SECONDS: u64 = 30;

/// Steps before and after the present one in which a code counts (RFC 6238 5.2).
pub const WINDOW_STEPS: u64 = 1;

/// Length of a TOTP secret, bytes: 160 bits, the length of the HMAC-SHA-1 output (RFC 4226 4).
pub const TOTP_SECRET_BYTES: usize = 20;

/// Seconds a started enrolment waits for its confirming code.
pub const ENROLMENT_SECONDS: u64 = 900;

/// Wrong confirming codes after which a started enrolment is dropped.
pub const ENROLMENT_WRONG_CODES: u8 = 5;

/// Longest life of a session, seconds: 30 days.
pub const SESSION_SECONDS: u64 = 2_592_000;

/// Longest time in which the same credential from the same place is the same sign-in, seconds. A
/// code itself is good for not much less.
pub const SESSION_PARALLEL_SECONDS: u64 = 60;

/// Longest time in which a password that was found right need not be asked for again, seconds. As long
/// may one that was changed at the mail server still open what it signed in to.
pub const RECENT_PASSWORD_SECONDS: u64 = 300;

/// Passwords found right a moment ago that are kept in memory, as keyed hashes of 32 bytes.
pub const RECENT_PASSWORDS: usize = 65_536;

/// Sessions of one mailbox.
pub const SESSIONS: usize = 32;

/// Webmail tokens of one mailbox, which are among its [`SESSIONS`].
pub const WEBMAIL_TOKENS: usize = 16;

/// Longest life of a webmail token, seconds: a week. Where passwords are Dovecot's, a token does not
/// hear of a changed one before its end.
pub const WEBMAIL_TOKEN_SECONDS: u64 = 604_800;

/// Webmails in the configuration.
pub const WEBMAILS: usize = 16;

/// Longest name of a webmail, bytes.
pub const WEBMAIL_NAME_BYTES: usize = 32;

/// Networks that one webmail may connect from.
pub const WEBMAIL_NETWORKS: usize = 64;

/// Groups of services that share sessions, and services of one group.
pub const SESSION_GROUPS: usize = 16;

/// Longest name of a service, bytes.
pub const SERVICE_BYTES: usize = 32;

/// App passwords of one mailbox.
pub const APP_PASSWORDS: usize = 32;

/// Longest name of an app password, bytes.
pub const APP_PASSWORD_NAME_BYTES: usize = 64;

/// Networks that one app password may be limited to.
pub const APP_PASSWORD_NETWORKS: usize = 4;

/// Largest stored record, bytes, sealed: it holds the largest hash, all app passwords and all
/// sessions there may be, of the longest kind, or a login could not be written down. See
/// [`STORE_SEGMENT_BYTES`].
pub const RECORD_BYTES: usize = 43_008;

/// Segment of sled's log, bytes. What is larger than a quarter of it goes to a file of its own,
/// which no fdatasync covers; and what is written is not a value but a whole leaf.
pub const STORE_SEGMENT_BYTES: usize = 4_194_304;

/// Values in one leaf of sled's tree, at most: it is split when it holds more than 16, and may
/// have been merged with a neighbour of fewer than 4 before.
pub const STORE_LEAF_VALUES: usize = 24;

/// Writes in one atomic set of the store port.
pub const WRITE_SET: usize = 16;

/// Records in one page of a scan of the store.
pub const SCAN_PAGE: usize = 1_024;

/// Writes that wait for the store's writer before a caller is told that it is unavailable.
pub const STORE_QUEUE: usize = 16_384;

/// Sealed records kept in memory in front of the store, of the usual size.
pub const RECORD_CACHE: usize = 65_536;

/// Memory those take at most, bytes.
pub const RECORD_CACHE_BYTES: u64 = 67_108_864;

/// Longest stored password hash, bytes, with its `{SCHEME}`.
pub const HASH_BYTES: usize = 4_096;

/// Password checks that wait for a hashing thread before a login is told `temp_fail`.
pub const HASH_QUEUE: usize = 256;

/// Hashing threads that the configuration may ask for.
pub const HASH_THREADS: usize = 256;

/// Largest Argon2 memory of a stored or configured hash, KiB: libsodium's MODERATE. Each hashing
/// thread may need that much at once.
pub const ARGON2_MEMORY_KIB: u32 = 262_144;

/// Largest Argon2 work, memory times passes, KiB: about a second on one core.
pub const ARGON2_WORK_KIB: u64 = 2_097_152;

/// Most Argon2 lanes. They are computed one after the other.
pub const ARGON2_LANES: u32 = 16;

/// Argon2 memory that a hashing thread keeps between hashes, KiB. Fresh memory costs a third of
/// a hash in page faults; one large imported hash must not hold its memory for ever.
pub const ARGON2_KEPT_KIB: usize = 65_536;

/// Highest bcrypt cost (its logarithm): about four seconds on one core.
pub const BCRYPT_COST: u32 = 16;

/// Most rounds of SHA256-CRYPT and SHA512-CRYPT: about a second on one core.
pub const SHA_CRYPT_ROUNDS: u32 = 2_000_000;

/// Most rounds of PBKDF2 with HMAC-SHA-1: about 1.3 seconds on one core.
pub const PBKDF2_ROUNDS: u32 = 10_000_000;

/// Largest memory of a yescrypt hash, bytes.
pub const YESCRYPT_BYTES: u64 = 268_435_456;

/// Wrong passwords that a throttling counter remembers, so that a repeated one counts once.
pub const THROTTLE_PASSWORD_MARKS: usize = 8;

/// Credentials with a wrong or spent code that a throttling counter remembers.
pub const THROTTLE_CODE_MARKS: usize = 16;

/// Networks that the configuration may call shared.
pub const SHARED_NETWORKS: usize = 256;

/// Domains that may have an enforcement rule of their own.
pub const ENFORCEMENT_DOMAINS: usize = 4_096;

/// Networks of proxies that may say where a browser is.
pub const PANEL_PROXIES: usize = 64;

/// Longest life of a panel session that can be configured, seconds.
pub const PANEL_SESSION_SECONDS: u64 = 24 * 3_600;

/// Browsers that are signed in to the panel of one mailbox and shown there.
pub const PANEL_BROWSERS: usize = 50;

/// For how long it is remembered that what was open at the panel has ended, seconds: many times as long as
/// any of it could live, also where the clock was wrong by days. It is remembered until it is cleared away then.
pub const PANEL_ERA_SECONDS: u64 = 30 * 24 * 3_600;

/// Networks that the configuration may exempt, and networks of webmail.
pub const ENFORCEMENT_NETWORKS: usize = 256;

/// Services that may have a rule.
pub const SERVICE_RULES: usize = 32;

/// Throttling counters kept in memory; the store has all of them.
pub const THROTTLE_CACHE: usize = 262_144;

/// Seconds by which a throttling counter may lie in the future before it is moved to the present.
pub const THROTTLE_CLOCK_TOLERANCE_SECONDS: u64 = 300;

/// Wrong codes behind the right password, in a day, of which a mailbox's owner is told.
pub const NOTICE_WRONG_CODES: u32 = 3;

/// Notices of one kind that a mailbox's owner gets in a day.
pub const NOTICES_A_DAY: u32 = 10;

/// Days before a second factor is required on which owners are told, at most so many of them.
pub const REMINDER_STEPS: usize = 16;

/// The earliest of these days.
pub const REMINDER_DAYS: u64 = 365;

/// Seconds that a program has which `mail2fa doctor` asks, and how much of its words is read, bytes.
pub const DOCTOR_SECONDS: u64 = 10;
/// See [`DOCTOR_SECONDS`].
pub const DOCTOR_OUTPUT_BYTES: usize = 262_144;

/// Mailboxes that are looked at in one go when owners are to be told that a second factor will be required.
pub const REMINDER_PAGE: usize = 256;

/// Milliseconds between two pages, left to logins.
pub const REMINDER_PAUSE_MILLIS: u64 = 50;

/// Owners in a row whose mail the mail server does not take, after which the others wait.
pub const REMINDER_FAILURES: usize = 20;

/// Seconds from the end of one round through all mailboxes to the next.
pub const REMINDER_SECONDS: u64 = 21_600;

/// The same after a round in which somebody could not be told.
pub const REMINDER_AGAIN_SECONDS: u64 = 900;

/// Notices that wait to be sent, and as many that wait to be tried again; one more is not sent.
pub const NOTICE_QUEUE: usize = 1_024;

/// Seconds after which a notice that could not be sent is tried again, one after the other.
pub const NOTICE_RETRY_SECONDS: [u64; 4] = [10, 60, 300, 900];

/// Seconds that the mail server, or its sendmail program, has to take one notice. Shorter than
/// what whoever asked for a test waits.
pub const NOTICE_SEND_SECONDS: u64 = 20;

/// Seconds that notices which are not sent yet have when the daemon stops.
pub const NOTICE_DRAIN_SECONDS: u64 = 5;

/// Largest text of a notice, bytes.
pub const NOTICE_TEXT_BYTES: usize = 8_192;

/// Longest subject of a notice's text, bytes.
pub const NOTICE_SUBJECT_BYTES: usize = 200;

/// Characters that a notice shows of anything somebody typed; the longest mailbox name fits.
pub const NOTICE_VALUE_CHARACTERS: usize = 320;

/// Languages of notices at once.
pub const NOTICE_LANGUAGES: usize = 64;

/// Longest tag of a language, bytes.
pub const LANGUAGE_BYTES: usize = 16;

/// What is kept of an answer of the mail server, or of its sendmail program, characters.
pub const NOTICE_REASON_CHARACTERS: usize = 300;

/// A clock that shows less, seconds since 1970, has lost its time: those of machines begin in 1970, 1980 or
/// 2000. The end of that year.
pub const CLOCK_LOST_SECONDS: u64 = 978_307_200;

/// Longest short text in an event of the audit trail (who, a session id, a client id), bytes.
pub const AUDIT_TEXT_BYTES: usize = 128;

/// Longest free text in an event of the audit trail, bytes.
pub const AUDIT_DETAIL_BYTES: usize = 256;

/// Longest event of the audit trail as JSON, bytes: two names, a dozen texts, and what stands around
/// them. A text at worst doubles when it is quoted.
pub const AUDIT_EVENT_BYTES: usize =
    2 * (2 * MAILBOX_BYTES + 12 * AUDIT_TEXT_BYTES + AUDIT_DETAIL_BYTES) + 512;

/// Events in one block of the audit trail.
pub const AUDIT_BLOCK_EVENTS: usize = 50;

/// Bytes of events after which a block of the audit trail is full.
pub const AUDIT_BLOCK_BYTES: usize = 16_384;

/// Blocks that one read of the audit trail looks at.
pub const AUDIT_READ_BLOCKS: usize = 128;

/// Events in one answer about the audit trail.
pub const AUDIT_PAGE: usize = 128;

/// Login events that wait to be written to the audit trail; more are dropped and counted.
pub const AUDIT_QUEUE: usize = 32_768;

/// Milliseconds between two writes of waiting login events.
pub const AUDIT_FLUSH_MILLIS: u64 = 500;

/// Seconds between two clean-ups of the audit trail.
pub const AUDIT_EXPIRE_SECONDS: u64 = 60;

/// Blocks of the audit trail that one clean-up removes before it looks up.
pub const AUDIT_EXPIRE_BLOCKS: usize = 256;

/// Most login events of a kind (signed in, refused) that the configuration may keep.
pub const AUDIT_EVENTS: u64 = 100_000_000;

/// Longest that events may be kept by the configuration, seconds: ten years.
pub const AUDIT_SECONDS: u64 = 315_360_000;

/// Mailboxes whose login events of the day are counted, in each lane.
pub const AUDIT_COUNTED: usize = 65_536;

/// Free space on the store's file system below which no login event is written, bytes. What
/// remains is for logins and changes.
pub const AUDIT_FREE_FLOOR_BYTES: u64 = 134_217_728;

/// Programs with the bare password that are remembered of one mailbox.
pub const PROGRAMS: usize = 32;

/// Longest name of a program, bytes.
pub const PROGRAM_BYTES: usize = 64;

/// Mailboxes whose programs wait to be written down.
pub const PROGRAMS_WAITING: usize = 262_144;

/// Seconds between two writes of a mailbox's programs.
pub const PROGRAMS_SECONDS: u64 = 3_600;

/// Seconds for which wrong codes with the right password are remembered after the last one.
pub const WRONG_CODES_SECONDS: u64 = 2_592_000;

/// Times an administrator's change is tried again when the record changed under it.
pub const ADMIN_ATTEMPTS: usize = 8;

/// Pages of the store that one request for a list looks through for what is within a token's reach.
pub const ADMIN_LIST_PAGES: usize = 16;

/// Mailboxes in one answer to a listing.
pub const ADMIN_PAGE: usize = 512;

/// The latest moment that can be asked for, seconds since 1970: the end of the year 9999, the last that RFC 3339
/// can write. Every reader of JSON keeps such a number exactly (below 2^53).
pub const LAST_MOMENT_SECONDS: u64 = 253_402_300_799;

/// Seconds that a peer of the control socket may be silent, and that an answer may take.
pub const CONTROL_SECONDS: u64 = 30;

/// Milliseconds after which the mark beside the store's data has caught up with a burn. Who has
/// a record, or is enrolled, is marked at once.
pub const STORE_MARK_MILLIS: u64 = 250;

/// Write sets that the store's writer makes durable with one flush.
pub const STORE_GROUP: usize = 1_024;

/// Writes in one atomic set of a store engine: the caller's, and what the store adds of its own
/// (one census per mailbox; all censuses and the meta record when a store is made). etcd takes 128.
pub const ENGINE_WRITE_SET: usize = 128;

/// Lost mailboxes that are named one by one in the audit trail when damage is accepted.
pub const ACCEPTED_NAMES: usize = 20;

/// Shards of the census of names.
pub const CENSUS_SHARDS: usize = 64;

/// Memory that sled is asked to keep its page cache below, bytes. A hint, which it may double.
pub const STORE_CACHE_BYTES: u64 = 268_435_456;

/// Free space on the store's file system below which no mailbox is added or enrolled, bytes.
/// What remains is for burns: sled cannot be opened on a full disk.
pub const STORE_FREE_FLOOR_BYTES: u64 = 16_777_216;

/// Largest file of master keys, bytes.
pub const KEY_FILE_BYTES: u64 = 65_536;

/// Master keys in one key ring.
pub const KEY_RING: usize = 16;

/// Largest request or answer on the control socket, bytes.
pub const CONTROL_BYTES: usize = 1_048_576;

/// Longest path of a Unix socket, bytes (`sun_path` of unix(7), without its NUL).
pub const SOCKET_PATH_BYTES: usize = 107;

/// Log lines that wait to be written to standard error, bytes; more are dropped and counted.
pub const LOG_BUFFER_BYTES: usize = 4_194_304;

/// Largest configuration file, bytes.
pub const CONFIG_BYTES: u64 = 1_048_576;

const _: () = assert!(CREDENTIAL_BYTES * 2 < LINE_BYTES, "base64 of a credential must fit a line");
const _: () = assert!(MAILBOX_BYTES < CREDENTIAL_BYTES);
const _: () = assert!(RELAYED_EXCHANGES * 2 <= PENDING_REQUESTS);
const _: () = assert!(RELAYED_RESPONSE_SECONDS < LOGIN_SECONDS);
const _: () = assert!(LINE_BYTES <= RELAYED_BYTES, "one line may carry a whole ticket");
const _: () = assert!(CODE_DIGITS == 6, "the splitter in decision/ is written for six digits");
const _: () = assert!(LINE_BYTES < OUTPUT_BYTES);
const _: () = assert!(UPSTREAM_CONNECT_SECONDS + UPSTREAM_ANSWER_SECONDS < LOGIN_SECONDS);
const _: () = assert!(
    LOGIN_SECONDS < THROTTLE_CLOCK_TOLERANCE_SECONDS,
    "a slow login counts with the moment of its arrival and must not turn a counter back"
);
const _: () = assert!(THROTTLE_PASSWORD_MARKS <= 255 && THROTTLE_CODE_MARKS <= 255);
const _: () = assert!(CENSUS_SHARDS <= 256 && CENSUS_SHARDS < ENGINE_WRITE_SET);
const _: () = assert!(CENSUS_SHARDS + 2 * ACCEPTED_NAMES + 2 <= ENGINE_WRITE_SET);
const _: () = assert!(
    (RECORD_BYTES + MAILBOX_BYTES + 64) * STORE_LEAF_VALUES < STORE_SEGMENT_BYTES / 4 - 1_024,
    "a leaf full of the largest records must stay in the log"
);
const _: () = assert!(STORE_SEGMENT_BYTES as u64 * 2 <= STORE_FREE_FLOOR_BYTES);
const _: () = assert!(WRITE_SET * 3 <= ENGINE_WRITE_SET, "a note is a block and two marks");
const _: () = assert!(AUDIT_BLOCK_EVENTS * 2 < ENGINE_WRITE_SET, "two marks for each event");
const _: () = assert!(WEB_COOKIES <= WRITE_SET, "what a browser brings ends in one write");
const _: () = assert!(
    AUDIT_BLOCK_BYTES + AUDIT_EVENT_BYTES + AUDIT_BLOCK_EVENTS * 16 + 128 < RECORD_BYTES,
    "a block is full when it is over its bytes"
);
const _: () = assert!((AUDIT_PAGE + 1) * AUDIT_EVENT_BYTES < CONTROL_BYTES);
const _: () = assert!(STORE_FREE_FLOOR_BYTES < AUDIT_FREE_FLOOR_BYTES);
const _: () = assert!(PROGRAMS * (2 * PROGRAM_BYTES + 2 * SERVICE_BYTES + 256) < RECORD_BYTES);
const _: () = assert!(TOTP_SECRET_BYTES >= 20, "RFC 4226 recommends 160 bits");
const _: () = assert!(CREDENTIAL_BYTES < HASH_BYTES, "any password fits as {{PLAIN}}");
const _: () = assert!(HASH_BYTES < RECORD_BYTES);
const _: () = assert!(SESSION_PARALLEL_SECONDS < SESSION_SECONDS);
const _: () = assert!(
    ADMIN_PAGE * (MAILBOX_BYTES * 2 + 512) < CONTROL_BYTES,
    "a page of escaped names with their fields must fit an answer"
);
const _: () = assert!(ARGON2_MEMORY_KIB as u64 <= ARGON2_WORK_KIB);
const _: () = assert!(NOTICE_SEND_SECONDS < CONTROL_SECONDS, "a test is answered in time");
const _: () = assert!(MAILBOX_BYTES <= NOTICE_VALUE_CHARACTERS);
