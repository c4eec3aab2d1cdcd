//! ARGON2I and ARGON2ID (RFC 9106), in the text form of libargon2 and libsodium:
//! `$argon2id$v=19$m=65536,t=3,p=1$salt$hash`. ARGON2ID is what new hashes are made with.

use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::{
    SchemeName, Why,
    encoding::{from_base64_unpadded, to_base64_unpadded},
    matches, number,
};
use crate::{
    base::{
        Secret, SecretText,
        limits::{ARGON2_KEPT_KIB, ARGON2_LANES, ARGON2_MEMORY_KIB, ARGON2_WORK_KIB},
    },
    password::Argon2Cost,
    ports::password::{HashError, Verdict},
};

/// Length of a new salt, bytes (RFC 9106 3.1).
pub(in crate::password) const SALT: usize = 16;

/// Length of a new hash, bytes.
const OUTPUT: usize = 32;

/// Shortest and longest stored salt and hash, bytes. A shorter hash would be guessed.
const SALT_BOUNDS: std::ops::RangeInclusive<usize> = 8..=64;
const OUTPUT_BOUNDS: std::ops::RangeInclusive<usize> = 16..=128;

/// The memory of one hashing thread, used again for each hash. A third of a hash's time is
/// otherwise spent on page faults. What the last hash left in it is not wiped: that would cost
/// what keeping it saves, and the process leaves no core dumps.
#[derive(Default)]
pub(in crate::password) struct Scratch(Vec<Block>);

impl Scratch {
    fn blocks(&mut self, count: usize) -> Result<&mut [Block], HashError> {
        if let Some(more) = count.checked_sub(self.0.len()) {
            self.0.try_reserve_exact(more).map_err(|_| HashError::Unavailable)?;
            self.0.resize(count, Block::new());
        }
        self.0.get_mut(..count).ok_or(HashError::Unavailable)
    }

    /// Gives back what one large hash needed.
    fn shrink(&mut self) {
        if self.0.len() > ARGON2_KEPT_KIB {
            self.0.truncate(ARGON2_KEPT_KIB);
            self.0.shrink_to_fit();
        }
    }
}

/// A parsed Argon2 hash.
pub(super) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Secret,
}

impl Argon2Hash {
    pub(super) fn parse(text: &str) -> Result<Self, Why> {
        const FORM: Why = "it is not of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash";
        let (algorithm, rest) =
            text.strip_prefix('$').and_then(|rest| rest.split_once('$')).ok_or(FORM)?;
        let (version, rest) = match rest.strip_prefix("v=19$") {
            Some(rest) => (Version::V0x13, rest),
            // Without a version it is the first one.
            None => (Version::V0x10, rest.strip_prefix("v=16$").unwrap_or(rest)),
        };
        let fields: Vec<&str> = rest.split('$').collect();
        let [params, salt, output] = fields.as_slice() else {
            return Err(FORM);
        };
        let algorithm = match algorithm {
            "argon2i" => Algorithm::Argon2i,
            "argon2id" => Algorithm::Argon2id,
            _ => return Err("it is neither argon2i nor argon2id"),
        };
        let salt = from_base64_unpadded(salt).ok_or("its salt is not base 64")?;
        let output = from_base64_unpadded(output).ok_or("its hash is not base 64")?;
        if !SALT_BOUNDS.contains(&salt.len()) || !OUTPUT_BOUNDS.contains(&output.len()) {
            return Err("its salt or hash has an unusual length");
        }
        let params = parameters(cost(params)?, output.len())?;
        Ok(Self { algorithm, version, params, salt, output: Secret::from_vec(output) })
    }

    pub(super) fn name(&self) -> SchemeName {
        match self.algorithm {
            Algorithm::Argon2i => SchemeName::Argon2i,
            Algorithm::Argon2id | Algorithm::Argon2d => SchemeName::Argon2id,
        }
    }

    pub(super) fn verify(&self, pass: &[u8], scratch: &mut Scratch) -> Result<Verdict, HashError> {
        let context = Argon2::new(self.algorithm, self.version, self.params.clone());
        let mut computed = vec![0; self.output.len()];
        run(&context, pass, &self.salt, &mut computed, scratch)?;
        Ok(matches(self.output.expose(), &computed))
    }
}

/// Makes a new ARGON2ID hash, with its `{SCHEME}`.
pub(in crate::password) fn create(
    cost: Argon2Cost,
    password: &[u8],
    salt: [u8; SALT],
    scratch: &mut Scratch,
) -> Result<SecretText, HashError> {
    let params = check_cost(cost)?;
    let context = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; OUTPUT];
    run(&context, password, &salt, &mut output, scratch)?;
    let Argon2Cost { memory_kib, passes, lanes } = cost;
    Ok(SecretText::new(format!(
        "{{ARGON2ID}}$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${}${}",
        to_base64_unpadded(&salt),
        to_base64_unpadded(&output)
    )))
}

/// Whether new hashes can be made with this cost.
pub(in crate::password) fn check_cost(cost: Argon2Cost) -> Result<Params, HashError> {
    parameters(cost, OUTPUT)
        .map_err(|why| HashError::Malformed { scheme: SchemeName::Argon2id.to_string(), why })
}

fn run(
    context: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    scratch: &mut Scratch,
) -> Result<(), HashError> {
    let blocks = scratch.blocks(context.params().block_count())?;
    // Lengths and cost were checked when the hash was parsed, so this does not fail.
    let result = context.hash_password_into_with_memory(password, salt, output, blocks);
    scratch.shrink();
    result.map_err(|_| HashError::Unavailable)
}

/// Reads `m=65536,t=3,p=1`, in this order and without anything else.
fn cost(text: &str) -> Result<Argon2Cost, Why> {
    let fields: Vec<&str> = text.split(',').collect();
    let [memory, passes, lanes] = fields.as_slice() else {
        return Err("its parameters are not m, t and p");
    };
    let read = |field: &str, key| field.strip_prefix(key).and_then(number);
    match (read(memory, "m="), read(passes, "t="), read(lanes, "p=")) {
        (Some(memory_kib), Some(passes), Some(lanes)) => {
            Ok(Argon2Cost { memory_kib, passes, lanes })
        }
        _ => Err("its parameters are not m, t and p"),
    }
}

/// Checks a cost against the limits of the program and of the algorithm.
fn parameters(cost: Argon2Cost, output: usize) -> Result<Params, Why> {
    let Argon2Cost { memory_kib, passes, lanes } = cost;
    let work = u64::from(memory_kib) * u64::from(passes);
    if memory_kib > ARGON2_MEMORY_KIB || work > ARGON2_WORK_KIB || lanes > ARGON2_LANES {
        return Err("its cost is beyond the bounds");
    }
    Params::new(memory_kib, passes, lanes, Some(output)).map_err(|_| "its cost is not possible")
}
