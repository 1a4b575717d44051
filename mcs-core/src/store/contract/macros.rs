//! The lists of cases, and what makes tests of them.
//!
//! A macro cannot look functions up, so each case is named here once; a case that is not is dead code, which the compiler
//! reports.

/// Runs every case of the [`TaskStore`](crate::store::TaskStore) suite as a test, in a module named after the store.
///
/// ```
/// use async_trait::async_trait;
/// use mcs_core::store::{MemoryStore, contract::StoreHarness};
///
/// struct Harness;
///
/// #[async_trait]
/// impl StoreHarness for Harness {
///     type Store = MemoryStore;
///     type Guard = ();
///
///     async fn open(&self) -> (MemoryStore, ()) {
///         (MemoryStore::new(), ())
///     }
/// }
///
/// mcs_core::task_store_contract!(memory, Harness);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! task_store_contract {
    ($name:ident, $harness:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::__task_store_cases!([$crate::__contract_tests] check_task_store, $harness);
        }
    };
}

/// Runs every case of the [`RecordStore`](crate::store::RecordStore) suite as a test, in a module named after the store.
#[macro_export]
macro_rules! record_store_contract {
    ($name:ident, $harness:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::__record_store_cases!([$crate::__contract_tests] check_record_store, $harness);
        }
    };
}

/// Runs every case of the [`InteractionStore`](crate::store::InteractionStore) suite as a test, in a module named after the
/// store.
#[macro_export]
macro_rules! interaction_store_contract {
    ($name:ident, $harness:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::__interaction_store_cases!([$crate::__contract_tests] check_interaction_store, $harness);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __contract_tests {
    ($check:ident, $harness:expr; $($topic:ident: $($case:ident)+;)+) => {
        $($(
            #[test]
            fn $case() {
                $crate::store::contract::$check(&$harness, stringify!($case));
            }
        )+)+
    };
}

/// A table of cases by name.
macro_rules! table {
    (; $($topic:ident: $($case:ident)+;)+) => {
        &[$($(
            (stringify!($case), |subject| Box::pin($topic::$case(subject))),
        )+)+]
    };
}
pub(super) use table;

#[doc(hidden)]
#[macro_export]
macro_rules! __task_store_cases {
    ([$($emit:tt)+] $($check:ident, $harness:expr)?) => {
        $($emit)+! {
            $($check, $harness)?;
            insert:
                insert_keeps_every_field
                insert_begins_a_life
                insert_is_all_or_none
                insert_of_many_keeps_their_order
                insert_of_none_is_fine
                an_id_is_stored_once
                a_time_ahead_is_scheduled
                a_time_that_passed_is_raised_to_now
                a_dependent_task_waits
                created_at_never_falls
            ;
            unique:
                a_unique_key_returns_the_first_task
                a_unique_key_refuses_other_work
                a_unique_key_belongs_to_an_owner
                a_unique_key_holds_within_one_call
                a_unique_key_is_refused_within_one_call
                a_unique_key_is_taken_as_long_as_its_task_is_kept
            ;
            refuse:
                bad_tasks_are_refused
                too_many_tasks_are_refused
                bad_entries_are_refused
                bad_settlements_are_refused
                large_details_of_errors_are_refused
                bad_names_are_refused_everywhere
                bad_pages_are_refused
            ;
            read:
                get_answers_in_order_and_tells_what_is_missing
                get_reads_the_parts_that_were_asked_for
            ;
            list:
                list_is_newest_first_without_large_parts
                a_list_ends_where_nothing_follows
                a_cursor_stays_good_while_tasks_come_and_go
                an_offset_skips_matching_tasks
                every_filter_holds_alone_and_with_others
                filters_take_names_as_they_are
            ;
            claim:
                claim_starts_a_task
                claim_brings_the_checkpoint
                lease_numbers_only_grow
                claim_takes_only_what_it_names
                claim_keeps_to_its_limits
                claim_keeps_to_the_slots_of_limit_keys
                claim_takes_a_bounded_number
                a_queue_named_twice_gives_each_task_once
                claim_passes_over_paused_queues
                claim_passes_over_what_is_not_ready
                claim_passes_over_the_other_dispatch
                claim_can_ask_for_a_work_directory
                claim_can_ask_for_an_owner
                claim_settles_first
                claim_is_exclusive
            ;
            named:
                a_named_task_is_taken_whatever_its_place
                a_named_task_is_still_passed_over
                a_named_task_is_taken_before_its_time
                a_named_claim_may_end_the_lease_before_it
                a_named_claim_that_finds_nothing_ends_no_lease
                a_named_claim_says_who_takes_the_task_from_then_on
                ready_work_names_what_a_claim_may_find
            ;
            order:
                order_is_priority_then_time_then_age
                order_holds_over_the_lanes_of_a_queue
                order_is_the_same_one_by_one
                queues_are_served_in_the_order_of_the_claim
                every_sixteenth_is_the_one_due_longest
                the_sixteenth_finds_all_that_wait_longer
                due_longest_means_time_then_age
                the_sixteenth_is_counted_over_claims_of_a_queue
                the_sixteenth_is_of_the_lanes_that_have_slots
                a_task_handed_back_keeps_its_place
            ;
            lease:
                extend_moves_the_expiry
                extend_may_shorten
                extend_tells_what_is_lost_and_goes_on
                extend_tells_that_the_end_was_asked_for
                a_lease_that_ran_out_is_current_until_it_is_taken_back
                a_lease_that_was_taken_back_is_stale
            ;
            settle:
                complete_stores_the_result
                fail_stores_the_error
                cancel_by_the_holder_stores_the_error
                a_retry_waits_for_its_time
                a_retry_that_does_not_count_gives_the_attempt_back
                a_snooze_waits_without_costing_an_attempt
                a_release_is_ready_at_once
                a_release_keeps_the_clock_of_a_waiting_task
                usage_adds_up_over_attempts
                a_task_is_settled_once
                a_stale_settlement_stops_no_other
                a_pending_task_has_no_lease_to_settle
                no_result_is_taken_while_a_question_is_open
            ;
            hold:
                a_hold_keeps_its_lanes_back
                a_hold_is_shown_on_pending_tasks
                a_hold_is_only_lengthened
                a_hold_holds_what_comes_later
                the_end_of_a_hold_is_something_to_do
                a_stale_settlement_holds_nothing
            ;
            transitions:
                every_status_takes_what_the_table_says
                a_terminal_task_never_changes
            ;
            cancel:
                a_pending_task_is_cancelled_at_once
                the_worker_of_a_leased_task_is_asked
                a_request_is_not_lost_when_the_worker_hands_back
                an_end_that_came_first_stands
                a_request_outlives_the_worker
                cancel_answers_each_in_order
                a_waiting_retry_keeps_no_reason_when_cancelled
            ;
            append:
                log_lines_are_numbered_and_read_in_order
                a_log_goes_on_over_attempts
                a_log_is_bounded
                a_long_log_line_is_cut
                progress_replaces_and_is_told
                output_is_told_and_not_kept
                a_checkpoint_replaces
                a_stale_holder_adds_nothing
                a_refused_entry_stops_no_other
            ;
            input:
                a_question_stops_the_task_until_its_answer
                every_open_question_has_to_be_answered
                a_key_is_used_once
                an_answer_needs_an_open_question
                an_answer_waits_for_the_attempt_that_asks_again
                a_later_attempt_waits_for_the_same_answer
                a_holder_closes_a_question_under_its_lease
                questions_are_bounded
            ;
            reap:
                an_expired_lease_is_taken_back
                a_dead_worker_loses_its_tasks_at_once
                a_waiting_task_is_taken_back_too
                an_answer_to_an_earlier_attempt_leaves_the_clock
                reap_takes_up_to_its_limit_first_expired_first
                deaths_cost_rescues_until_the_task_is_lost
            ;
            promote:
                what_is_due_becomes_ready
                promote_keeps_to_its_limit_first_due_first
                every_reason_to_wait_ends
                what_ended_is_not_due
            ;
            deadline:
                a_deadline_that_has_come_is_not_claimed
                promote_fails_what_is_too_late
                a_running_task_keeps_on_over_its_deadline
                deadlines_keep_to_the_limit_and_come_before_what_is_due
            ;
            queue:
                queues_are_those_that_had_tasks_or_changes
                a_change_leaves_the_rest_as_it_is
                a_paused_queue_still_takes_tasks
            ;
            stats:
                stats_agree_with_a_recount_at_every_step
            ;
            hours:
                hours_add_up_what_happened
                hours_count_the_attempts_of_what_ends_while_it_waits
                hours_tell_queues_kinds_and_models_apart
                percentiles_are_within_three_percent
                names_beyond_the_bound_are_counted_as_other
                hours_are_bounded_and_outlive_their_tasks
            ;
            retention:
                each_status_is_kept_for_its_own_time
                a_time_to_live_goes_before_the_retention
                purge_takes_up_to_its_limit_first_finished_first
                a_purged_task_leaves_nothing_behind
                old_events_go
            ;
            events:
                an_event_says_whose_it_is
                a_commit_is_one_batch
                events_are_read_after_a_place
                the_last_batch_is_known_though_it_is_not_kept
                a_claim_tells_what_it_settled_first
                a_life_is_told_in_order
                what_changes_nothing_is_not_told
                subscribers_hear_what_events_says
                batches_of_many_callers_are_in_order
            ;
            task_events:
                the_events_of_a_task_are_those_that_all_are_told
                the_events_of_a_task_are_read_page_by_page
                the_events_of_a_task_end_with_it
            ;
            remove:
                a_finished_task_is_removed_with_all_it_had
                what_has_not_finished_stays
                a_removed_key_is_free_again
            ;
            worker:
                a_heartbeat_registers_and_renews
                a_forgotten_worker_leaves_its_leases
            ;
            close:
                a_closed_store_does_nothing_more
                a_close_ends_the_events
            ;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __record_store_cases {
    ([$($emit:tt)+] $($check:ident, $harness:expr)?) => {
        $($emit)+! {
            $($check, $harness)?;
            records:
                a_record_is_read_as_it_was_written
                versions_count_from_one
                a_write_needs_what_it_expects
                a_removal_needs_what_it_expects
                records_are_listed_by_key
                bad_records_are_refused
                one_of_many_writers_wins_each_version
            ;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interaction_store_cases {
    ([$($emit:tt)+] $($check:ident, $harness:expr)?) => {
        $($emit)+! {
            $($check, $harness)?;
            reports:
                an_event_is_kept_as_it_was_reported
                an_event_is_stored_once
                a_duplicate_leaves_nothing_of_itself
                events_add_up_over_calls
                a_late_beginning_is_filled_in
                mcp_servers_are_kept_apart
                bad_events_are_refused
                events_are_read_in_the_order_they_were_stored
                a_page_of_large_events_ends_early
                watchers_know_the_latest_place
                many_callers_lose_nothing
            ;
            interactions:
                those_that_began_last_come_first
                each_part_of_a_filter_holds_alone
                parts_of_a_filter_hold_together
                bad_lists_are_refused
                hours_count_what_happened_in_them
                hours_are_read_within_a_span
                no_hour_lies_ahead_of_the_store
            ;
            purged:
                old_events_go_and_what_is_left_without_any
                a_purge_is_bounded_and_first_stored_go_first
                places_go_on_after_a_purge
                old_hours_go
                a_purge_ends_once_it_has_removed_much
                what_was_stored_by_a_clock_ahead_holds_up_nothing
            ;
        }
    };
}
