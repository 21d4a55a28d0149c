//! Uids, name suffixes and hashes, repeatable for a given seed.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// No vowels, so that no words come out.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A splitmix64 generator: small, seedable, good enough for names.
#[derive(Clone, Debug)]
pub(crate) struct Ids(u64);

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn uid(&mut self) -> String {
        let bytes = (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// Five letters and digits, as in the names of Pods.
    pub fn suffix(&mut self) -> String {
        let mut rest = self.next();
        let mut suffix = String::with_capacity(5);
        for _ in 0..5 {
            let index = (rest % LETTERS.len() as u64) as usize;
            suffix.push(char::from(LETTERS[index]));
            rest /= LETTERS.len() as u64;
        }
        suffix
    }

    /// A number between 0 and 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A number that is the same for the same text, in every run.
pub(crate) fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The name of a Pod template among the revisions of its owner.
pub(crate) fn hash_of_template(template: &Value) -> String {
    let number = hash(&sorted(template).to_string()) % 10_000_000_000;
    number.to_string().bytes().map(|digit| char::from(LETTERS[usize::from(digit - b'0')])).collect()
}

/// The value with every object's fields in order, whatever order they came in.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(&String, &Value)> = map.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            fields.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
