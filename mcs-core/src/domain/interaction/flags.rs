use serde::{Serialize, Serializer};
use std::fmt;

/// What is odd about the events of an interaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct InteractionFlags(u8);

impl InteractionFlags {
    /// An event came after one that happened later, by its time or by its place in the call.
    pub const OUT_OF_ORDER: Self = Self(1);
    /// No event says when it began; the earliest time of the others stands for it.
    pub const MISSING_START: Self = Self(2);
    /// It began more than once. The first beginning counts.
    pub const DUPLICATE_START: Self = Self(4);
    /// It ended more than once. The first end counts.
    pub const DUPLICATE_END: Self = Self(8);
    /// It ended before it began by the clock of its reporter. Its duration is what the reporter measured, else zero.
    pub const CLOCK_WENT_BACK: Self = Self(16);
    /// Its reporter let go of it before it ended.
    pub const ABANDONED: Self = Self(32);

    const NAMES: [(Self, &'static str); 6] = [
        (Self::OUT_OF_ORDER, "out_of_order"),
        (Self::MISSING_START, "missing_start"),
        (Self::DUPLICATE_START, "duplicate_start"),
        (Self::DUPLICATE_END, "duplicate_end"),
        (Self::CLOCK_WENT_BACK, "clock_went_back"),
        (Self::ABANDONED, "abandoned"),
    ];

    /// The flags that a store wrote as [`InteractionFlags::bits`].
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The flags as a number. The numbers of flags never change.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether `flag` is among them.
    pub const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }

    /// Adds or removes `flag`.
    pub(super) const fn set(&mut self, flag: Self, on: bool) {
        if on {
            self.0 |= flag.0;
        } else {
            self.0 &= !flag.0;
        }
    }

    /// Their names on the wire.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let set = Self::NAMES
            .into_iter()
            .filter(move |(flag, _)| self.has(*flag));
        set.map(|(_, name)| name)
    }
}

impl fmt::Debug for InteractionFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// As a list of names.
impl Serialize for InteractionFlags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_has_a_bit_and_a_name_of_its_own() {
        let mut all = InteractionFlags::default();
        for (number, (flag, name)) in InteractionFlags::NAMES.into_iter().enumerate() {
            assert_eq!(flag.bits(), 1 << number);
            assert!(!all.has(flag));
            all.set(flag, true);
            assert_eq!(all.names().last(), Some(name));
        }
        all.set(InteractionFlags::MISSING_START, false);
        assert_eq!(all.names().count(), 5);
        assert!(!all.has(InteractionFlags::MISSING_START));
    }
}
