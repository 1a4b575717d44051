//! The contract suites on the store in memory.

use async_trait::async_trait;
use mcs_core::store::MemoryStore;
use mcs_core::store::contract::StoreHarness;

struct MemoryHarness;

#[async_trait]
impl StoreHarness for MemoryHarness {
    type Store = MemoryStore;
    type Guard = ();

    async fn open(&self) -> (MemoryStore, ()) {
        (MemoryStore::new(), ())
    }
}

mcs_core::task_store_contract!(memory, MemoryHarness);
mcs_core::record_store_contract!(memory_records, MemoryHarness);
mcs_core::interaction_store_contract!(memory_interactions, MemoryHarness);
