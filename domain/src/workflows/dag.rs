//! What follows from the states of a workflow's tasks: pure, so that it can be tried out in
//! every order.

use jiff::Timestamp;

use super::{Ending, Phase, Task, TaskStatus, Workflow};
use crate::ids::TaskId;

/// Moves a workflow at the head of its lane on: cancels what cannot run any more, releases what
/// can, begins the compensation when nothing else is left to do, and says when all is over.
pub(super) fn advance(
    workflow: &mut Workflow,
    tasks: &mut [Task],
    now: Timestamp,
) -> Option<Ending> {
    if !workflow.compensating {
        if workflow.cancel_reason.is_some() {
            cancel_idle(tasks, now);
        }
        cancel_dependants(tasks, now);
        release(tasks, Phase::Forward, now);
        if of(tasks, Phase::Forward).any(|task| task.status.is_live()) {
            return None;
        }
        if of(tasks, Phase::Forward).all(is_done) {
            skip_compensation(tasks, now);
            return Some(Ending::Success);
        }
        let undone = workflow.cancel_reason.is_some() || workflow.kind.undoes_failures();
        if !undone || tasks.iter().all(|task| task.attempt == 0) {
            skip_compensation(tasks, now);
        }
        workflow.compensating = of(tasks, Phase::Compensation).any(|task| task.status.is_live());
    }
    release(tasks, Phase::Compensation, now);
    if of(tasks, Phase::Compensation).any(|task| task.status.is_live()) {
        return None;
    }
    Some(if workflow.cancel_reason.is_some() { Ending::Canceled } else { Ending::Failed })
}

/// Makes the chosen tasks pending again, with those that were cancelled because of them; answers
/// with how many were chosen. Attempts go on counting.
pub(super) fn revive(tasks: &mut [Task], chosen: impl Fn(&Task) -> bool, now: Timestamp) -> usize {
    let mut revived: Vec<TaskId> =
        tasks.iter().filter(|task| chosen(task)).map(|task| task.id).collect();
    let failed = revived.len();
    while let Some(next) = tasks.iter().find(|task| {
        task.status == TaskStatus::Canceled
            && !revived.contains(&task.id)
            && needs(tasks, task).iter().any(|id| revived.contains(id))
    }) {
        revived.push(next.id);
    }
    let skipped = |task: &Task| {
        task.phase == Phase::Compensation && task.status == TaskStatus::Skipped && failed > 0
    };
    for task in tasks.iter_mut().filter(|task| revived.contains(&task.id) || skipped(task)) {
        task.reset(now);
    }
    failed
}

/// What is not needed counts as done: nobody has to wait for it.
fn is_done(task: &Task) -> bool {
    matches!(task.status, TaskStatus::Success | TaskStatus::Skipped)
}

/// What a task waits for: the dependencies of those that are not needed stand in for them.
fn needs(tasks: &[Task], task: &Task) -> Vec<TaskId> {
    let of = |id: &TaskId| tasks.iter().find(|task| task.id == *id);
    let expand = |id: &TaskId| match of(id) {
        Some(skipped) if skipped.status == TaskStatus::Skipped => needs(tasks, skipped),
        _ => vec![*id],
    };
    task.depends_on.iter().flat_map(expand).collect()
}

fn of(tasks: &[Task], phase: Phase) -> impl Iterator<Item = &Task> {
    tasks.iter().filter(move |task| task.phase == phase)
}

/// Ends the forward tasks that nobody is executing; the others end when their executor reports.
fn cancel_idle(tasks: &mut [Task], now: Timestamp) {
    for task in tasks {
        if task.phase == Phase::Forward && task.status.is_live() && !task.claim.leased {
            task.end(TaskStatus::Canceled, now);
        }
    }
}

/// Cancels the pending tasks that wait for one that will never succeed.
fn cancel_dependants(tasks: &mut [Task], now: Timestamp) {
    let lost = |tasks: &[Task], id: &TaskId| {
        tasks.iter().any(|task| {
            task.id == *id && matches!(task.status, TaskStatus::Failed | TaskStatus::Canceled)
        })
    };
    while let Some(next) = tasks.iter().position(|task| {
        task.status == TaskStatus::Pending && needs(tasks, task).iter().any(|id| lost(tasks, id))
    }) {
        tasks[next].end(TaskStatus::Canceled, now);
    }
}

/// Makes claimable what depends on nothing open any more.
fn release(tasks: &mut [Task], phase: Phase, now: Timestamp) {
    let done = |id: &TaskId| tasks.iter().any(|task| task.id == *id && is_done(task));
    let due = |task: &Task| {
        task.phase == phase
            && task.status == TaskStatus::Pending
            && task.claim.ready_at.is_none()
            && needs(tasks, task).iter().all(done)
    };
    let due: Vec<TaskId> = tasks.iter().filter(|task| due(task)).map(|task| task.id).collect();
    for task in tasks.iter_mut().filter(|task| due.contains(&task.id)) {
        task.release(now, now);
    }
}

fn skip_compensation(tasks: &mut [Task], now: Timestamp) {
    for task in tasks {
        if task.phase == Phase::Compensation && task.status == TaskStatus::Pending {
            task.end(TaskStatus::Skipped, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ids::{TenantId, WorkflowId},
        workflows::{Lanes, WorkflowKind, WorkflowStatus},
    };

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn workflow() -> Workflow {
        Workflow {
            id: WorkflowId::fresh(),
            tenant_id: TenantId::fresh(),
            kind: WorkflowKind::ProvisionInstance,
            subject_id: "inst".to_owned(),
            lanes: Lanes::whole("inst"),
            lane_number: 1,
            status: WorkflowStatus::Running,
            cancel_reason: None,
            compensating: false,
            created_at: NOW,
            started_at: None,
            completed_at: None,
        }
    }

    fn task(workflow: &Workflow, ordinal: i32, phase: Phase, depends_on: &[TaskId]) -> Task {
        Task {
            id: TaskId::fresh(),
            workflow_id: workflow.id,
            tenant_id: workflow.tenant_id,
            ordinal,
            name: format!("t{ordinal}"),
            kind: "apply".to_owned(),
            payload_version: 1,
            phase,
            status: TaskStatus::Pending,
            depends_on: depends_on.to_vec(),
            payload: json!({}),
            result: None,
            error: None,
            wait_reason: None,
            memo: None,
            attempt: 0,
            time_limit: None,
            deadline: None,
            created_at: NOW,
            updated_at: NOW,
            started_at: None,
            completed_at: None,
            claim: super::super::task::ClaimState::default(),
        }
    }

    /// a → b, a → c, b + c → d; and one compensation.
    fn diamond() -> (Workflow, Vec<Task>) {
        let workflow = workflow();
        let a = task(&workflow, 0, Phase::Forward, &[]);
        let b = task(&workflow, 1, Phase::Forward, &[a.id]);
        let c = task(&workflow, 2, Phase::Forward, &[a.id]);
        let d = task(&workflow, 3, Phase::Forward, &[b.id, c.id]);
        let undo = task(&workflow, 4, Phase::Compensation, &[]);
        (workflow, vec![a, b, c, d, undo])
    }

    fn states(tasks: &[Task]) -> String {
        let letter = |task: &Task| match (task.status, task.claim.ready_at) {
            (TaskStatus::Pending, Some(_)) => 'r',
            (TaskStatus::Pending, None) => 'p',
            (TaskStatus::Running, _) => 'R',
            (TaskStatus::Success, _) => 'S',
            (TaskStatus::Failed, _) => 'F',
            (TaskStatus::Canceled, _) => 'C',
            (TaskStatus::Skipped, _) => 'K',
        };
        tasks.iter().map(letter).collect()
    }

    fn run(task: &mut Task, status: TaskStatus) {
        task.attempt += 1;
        task.started_at = Some(NOW);
        task.end(status, NOW);
    }

    #[test]
    fn tasks_come_free_as_their_dependencies_succeed() {
        let (mut workflow, mut tasks) = diamond();
        let mut seen = Vec::new();
        for next in [0, 1, 2, 3] {
            assert_eq!(advance(&mut workflow, &mut tasks, NOW), None);
            seen.push(states(&tasks));
            run(&mut tasks[next], TaskStatus::Success);
        }

        assert_eq!(advance(&mut workflow, &mut tasks, NOW), Some(Ending::Success));
        assert_eq!(seen, ["rpppp", "Srrpp", "SSrpp", "SSSrp"]);
        assert_eq!(states(&tasks), "SSSSK");
    }

    #[test]
    fn a_failure_cancels_its_dependants_waits_for_the_rest_and_then_compensates() {
        let (mut workflow, mut tasks) = diamond();
        run(&mut tasks[0], TaskStatus::Success);
        run(&mut tasks[1], TaskStatus::Failed);

        assert_eq!(advance(&mut workflow, &mut tasks, NOW), None);
        assert_eq!(states(&tasks), "SFrCp");
        run(&mut tasks[2], TaskStatus::Success);
        assert_eq!(advance(&mut workflow, &mut tasks, NOW), None);
        assert_eq!(states(&tasks), "SFSCr");
        assert!(workflow.compensating);
        run(&mut tasks[4], TaskStatus::Success);
        assert_eq!(advance(&mut workflow, &mut tasks, NOW), Some(Ending::Failed));
    }

    #[test]
    fn a_cancellation_waits_for_the_executor_that_is_at_work() {
        let (mut workflow, mut tasks) = diamond();
        run(&mut tasks[0], TaskStatus::Success);
        tasks[1].status = TaskStatus::Running;
        tasks[1].claim.leased = true;
        workflow.cancel_reason = Some("by user".to_owned());

        assert_eq!(advance(&mut workflow, &mut tasks, NOW), None);
        assert_eq!(states(&tasks), "SRCCp");
        tasks[1].end(TaskStatus::Canceled, NOW);
        assert_eq!(advance(&mut workflow, &mut tasks, NOW), None);
        run(&mut tasks[4], TaskStatus::Success);
        assert_eq!(advance(&mut workflow, &mut tasks, NOW), Some(Ending::Canceled));
    }

    #[test]
    fn a_revival_takes_along_what_was_cancelled_because_of_the_failure() {
        let (mut workflow, mut tasks) = diamond();
        run(&mut tasks[0], TaskStatus::Success);
        run(&mut tasks[1], TaskStatus::Failed);
        advance(&mut workflow, &mut tasks, NOW);

        let chosen = revive(&mut tasks, |task| task.status == TaskStatus::Failed, NOW);

        assert_eq!(chosen, 1);
        assert_eq!(states(&tasks), "Sprpp");
        advance(&mut workflow, &mut tasks, NOW);
        assert_eq!(states(&tasks), "Srrpp");
    }

    #[test]
    fn a_deployment_undoes_what_is_cancelled_and_leaves_what_has_failed() {
        let (mut workflow, mut tasks) = diamond();
        workflow.kind = WorkflowKind::RollingDeployment;
        run(&mut tasks[0], TaskStatus::Success);
        run(&mut tasks[1], TaskStatus::Failed);
        run(&mut tasks[2], TaskStatus::Success);

        assert_eq!(advance(&mut workflow, &mut tasks, NOW), Some(Ending::Failed));
        assert_eq!(states(&tasks), "SFSCK");
        revive(&mut tasks, |task| task.status == TaskStatus::Failed, NOW);
        assert_eq!(states(&tasks), "SpSpp");
        workflow.cancel_reason = Some("by user".to_owned());
        assert_eq!(advance(&mut workflow, &mut tasks, NOW), None);
        assert_eq!(states(&tasks), "SCSCr");
        run(&mut tasks[4], TaskStatus::Success);
        assert_eq!(advance(&mut workflow, &mut tasks, NOW), Some(Ending::Canceled));
    }

    #[test]
    fn who_depends_on_what_is_not_needed_waits_for_what_that_depends_on() {
        let (mut workflow, mut tasks) = diamond();
        tasks[1].end(TaskStatus::Skipped, NOW);
        tasks[2].end(TaskStatus::Skipped, NOW);

        assert_eq!(advance(&mut workflow, &mut tasks, NOW), None);
        assert_eq!(states(&tasks), "rKKpp");
        let mut failed = tasks.clone();
        run(&mut tasks[0], TaskStatus::Success);
        assert_eq!(advance(&mut workflow, &mut tasks, NOW), None);
        assert_eq!(states(&tasks), "SKKrp");
        run(&mut tasks[3], TaskStatus::Success);
        assert_eq!(advance(&mut workflow, &mut tasks, NOW), Some(Ending::Success));

        run(&mut failed[0], TaskStatus::Failed);
        workflow.kind = WorkflowKind::RollingDeployment;
        assert_eq!(advance(&mut workflow, &mut failed, NOW), Some(Ending::Failed));
        assert_eq!(states(&failed), "FKKCK");
        revive(&mut failed, |task| task.status == TaskStatus::Failed, NOW);
        assert_eq!(states(&failed), "pKKpp");
    }

    /// What may happen to a workflow between two of its moves: claims, outcomes and losses of
    /// workers, a cancellation, another try.
    fn happen(random: &mut fastrand::Rng, workflow: &mut Workflow, tasks: &mut [Task]) {
        let Some(task) = random.choice(&mut *tasks) else { return };
        match random.u32(0..100) {
            0 if !workflow.compensating => workflow.cancel_reason = Some("by user".to_owned()),
            // Its worker was lost: the lease runs out, and it is claimed anew.
            1..5 if task.claim.leased => task.release(NOW, NOW),
            5..40 if task.claim.leased => {
                let cancelled = workflow.cancel_reason.is_some() && task.phase == Phase::Forward;
                task.end(if cancelled { TaskStatus::Canceled } else { TaskStatus::Success }, NOW);
            }
            40..43 if task.claim.leased && task.phase == Phase::Forward => {
                task.end(TaskStatus::Failed, NOW);
            }
            43..46 if !workflow.compensating && workflow.cancel_reason.is_none() => {
                revive(tasks, |task| task.status == TaskStatus::Failed, NOW);
            }
            46.. if task.claim.ready_at.is_some() && !task.claim.leased => {
                task.status = TaskStatus::Running;
                task.attempt += 1;
                task.started_at = Some(NOW);
                (task.claim.ready_at, task.claim.leased) = (None, true);
            }
            _ => {}
        }
    }

    /// What holds after every move, whatever has happened.
    fn check(
        workflow: &Workflow,
        tasks: &[Task],
        ending: Option<Ending>,
        told: impl Fn() -> String,
    ) {
        let status = |id: &TaskId| tasks.iter().find(|task| task.id == *id).unwrap().status;
        for task in tasks.iter().filter(|task| task.started_at.is_some()) {
            let met = task.depends_on.iter().all(|id| status(id) == TaskStatus::Success);
            assert!(met || !task.status.is_live(), "{}: started before what it depends on", told());
            let undoes = task.phase == Phase::Compensation;
            assert!(!undoes || workflow.compensating, "{}: undone before its time", told());
        }
        if workflow.compensating {
            let forward = of(tasks, Phase::Forward).any(|task| task.status.is_live());
            assert!(!forward, "{}: undone while something is made", told());
        }
        let live = tasks.iter().any(|task| task.status.is_live());
        assert_eq!(ending.is_none(), live, "{}: it ends when nothing is left to do", told());
        if ending == Some(Ending::Success) {
            let done = of(tasks, Phase::Forward).all(|task| task.status == TaskStatus::Success);
            assert!(done, "{}: a success without all of its tasks", told());
        }
    }

    #[test]
    fn a_hundred_thousand_random_runs_keep_their_order_and_end_once() {
        let mut endings = [0; 3];
        for seed in 0..100_000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut workflow, mut tasks) = diamond();
            for step in 0..120 {
                let ending = advance(&mut workflow, &mut tasks, NOW);
                let told = || format!("seed {seed}, step {step}, {}", states(&tasks));
                check(&workflow, &tasks, ending, told);
                if let Some(ending) = ending {
                    endings[ending as usize] += 1;
                    break;
                }
                happen(&mut random, &mut workflow, &mut tasks);
            }
        }

        assert!(endings.iter().all(|count| *count > 1_000), "all ends are met: {endings:?}");
    }

    #[test]
    fn what_never_started_is_cancelled_without_a_compensation() {
        let (mut workflow, mut tasks) = diamond();
        workflow.cancel_reason = Some("by user".to_owned());

        assert_eq!(advance(&mut workflow, &mut tasks, NOW), Some(Ending::Canceled));
        assert_eq!(states(&tasks), "CCCCK");
    }
}
