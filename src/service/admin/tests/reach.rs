//! Lists of a token with domains: what one request looks through, and what the place after it tells.

use super::*;
use crate::{
    base::limits::{ADMIN_LIST_PAGES, ADMIN_PAGE},
    decision::api_token::{Rights, Scope},
    ports::store::Expect,
    service::admin::Access,
};

const MINE: [&str; 3] = ["m@example.com", "z1@example.com", "z2@example.com"];

/// Full of mailboxes of others, before and between three within reach.
fn crowded(others: usize) -> Bench {
    let bench = Bench::dovecot_mode();
    let names = (0..others).map(|n| format!("n{n:06}@example.net"));
    let changes = names.chain(MINE.map(str::to_owned)).map(|name| Change::Mailbox {
        mailbox: Mailbox::new(&name).unwrap(),
        expect: Expect::Absent,
        record: Some(Box::new(MailboxRecord::new(UnixMillis::from_seconds(NOW)))),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _ = runtime.block_on(bench.store.commit(changes.collect())).unwrap();
    bench
}

fn list(
    bench: &Bench,
    token: &str,
    after: Option<String>,
    limit: usize,
) -> Result<(Vec<String>, Option<String>), AdminError> {
    let rights =
        Rights { scopes: Some(vec![Scope::MailboxesRead]), domains: vec!["example.com".into()] };
    let access = Access { by: format!("token {token}"), token: Some(token.into()), rights };
    let request = Request::MailboxList { after, limit };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let scope = Some(Scope::MailboxesRead);
    match runtime.block_on(bench.admin.handle_for(&access, scope, request))? {
        Response::Mailboxes { mailboxes, next } => {
            Ok((mailboxes.into_iter().map(|view| view.mailbox).collect(), next))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_small_limit_costs_no_more_than_a_large_one() {
    let bench = crowded(ADMIN_PAGE * 2);
    let (first, next) = list(&bench, "t", None, 1).unwrap();
    assert_eq!((first, next.as_deref()), (vec![MINE[0].to_owned()], Some(MINE[0])));
    // More pages of one than a request may ask of the store lie between.
    let (second, next) = list(&bench, "t", next, 1).unwrap();
    assert_eq!((second, next.as_deref()), (vec![MINE[1].to_owned()], Some(MINE[1])));
    assert_eq!(list(&bench, "t", next, 1).unwrap(), (vec![MINE[2].to_owned()], None));
    assert_eq!(list(&bench, "t", None, 9).unwrap(), (MINE.map(str::to_owned).to_vec(), None));
}

#[test]
fn a_request_ends_where_it_has_looked_through_enough_and_names_nobody() {
    let bench = crowded(ADMIN_PAGE * ADMIN_LIST_PAGES * 2);
    let (first, next) = list(&bench, "t", None, 9).unwrap();
    assert_eq!(first, [MINE[0]]);
    let (second, after) = list(&bench, "t", next.clone(), 9).unwrap();
    assert_eq!(second, [""; 0], "an empty page, and it goes on");
    for place in [next.as_ref().unwrap(), after.as_ref().unwrap()] {
        assert!(place.starts_with('~') && !place.contains("example"), "{place}");
    }
    assert_eq!(list(&bench, "t", after.clone(), 9).unwrap().0, MINE[1..]);
    assert_eq!(list(&bench, "t", after.clone(), 1).unwrap().0, MINE[1..2]);
    for (token, place) in [("u", after), ("t", Some("~abc".into()))] {
        let refused = list(&bench, token, place, 9);
        assert!(matches!(refused, Err(AdminError::BadName { .. })), "{refused:?}");
    }
}
