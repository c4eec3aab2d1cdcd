//! Which mechanisms the upstream decides, as the administrator has listed them.
//!
//! # Security
//!
//! Nothing is listed unless somebody lists it. That a provider asks for a second factor itself is
//! said for each mechanism apart, and only of one that passes.

use crate::base::RelayedMechanism;

/// The administrator's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mechanisms {
    pass: Vec<RelayedMechanism>,
    second_factor_elsewhere: Vec<RelayedMechanism>,
}

impl Mechanisms {
    /// `None` if a mechanism is said to have a factor elsewhere that does not pass.
    pub fn new(
        pass: Vec<RelayedMechanism>,
        second_factor_elsewhere: Vec<RelayedMechanism>,
    ) -> Option<Self> {
        let subset = second_factor_elsewhere.iter().all(|mechanism| pass.contains(mechanism));
        subset.then_some(Self { pass, second_factor_elsewhere })
    }

    /// Those that pass, in the administrator's order.
    pub fn passed(&self) -> &[RelayedMechanism] {
        &self.pass
    }

    /// Those whose provider asks for a second factor itself.
    pub fn with_factor_elsewhere(&self) -> &[RelayedMechanism] {
        &self.second_factor_elsewhere
    }

    /// Whether it passes.
    pub fn passes(&self, mechanism: RelayedMechanism) -> bool {
        self.pass.contains(&mechanism)
    }

    /// Whether its provider asks for a second factor itself.
    pub fn has_factor_elsewhere(&self, mechanism: RelayedMechanism) -> bool {
        self.passes(mechanism) && self.second_factor_elsewhere.contains(&mechanism)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_by_default() {
        for mechanism in RelayedMechanism::ALL {
            assert!(!Mechanisms::default().passes(mechanism));
            assert!(!Mechanisms::default().has_factor_elsewhere(mechanism));
        }
    }

    #[test]
    fn a_factor_elsewhere_needs_a_mechanism_that_passes() {
        let (bearer, kerberos) = (RelayedMechanism::OAuthBearer, RelayedMechanism::GssApi);
        assert_eq!(Mechanisms::new(vec![bearer], vec![kerberos]), None);
        let both = Mechanisms::new(vec![bearer, kerberos], vec![bearer]).unwrap();
        assert!(both.has_factor_elsewhere(bearer) && both.passes(kerberos));
        assert!(!both.has_factor_elsewhere(kerberos));
    }
}
