//! What `doveconf` prints: settings, and blocks with settings in them.
//!
//! Dovecot 2.3 prints `protocols = imap pop3`, 2.4 a block of that name; both print services as blocks.
//!
//! # Security
//!
//! The program and what it prints are root's.

/// A block, or all that was printed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// `service`, `unix_listener`.
    pub(super) kind: &'a str,
    /// `auth`, `login/login`; empty if it has none.
    pub(super) name: &'a str,
    settings: Vec<(&'a str, &'a str)>,
    /// What is in it, in its order.
    pub(super) blocks: Vec<Block<'a>>,
}

impl<'a> Block<'a> {
    /// Reads it. `None` if its brackets do not match: then it means something that is not known here.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (mut open, mut current) = (Vec::new(), Self::default());
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if line == "}" {
                let parent: Self = open.pop()?;
                let done = std::mem::replace(&mut current, parent);
                current.blocks.push(done);
            } else if let Some((key, value)) = line.split_once('=') {
                current.settings.push((key.trim(), value.trim()));
            } else if let Some(header) = line.strip_suffix('{') {
                let header = header.trim();
                let (kind, name) = header.split_once(' ').unwrap_or((header, ""));
                let block = Self { kind, name: name.trim().trim_matches('"'), ..Self::default() };
                open.push(std::mem::replace(&mut current, block));
            }
        }
        open.is_empty().then_some(current)
    }

    /// The value of a setting, if it is there and not empty.
    pub(super) fn value(&self, key: &str) -> Option<&'a str> {
        let found = self.settings.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| *value).filter(|value| !value.is_empty())
    }

    /// Whether a list has this in it, in the spelling of 2.3 or in that of 2.4.
    pub(super) fn lists(&self, list: &str, what: &str) -> bool {
        self.value(list).is_some_and(|value| value.split_whitespace().any(|word| word == what))
            || self
                .blocks
                .iter()
                .any(|block| block.kind == list && block.value(what) == Some("yes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_list_are_read() {
        let old = Block::parse("base_dir = /run/d\nprotocols =  imap lmtp\nempty = \n").unwrap();
        let new =
            Block::parse("protocols {\n  imap = yes\n  lmtp = yes\n  pop3 = no\n}\n").unwrap();
        for (printed, what) in [(&old, "2.3"), (&new, "2.4")] {
            assert!(
                printed.lists("protocols", "imap") && printed.lists("protocols", "lmtp"),
                "{what}"
            );
            assert!(
                !printed.lists("protocols", "pop3") && !printed.lists("imap", "imap"),
                "{what}"
            );
        }
        assert_eq!((old.value("base_dir"), old.value("empty")), (Some("/run/d"), None));
    }

    #[test]
    fn blocks_lie_in_blocks() {
        let text = "# head\nservice imap-login {\n  executable = imap-login -D x\n  imap_capability {\n    \
                    LITERAL+ = yes\n  }\n  unix_listener \"srv.imap-login/%{pid}\" {\n    mode = 0600\n  }\n}\n\
                    service auth {\n}\n";
        let printed = Block::parse(text).unwrap();
        let [login, auth] = &printed.blocks[..] else { panic!("{printed:?}") };
        assert_eq!((login.kind, login.name), ("service", "imap-login"));
        assert_eq!(login.value("executable"), Some("imap-login -D x"));
        assert_eq!(login.blocks[1].name, "srv.imap-login/%{pid}");
        assert_eq!(login.blocks[1].value("mode"), Some("0600"));
        assert_eq!((auth.name, auth.blocks.len()), ("auth", 0));
        assert_eq!(Block::parse("a {\n"), None);
        assert_eq!(Block::parse("}\n"), None);
    }
}
