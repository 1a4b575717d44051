use mcs_core::reporter::Interaction;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a host wants to see and change before it is kept.
#[derive(Clone)]
pub(crate) struct Hook(Arc<dyn Fn(&mut Interaction) -> bool + Send + Sync>);

/// What the hook made of an interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Keep it, as it is now.
    Keep,
    /// Hold it back.
    Hold,
    /// It panicked.
    Panicked,
}

impl Hook {
    /// Asks `look`.
    pub(crate) fn new(look: impl Fn(&mut Interaction) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    /// Shows it an interaction. One that the hook itself reports is held back, or there would be no end to it.
    pub(crate) fn look(&self, interaction: &mut Interaction) -> Verdict {
        thread_local! {
            static INSIDE: Cell<bool> = const { Cell::new(false) };
        }
        if INSIDE.replace(true) {
            return Verdict::Hold;
        }
        let kept = catch_unwind(AssertUnwindSafe(|| (self.0)(interaction)));
        INSIDE.set(false);
        match kept {
            Ok(true) => Verdict::Keep,
            Ok(false) => Verdict::Hold,
            Err(_) => Verdict::Panicked,
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
