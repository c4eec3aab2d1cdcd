//! The sockets of a configuration, to see whether they fit together: no two in one place, and none at which mail2fa
//! would ask itself.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use super::{
    place::Listen,
    raw::{Place, Report},
};

/// All of them.
#[derive(Default)]
pub(super) struct Sockets {
    /// The names of listeners.
    pub names: Vec<(String, Place)>,
    /// The paths that mail2fa serves.
    pub served: Vec<(PathBuf, Place)>,
    /// The addresses that mail2fa serves.
    pub bound: Vec<(SocketAddr, Place)>,
    /// The paths at which mail2fa asks others.
    pub asked: Vec<(PathBuf, Place)>,
}

impl Sockets {
    /// Takes in where HTTP is served.
    pub fn serves(&mut self, listen: &Listen, place: Place) {
        match listen {
            Listen::Tcp(address) => self.bound.push((*address, place)),
            Listen::Unix(path) => self.served.push((path.clone(), place)),
        }
    }

    /// Notes what is there twice.
    pub fn check(&self, report: &mut Report) {
        for (first, second) in repeated(&self.names) {
            report.at(second, format!("is also the {}; names must differ", first.key));
        }
        for (first, second) in repeated(&self.served) {
            report.at(second, format!("is the same path as {}", first.key));
        }
        for (index, (address, place)) in self.bound.iter().enumerate() {
            let mut earlier = self.bound.iter().take(index);
            if let Some((_, first)) = earlier.find(|(other, _)| meet(address, other)) {
                let what = format!(
                    "is the same address as {}, or one takes in the other: give one of them another port",
                    first.key
                );
                report.at(place, what);
            }
        }
        for (path, place) in &self.asked {
            if let Some((_, own)) = self.served.iter().find(|(served, _)| served == path) {
                let what = format!("is the same path as {}: mail2fa would ask itself", own.key);
                report.at(place, what);
            }
        }
    }
}

/// Places whose value stands at an earlier place already, with that one.
fn repeated<T: PartialEq>(all: &[(T, Place)]) -> impl Iterator<Item = (&Place, &Place)> {
    all.iter().enumerate().filter_map(|(index, (value, place))| {
        let (_, first) = all.iter().take(index).find(|(earlier, _)| earlier == value)?;
        Some((first, place))
    })
}

/// Whether only one of two can be listened at. `0.0.0.0` is every address of IPv4, `[::]` every address. Of port 0
/// each gets another one.
fn meet(one: &SocketAddr, other: &SocketAddr) -> bool {
    let (first, second) = (one.ip().to_canonical(), other.ip().to_canonical());
    let scope = |address: &SocketAddr| match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    };
    let same = first == second && scope(one) == scope(other);
    let all = |all: IpAddr, of: IpAddr| all.is_unspecified() && (all.is_ipv6() || of.is_ipv4());
    one.port() != 0
        && one.port() == other.port()
        && (same || all(first, second) || all(second, first))
}
