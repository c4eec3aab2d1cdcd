//! Keys, networks and the numbers of a policy.

use super::*;

#[test]
fn keys_of_a_login() {
    let texts = |owner: Option<&Owner>, from: &str| -> Vec<String> {
        let keys = ThrottlePolicy::default().keys_for(owner, NetAddress::parse(from));
        keys.iter().map(ToString::to_string).collect()
    };
    let alice = owner(&alice());
    assert_eq!(texts(Some(&alice), "none"), ["mailbox/7000/alice@example.org"]);
    let v4 = [
        "mailbox/7000/alice@example.org",
        "pair/7000-192.0.2.7-32/alice@example.org",
        "network/192.0.2.7-32",
        "network/192.0.2.0-24",
    ];
    assert_eq!(texts(Some(&alice), HOME), v4);
    assert_eq!(texts(Some(&alice), "::ffff:192.0.2.7"), v4);
    assert_eq!(texts(None, HOME), v4[2..]);
    assert_eq!(
        texts(Some(&alice), "2001:db8:aaaa:bbcc:1:2:3:4"),
        [
            "mailbox/7000/alice@example.org",
            "pair/7000-2001:db8:aaaa:bbcc::-64/alice@example.org",
            "network/2001:db8:aaaa:bbcc::-64",
            "network/2001:db8:aaaa:bb00::-56",
            "network/2001:db8:aaaa::-48",
        ]
    );
}

#[test]
fn scopes_follow_the_width() {
    let table = [
        ("192.0.2.7/32", Scope::Narrow),
        ("192.0.2.0/24", Scope::Wide),
        ("2001:db8::/64", Scope::Narrow),
        ("2001:db8::/56", Scope::Wide),
        ("2001:db8::/48", Scope::Widest),
    ];
    for (text, scope) in table {
        let network = Network::parse(text).unwrap();
        assert_eq!((network.to_string().as_str(), Key::Network(network).scope()), (text, scope));
    }
}

/// The store has keys of earlier versions in it.
#[test]
fn keys_are_written_as_ever() {
    let place = |text| Network::parse(text).unwrap();
    let pair = Key::Pair(owner(&alice()), place("2001:db8:1:2::/64"));
    for (key, written) in [
        (Key::Network(place("192.0.2.0/24")), "network/192.0.2.0-24"),
        (Key::Network(place("192.0.2.7")), "network/192.0.2.7-32"),
        (Key::Network(place("2001:db8::/48")), "network/2001:db8::-48"),
        (pair, "pair/7000-2001:db8:1:2::-64/alice@example.org"),
    ] {
        assert_eq!(key.to_string(), written);
    }
}

#[test]
fn a_shared_address_shares_its_whole_place() {
    let world = World::shared("2001:db8::25");
    let alice = owner(&alice());
    let keys = |from| world.policy.keys_for(Some(&alice), NetAddress::parse(from)).len();
    assert_eq!((keys("2001:db8::25"), keys("2001:db8::26"), keys("2001:db9::1")), (2, 2, 5));
    assert_eq!(world.standing("2001:db8::26", 0), Standing::Shared);
}

#[test]
fn default_numbers_pass_the_check() {
    assert_eq!(ThrottlePolicy::new(Settings::default()), Ok(ThrottlePolicy::default()));
}

#[test]
fn numbers_that_are_no_policy() {
    let rung = |burst, every| Ladder([Rung::new(burst, every); 3]);
    let base = Settings::default();
    let ladders = |password| Ladders { password, ..base.pair };
    let table = [
        (
            Settings { pair: ladders(rung(0, 1)), ..base.clone() },
            PolicyError::Burst("pair.password"),
        ),
        (
            Settings { wide: ladders(rung(1, 0)), ..base.clone() },
            PolicyError::Period("wide.password"),
        ),
        (Settings { known_for_seconds: 401 * DAY, ..base.clone() }, PolicyError::KnownFor),
        (Settings { remember_seconds: 599, ..base.clone() }, PolicyError::Remember),
        // 54 from unknown places and 280 from known ones.
        (
            Settings { mailbox_known_code: rung(40, 360), ..base.clone() },
            PolicyError::CodesTooEasy { guesses: 334 },
        ),
    ];
    for (settings, error) in table {
        assert_eq!(ThrottlePolicy::new(settings), Err(error));
    }
    let just_enough = Settings { mailbox_known_code: rung(39, 360), ..base };
    assert_eq!(ThrottlePolicy::new(just_enough).unwrap().code_guesses_within(DAY), 333);
}

#[test]
fn guesses_a_day_with_the_defaults() {
    assert_eq!(ThrottlePolicy::default().code_guesses_within(DAY), 54 + 64);
    assert_eq!((RIGHT_CODES, ALL_CODES), (3, 1_000_000));
}
