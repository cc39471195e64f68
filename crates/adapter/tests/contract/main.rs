//! What every bus promises, as one list of tests that each bus runs.
//!
//! A bus takes part by a [`Subject`](subject::Subject) and one line of `contract!`. What only one bus
//! promises is in `embedded` and in `redis`.

mod drafts;
mod subject;

mod ages;
mod catch_up;
mod count;
mod held_seats;
mod interest;
mod interleavings;
mod kept_rooms;
mod limits;
mod logins;
mod missed;
mod nodes;
mod order;
mod pace;
mod relay;
mod revocations;
mod rushes;
mod signals;
mod uplink;

mod embedded;
mod redis;

#[expect(dead_code, reason = "the faults of whole processes ask more of it")]
mod detour;
mod fleet;
mod old_redis;
mod server;

/// Runs the whole list against one subject, each test under the given attribute; `brief` leaves out those
/// that start dozens of buses each.
macro_rules! contract {
    ($attribute:meta, $subject:ty) => {
        crate::contract! { brief $attribute, $subject }
        crate::contract! { @ $attribute, $subject,
            interleavings: [
                whatever_the_interleaving_nothing_of_a_task_follows_its_final,
                whatever_the_interleaving_the_count_has_no_gap,
                whatever_the_interleaving_the_newest_is_shown,
            ],
            rushes: [
                of_all_who_rush_in_first_one_is_in,
                of_all_who_rush_in_last_one_is_left_and_the_others_are_told,
                nobody_is_first_while_another_is_in_whatever_the_interleaving,
                who_believes_to_be_in_is_in_whatever_the_interleaving,
            ],
        }
    };
    (brief $attribute:meta, $subject:ty) => {
        crate::contract! { @ $attribute, $subject,
            order: [
                the_newest_progress_is_what_the_task_shows,
                progress_of_an_older_version_is_superseded,
                progress_of_an_older_stamp_is_superseded,
                a_version_decides_over_a_stamp_where_both_sides_carry_one,
                a_stamp_decides_where_one_side_has_no_version,
                a_stamp_decides_between_equal_versions,
                progress_without_a_stamp_is_never_older_than_what_is_shown,
                progress_handed_in_twice_is_taken_once,
                a_final_is_never_refused_as_old,
                nothing_is_taken_after_a_final_whatever_its_order,
                a_new_run_starts_the_task_anew,
                the_same_task_of_another_user_is_another_task,
            ],
            count: [
                seq_counts_what_was_accepted_from_one_without_a_gap,
                each_audience_counts_for_itself,
                an_audience_whose_state_is_gone_begins_a_new_epoch,
                an_audience_of_which_something_is_kept_keeps_its_epoch,
            ],
            catch_up: [
                an_audience_that_never_was_has_nothing_to_catch_up_on,
                live_tasks_are_shown_oldest_first_and_ended_ones_are_not,
                a_client_without_a_cursor_gets_the_finals_of_the_window,
                a_client_with_a_cursor_gets_every_final_after_it,
                a_cursor_at_the_newest_notice_has_missed_nothing,
                plain_notices_are_counted_and_not_kept,
                a_cursor_before_a_trimmed_final_sees_a_gap,
                a_cursor_at_a_trimmed_final_sees_none,
                a_final_that_grew_too_old_leaves_a_gap,
                skipped_progress_is_no_gap,
                a_cursor_of_another_epoch_sees_a_gap_and_gets_all_that_is_kept,
                a_cursor_ahead_of_the_count_sees_a_gap_and_gets_all_that_is_kept,
                a_cursor_for_a_forgotten_audience_sees_a_gap,
                what_arrives_after_entering_joins_what_was_caught_up_on_without_gap_or_double,
            ],
            kept_rooms: [
                what_a_kept_room_was_told_is_kept_in_order_and_nothing_of_other_rooms,
                what_goes_to_a_kept_room_is_heard_as_ever,
                a_volatile_notice_is_not_kept,
                a_room_keeps_so_many_and_a_cursor_before_them_sees_a_gap,
                what_a_room_was_told_too_long_ago_leaves_a_gap,
                the_window_reaches_into_a_kept_room,
                a_cursor_of_another_life_of_a_room_sees_a_gap,
                a_notice_for_a_kept_room_and_others_is_refused_for_good,
                a_kept_room_may_be_narrowed_by_who_says_so_itself,
                what_comes_together_is_kept_in_order,
            ],
            missed: [
                who_comes_back_has_missed_plain_notices_too_in_the_order_of_all,
                what_came_together_was_missed_together,
                nobody_is_told_later_of_what_was_volatile,
                who_comes_new_is_not_told_of_plain_notices,
                plain_notices_past_the_bound_are_known_to_be_gone,
                a_plain_notice_too_large_to_be_kept_is_known_to_be_gone,
                plain_notices_that_are_too_old_are_known_to_be_gone,
                a_position_of_another_life_is_known_to_be_that,
            ],
            held_seats: [
                a_seat_is_found_on_every_node_as_it_was_kept,
                a_seat_is_held_for_as_long_as_was_asked_last,
                of_two_that_take_a_seat_one_gets_it,
                who_does_not_hold_a_seat_any_more_changes_nothing,
                a_seat_that_was_given_up_is_held_no_more,
            ],
            ages: [
                a_live_task_is_forgotten_some_time_after_its_last_progress,
                an_ended_task_is_remembered_until_its_age_and_then_starts_anew,
                tasks_lists_live_and_ended_ones_oldest_first,
                a_forgotten_task_is_shown_no_more_and_may_start_anew,
                all_runs_of_a_task_are_forgotten_and_others_are_not,
            ],
            interest: [
                every_node_with_a_member_hears_each_notice_in_order,
                a_node_without_a_member_hears_nothing,
                a_node_hears_once_however_many_members_it_has,
                a_node_hears_until_its_last_member_has_left,
                interest_lingers_and_then_ends,
                a_member_that_returns_in_time_ends_the_lingering,
                leaving_what_was_never_entered_changes_nothing,
                a_node_whose_inbox_is_dropped_stops_counting,
            ],
            limits: [
                one_task_too_many_of_a_user_is_refused_for_good,
                a_task_that_is_known_finds_its_place_in_a_full_table,
                an_end_takes_the_place_of_the_first_end_in_a_full_table,
                an_end_is_refused_while_no_other_task_of_a_full_table_has_ended,
                an_expired_task_makes_room_for_another,
                a_payload_past_the_limit_is_refused_for_good,
                publish_all_answers_for_each_draft_in_order,
            ],
            logins: [
                the_first_is_in_and_the_second_is_told_that_somebody_is,
                first_is_refused_while_anybody_is_in_however_they_came,
                last_puts_out_everybody_on_every_node,
                whenever_always_joins,
                who_is_in_already_stays_in_and_its_mode_applies,
                a_member_that_leaves_makes_room,
                nobody_leaves_for_another_nodes_member,
                rooms_are_held_apart,
                a_resume_key_replaces_its_earlier_member_and_no_other,
                a_resume_key_is_its_users_alone,
                a_resume_key_does_not_get_past_another_member,
                a_member_stays_in_for_as_long_as_its_node_lives,
                the_members_of_a_dead_node_stop_counting_within_the_lease,
                one_member_too_many_is_refused_and_last_needs_no_place,
                one_room_too_many_is_refused_until_another_is_left,
            ],
            pace: [
                progress_within_the_pace_changes_nothing_and_is_taken_after_its_wait,
                older_progress_is_superseded_however_early,
                a_final_is_never_early_and_ends_the_waiting,
                the_first_of_a_task_and_of_a_run_is_never_early,
                what_waited_is_not_newer_than_what_came_meanwhile,
                what_has_a_stamp_keeps_it_while_it_waits,
            ],
            signals: [
                whoever_watches_hears_and_nobody_else,
                a_node_counts_once_however_often_it_watches,
                a_watch_that_is_dropped_counts_no_more,
                a_channel_watched_again_is_heard_again,
                the_signals_of_one_sender_come_in_order,
                a_full_watch_drops_the_newest,
                a_signal_past_the_limit_is_refused_for_good,
                a_node_that_has_left_watches_nothing,
            ],
            uplink: [
                an_event_that_is_called_kept_is_in_the_stream_as_it_was_said,
                what_happens_to_a_socket_is_kept_with_what_belongs_to_it,
                what_one_node_hands_in_is_kept_in_its_order,
                all_nodes_have_one_stream,
                what_nobody_waits_for_is_kept_all_the_same,
                an_entry_past_the_limit_is_refused_for_good,
                without_a_stream_there_is_no_way_to_it,
            ],
            revocations: [
                what_one_node_revokes_every_node_reads_in_that_order,
                a_revocation_is_read_on_from_a_mark,
                of_two_about_the_same_the_later_instant_and_the_later_end_hold,
                a_revocation_is_kept_for_as_long_as_was_asked,
                one_revocation_too_many_is_refused_until_another_has_ended,
                more_than_one_reading_takes_is_read_in_parts,
            ],
            relay: [
                a_burst_arrives_whole_and_in_order_at_every_node,
                who_has_unsubscribed_counts_no_more_and_its_stream_ends,
                a_message_past_what_may_wait_is_refused,
            ],
            nodes: [
                every_node_is_listed_with_what_it_announced,
                a_node_that_leaves_in_order_is_gone_at_once,
                a_living_node_stays_listed_past_its_lease,
                a_question_to_all_is_answered_by_every_other_node,
                a_question_to_one_node_is_answered_by_it,
                a_node_that_does_not_answer_in_time_is_missing,
                a_node_that_takes_no_requests_is_not_missed,
                a_node_that_is_gone_is_not_waited_for,
                the_questions_of_one_asker_come_in_order,
                a_question_that_nobody_waits_for_any_more_is_not_handed_out,
                a_node_with_too_many_questions_refuses_at_once,
                one_question_too_many_at_once_is_refused,
                an_answer_past_the_limit_counts_as_missing,
                requests_end_when_the_node_has_left,
            ],
        }
    };
    (@ $attribute:meta, $subject:ty, $($module:ident: [$($test:ident),* $(,)?],)*) => {
        $(mod $module {
            $(
                #[$attribute]
                async fn $test() {
                    crate::$module::$test::<$subject>().await;
                }
            )*
        })*
    };
}
pub(crate) use contract;
