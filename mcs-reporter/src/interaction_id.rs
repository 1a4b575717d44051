use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Odd, so that multiplying by it maps no two numbers to one.
const SPREAD: u32 = 0x9E37_79B1;

/// A new id of an interaction, such as `int_1700000000_0a1b2c3d`: the time in seconds and eight hexadecimal digits. A
/// process does not make one twice.
pub fn new_interaction_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    id_at(since.map_or(0, |since| since.as_secs()))
}

fn id_at(seconds: u64) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    static START: OnceLock<u32> = OnceLock::new();
    let start = *START.get_or_init(random);
    // Drawn at random each time, eight digits would meet again within hours at a thousand calls a second.
    let number = MADE.fetch_add(1, Ordering::Relaxed).wrapping_mul(SPREAD) ^ start;
    let mut id = String::with_capacity(23);
    let _ = write!(id, "int_{seconds}_{number:08x}");
    id
}

fn random() -> u32 {
    let [.., a, b, c, d] = *Uuid::now_v7().as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_have_the_form_and_do_not_repeat() {
        let ids: HashSet<String> = (0..100_000).map(|_| id_at(1_700_000_000)).collect();
        assert_eq!(ids.len(), 100_000);
        for id in ids {
            let digits = id.strip_prefix("int_1700000000_").unwrap();
            assert!(
                digits.len() == 8 && u32::from_str_radix(digits, 16).is_ok(),
                "{id}"
            );
        }
    }
}
