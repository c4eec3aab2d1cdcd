//! Bounds of the User Panel, the API and the connections they come by. What stands in `limits.rs` holds for this
//! file as well.

/// Sign-ins to the User Panel that wait for their code; one more pushes the oldest out.
pub const PANEL_WAITING: usize = 4_096;

/// Seconds in which the code must follow the password at the User Panel.
pub const PANEL_WAITING_SECONDS: u64 = 300;

/// Codes that may be tried before the password is asked again at the User Panel.
pub const PANEL_CODE_TRIES: u8 = 5;

/// Seconds in which a one-time link to the panel is to be followed.
pub const PANEL_LINK_SECONDS: u64 = 60;

/// Longest name of who asked for a link, bytes.
pub const PANEL_LINK_ISSUER_BYTES: usize = 64;

/// Secrets that the panel shows at once; one more pushes the oldest out.
pub const PANEL_SHOWN: usize = 4_096;

/// Seconds for which a secret can be looked at again at the panel.
pub const PANEL_SHOWN_SECONDS: u64 = 900;

/// Seconds for which a form that ended its own session may be sent again, to the same end.
pub const PANEL_REPEAT_SECONDS: u64 = 20;

/// Such forms that are remembered at once, one for each session; one more pushes the oldest out.
pub const PANEL_REPEATS: usize = 256;

/// Other forms that a session may still send after the one that ended it, before the answer to that is forgotten.
pub const PANEL_REPEAT_MISSES: usize = 2;

/// Events on one page of recent activity at the panel.
pub const PANEL_EVENTS: usize = 30;

/// Connections to the panel and the API at once; more wait.
pub const HTTP_CONNECTIONS: usize = 1_024;

/// Seconds for which a connection is kept for further requests.
pub const HTTP_CONNECTION_SECONDS: u64 = 300;

/// Of a body that nobody wants, what is read so that its sender hears the answer, bytes.
pub const HTTP_REST_BYTES: usize = 1_048_576;

/// Seconds for that.
pub const HTTP_REST_SECONDS: u64 = 5;

/// Seconds for a TLS handshake.
pub const TLS_HANDSHAKE_SECONDS: u64 = 10;

/// A certificate with all between it and its root, or a key, bytes.
pub const TLS_FILE_BYTES: usize = 262_144;

/// Header fields of one request.
pub const HTTP_HEADERS: usize = 64;

/// Line and headers of one request, bytes.
pub const HTTP_HEADER_BYTES: usize = 16_384;

/// Seconds in which line and headers of a request must be there.
pub const HTTP_HEADER_SECONDS: u64 = 10;

/// Body of one request, bytes.
pub const WEB_BODY_BYTES: usize = 65_536;

/// Seconds in which a request must be answered; longer than a refusal is held back.
pub const HTTP_REQUEST_SECONDS: u64 = 60;

/// The host's picture on the pages, bytes.
pub const WEB_LOGO_BYTES: usize = 65_536;

/// Value of one cookie, bytes: a name and a token in base64.
pub const WEB_COOKIE_BYTES: usize = 1_024;

/// Cookies of one name that are looked at, when a browser brings more than one.
pub const WEB_COOKIES: usize = 16;

/// Tokens of the API.
pub const API_TOKENS: usize = 64;

/// Longest name of a token of the API, bytes.
pub const API_TOKEN_NAME_BYTES: usize = 64;

/// Domains that one token of the API may be limited to.
pub const API_TOKEN_DOMAINS: usize = 64;

/// Seconds after which the use of a token is noted again.
pub const API_TOKEN_USE_SECONDS: u64 = 3_600;

/// Networks whose wrong tokens are counted; one more pushes another out.
pub const API_TOKEN_NETWORKS: usize = 4_096;

/// Seconds between two lines in the log about wrong tokens of one network.
pub const API_TOKEN_NEWS_SECONDS: u64 = 600;

/// Largest body of a request to the API, bytes.
pub const API_BODY_BYTES: usize = 65_536;

/// Most fields of a body of which an answer says what is wrong with them.
pub const API_FIELD_ERRORS: usize = 16;
