import { useQuery, useSubscription } from 'urql';
import { graphql } from './gql/index.ts';
import type { TaskStateFragment, WorkflowStatus } from './gql/graphql.ts';
import { reason } from './reason.ts';
import { Status } from './Status.tsx';

graphql(`
  fragment TaskState on Task {
    id
    name
    status
    compensation
    waitReason
    error
  }
`);

const WorkflowNow = graphql(`
  query WorkflowNow($id: ID!) {
    cursor
    node(id: $id) {
      __typename
      id
      ... on Workflow {
        kind
        status
        tasks {
          ...TaskState
        }
      }
    }
  }
`);

const WorkflowChanges = graphql(`
  subscription WorkflowChanges($id: ID!, $after: Cursor) {
    workflowChanged(id: $id, after: $after) {
      cursor
      workflow {
        id
        status
      }
      task {
        ...TaskState
      }
    }
  }
`);

type Change = { status: WorkflowStatus; tasks: Record<string, TaskStateFragment> };

/** A compensation stays so where nothing goes wrong. */
const UNUSED = ['PENDING', 'SKIPPED'];

/** What the query showed, with each change since laid over it. */
export function Workflow({ id, onClose }: { id: string; onClose: () => void }) {
  const [{ data, error }] = useQuery({
    query: WorkflowNow,
    variables: { id },
  });
  const after = data?.cursor ?? null;
  const [{ data: change }] = useSubscription(
    { query: WorkflowChanges, variables: { id, after }, pause: after === null },
    (past: Change | undefined, { workflowChanged: { workflow, task } }): Change => ({
      status: workflow.status,
      tasks: task ? { ...past?.tasks, [task.id]: task } : (past?.tasks ?? {}),
    }),
  );

  const workflow = data?.node?.__typename === 'Workflow' ? data.node : undefined;
  const tasks = workflow?.tasks.map((task) => change?.tasks[task.id] ?? task) ?? [];
  return (
    <section className="card">
      <h2>
        {workflow?.kind.replaceAll('_', ' ')}
        {workflow && <Status of={change?.status ?? workflow.status} wanted="SUCCESS" />}
        <button className="quiet" onClick={onClose}>
          Close
        </button>
      </h2>
      {error && <p role="alert">{reason(error)}</p>}
      <ol className="tasks">
        {tasks
          .filter(({ compensation, status }) => !compensation || !UNUSED.includes(status))
          .map((task) => (
            <Task key={task.id} task={task} />
          ))}
      </ol>
    </section>
  );
}

function Task({ task }: { task: TaskStateFragment }) {
  const remark = task.status === 'RUNNING' ? task.waitReason : task.error;
  return (
    <li>
      <Status of={task.status} wanted="SUCCESS" />
      <span className="name">{task.name.replaceAll('_', ' ')}</span>
      {remark && <span className="muted">{remark}</span>}
    </li>
  );
}
