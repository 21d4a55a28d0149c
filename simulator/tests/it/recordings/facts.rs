//! One test for each fact of `recordings/README.md`, by the exchanges that show it.

use super::scripts::played;

/// These exchanges, by recording, are answered as they were recorded.
async fn hold(shown: &[(u8, &[usize])]) {
    for (recording, exchanges) in shown {
        let played = played(*recording).await;
        for exchange in *exchanges {
            assert!(played.numbers.contains(exchange), "{recording:02}#{exchange} was not played");
            if let Some(found) = played.differences.get(exchange) {
                panic!("{recording:02}#{exchange}\n  {}", found.join("\n  "));
            }
        }
    }
}

#[tokio::test]
async fn fact_01_an_identical_write_changes_nothing() {
    hold(&[(3, &[4, 5, 6]), (5, &[20]), (8, &[2]), (9, &[10]), (15, &[5, 20]), (16, &[3])]).await;
}

#[tokio::test]
async fn fact_02_the_first_apply_creates() {
    hold(&[(2, &[20]), (3, &[3, 5, 40])]).await;
}

#[tokio::test]
async fn fact_03_a_dry_run_stores_nothing() {
    hold(&[(3, &[1, 2, 7])]).await;
}

#[tokio::test]
async fn fact_04_generations_count_what_is_wanted() {
    hold(&[(3, &[8, 9, 10, 11]), (13, &[4, 33]), (15, &[31, 32, 35])]).await;
}

#[tokio::test]
async fn fact_05_observed_generation_lags_behind() {
    hold(&[(5, &[12, 17, 19])]).await;
}

#[tokio::test]
async fn fact_06_fields_left_out_are_removed() {
    hold(&[(3, &[9, 10, 16])]).await;
}

#[tokio::test]
async fn fact_07_an_apply_conflict_names_the_fields() {
    hold(&[(3, &[12, 13, 15])]).await;
}

#[tokio::test]
async fn fact_08_apply_and_update_of_one_name_are_two_owners() {
    hold(&[(8, &[9])]).await;
}

#[tokio::test]
async fn fact_09_the_scale_is_an_owner_without_a_time() {
    hold(&[(5, &[7, 8, 9, 10, 11, 12, 16, 17, 18])]).await;
}

#[tokio::test]
async fn fact_10_bad_applies_are_refused() {
    hold(&[(3, &[18, 19, 20, 21, 23, 24, 25])]).await;
}

#[tokio::test]
async fn fact_11_unknown_fields_are_treated_by_the_kind_of_write() {
    hold(&[(3, &[30, 31, 32, 33, 34, 36, 37, 38])]).await;
}

#[tokio::test]
async fn fact_12_refusals_name_what_they_are_about() {
    hold(&[(2, &[1, 3]), (3, &[2, 23, 27, 28, 29]), (13, &[17]), (15, &[17])]).await;
}

#[tokio::test]
async fn fact_13_a_status_has_its_form() {
    hold(&[(2, &[1]), (13, &[10])]).await;
}

#[tokio::test]
async fn fact_14_a_version_of_the_future_times_out() {
    hold(&[(12, &[20, 21])]).await;
}

#[tokio::test]
async fn fact_15_a_list_names_its_kind_and_its_items_do_not() {
    hold(&[(2, &[19]), (4, &[11]), (12, &[7])]).await;
}

#[tokio::test]
async fn fact_16_pages_show_one_moment() {
    hold(&[(12, &[1, 2, 3, 4, 14, 16])]).await;
}

#[tokio::test]
async fn fact_17_the_forgotten_past_has_expired() {
    hold(&[(12, &[32, 35, 36, 37])]).await;
}

#[tokio::test]
async fn fact_18_bookmarks_bear_a_version_only() {
    hold(&[(4, &[5, 6, 7, 8]), (12, &[24, 31])]).await;
}

#[tokio::test]
async fn fact_19_a_streaming_list_marks_its_end() {
    hold(&[(12, &[22, 23])]).await;
}

#[tokio::test]
async fn fact_20_a_selection_is_entered_and_left() {
    hold(&[(12, &[24, 25, 26, 27, 28, 29, 30])]).await;
}

#[tokio::test]
async fn fact_21_bad_list_options_are_refused() {
    hold(&[(12, &[10, 11, 12, 17, 18, 19])]).await;
}

#[tokio::test]
async fn fact_22_a_deployment_has_its_defaults() {
    hold(&[(4, &[9]), (15, &[27])]).await;
}

#[tokio::test]
async fn fact_23_other_kinds_have_their_defaults() {
    hold(&[(3, &[3]), (8, &[1, 15]), (9, &[6]), (11, &[4]), (15, &[39])]).await;
}

#[tokio::test]
async fn fact_24_a_rollout_tells_how_far_it_is() {
    hold(&[(4, &[5, 6, 10, 11])]).await;
}

#[tokio::test]
async fn fact_25_a_rollout_leaves_events() {
    hold(&[(4, &[8]), (5, &[6]), (6, &[5]), (7, &[26])]).await;
}

#[tokio::test]
async fn fact_26_a_stopped_deployment_stays_available() {
    hold(&[(5, &[3, 8, 9])]).await;
}

#[tokio::test]
async fn fact_27_a_hung_rollout_keeps_the_old_pods_and_goes_back() {
    hold(&[(6, &[11, 12, 13, 14])]).await;
}

#[tokio::test]
async fn fact_28_failing_pods_say_why() {
    hold(&[(7, &[1, 4, 5, 11])]).await;
}

#[tokio::test]
async fn fact_29_an_endpoint_slice_is_rewritten_in_place() {
    hold(&[(8, &[4, 5, 7, 10])]).await;
}

#[tokio::test]
async fn fact_30_a_stateful_set_keeps_order_and_claims() {
    hold(&[(9, &[3, 4, 13, 16, 17, 18, 19])]).await;
}

#[tokio::test]
async fn fact_31_a_quota_refuses_pods_not_their_deployment() {
    hold(&[(10, &[3, 4, 5, 8, 9, 10, 11, 16])]).await;
}

#[tokio::test]
async fn fact_32_a_job_concludes_in_two_steps() {
    hold(&[(11, &[1, 17, 22, 23])]).await;
}

#[tokio::test]
async fn fact_33_a_delete_answers_with_what_is_left() {
    hold(&[(8, &[20]), (9, &[17]), (13, &[4, 10, 12, 14, 20, 22, 25, 33])]).await;
}

#[tokio::test]
async fn fact_34_finalizers_hold_an_object() {
    hold(&[(13, &[4, 12, 24, 25, 26, 27, 28, 29, 30, 31])]).await;
}

#[tokio::test]
async fn fact_35_a_pod_has_its_grace() {
    hold(&[(13, &[17, 18, 32, 33, 34, 35, 36])]).await;
}

#[tokio::test]
async fn fact_36_a_namespace_empties_itself() {
    hold(&[(2, &[2, 10, 11, 12, 13, 14, 15])]).await;
}

#[tokio::test]
async fn fact_37_callers_and_their_rights_are_known() {
    hold(&[(14, &[1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16])]).await;
}

#[tokio::test]
async fn fact_38_writes_are_checked_against_the_present() {
    hold(&[(15, &[4, 6, 12, 17, 23, 34, 35])]).await;
}

#[tokio::test]
async fn fact_39_secrets_and_logs() {
    hold(&[(16, &[1, 2, 3, 16, 24, 29])]).await;
}
