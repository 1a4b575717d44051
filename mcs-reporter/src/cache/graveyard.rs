//! How many dead letters are kept.

use super::{Lease, unsigned};
use rusqlite::{Transaction, params};

/// Dead letters of one MCP at most.
const MOST: u64 = 10_000;

/// Drops the oldest dead letters where there are too many. Those are counted rarely: what is added is added up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graveyard {
    /// Bytes of bodies at most.
    cap: u64,
    counted: Option<Counted>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    /// While another process sent, others came.
    under: Lease,
    letters: u64,
    bytes: u64,
}

impl Graveyard {
    /// One for so many bytes of bodies.
    pub(super) const fn new(cap: u64) -> Self {
        Self { cap, counted: None }
    }

    /// Some were added or taken out in another way.
    pub(super) const fn forget(&mut self) {
        self.counted = None;
    }

    /// So many were added, with bodies of so many bytes. Returns how many were dropped for it.
    pub(super) fn make_room(
        &mut self,
        tx: &Transaction<'_>,
        mcp: i64,
        lease: Lease,
        (letters, bytes): (u64, u64),
    ) -> rusqlite::Result<u64> {
        if let Some(counted) = self.counted.filter(|counted| counted.under == lease) {
            let counted = Counted {
                letters: counted.letters + letters,
                bytes: counted.bytes + bytes,
                ..counted
            };
            if self.fits(counted) {
                self.counted = Some(counted);
                return Ok(0);
            }
        }
        let counted = count(tx, mcp, lease)?;
        self.counted = Some(counted);
        if self.fits(counted) {
            return Ok(0);
        }
        self.drop_oldest(tx, mcp, counted)
    }

    const fn fits(&self, counted: Counted) -> bool {
        counted.letters <= MOST && counted.bytes <= self.cap
    }

    /// Makes more room than is needed, so that the next ones cost nothing.
    fn drop_oldest(
        &mut self,
        tx: &Transaction<'_>,
        mcp: i64,
        mut left: Counted,
    ) -> rusqlite::Result<u64> {
        let before = left.letters;
        let tenth_less = |most: u64| most - most / 10;
        let mut last = 0;
        let mut oldest = tx.prepare_cached(
            "SELECT id, LENGTH(body) FROM reporter_dead_letter WHERE mcp = ?1 ORDER BY id",
        )?;
        let mut rows = oldest.query([mcp])?;
        while left.letters > tenth_less(MOST) || left.bytes > tenth_less(self.cap) {
            let Some(row) = rows.next()? else {
                break;
            };
            last = row.get(0)?;
            left.letters = left.letters.saturating_sub(1);
            left.bytes = left.bytes.saturating_sub(unsigned(row.get(1)?));
        }
        drop(rows);
        tx.prepare_cached("DELETE FROM reporter_dead_letter WHERE mcp = ?1 AND id <= ?2")?
            .execute(params![mcp, last])?;
        self.counted = Some(left);
        Ok(before - left.letters)
    }
}

fn count(tx: &Transaction<'_>, mcp: i64, under: Lease) -> rusqlite::Result<Counted> {
    tx.prepare_cached(
        "SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM reporter_dead_letter WHERE mcp = ?1",
    )?
    .query_row([mcp], |row| {
        Ok(Counted {
            under,
            letters: unsigned(row.get(0)?),
            bytes: unsigned(row.get(1)?),
        })
    })
}
