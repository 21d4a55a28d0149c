import { useEffect, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { graphql } from './gql/index.ts';
import type { InstanceStateFragment } from './gql/graphql.ts';
import { reason } from './reason.ts';
import { Status } from './Status.tsx';

graphql(`
  fragment InstanceState on Instance {
    id
    name
    status
    createdAt
    whyNotRunning {
      code
      message
      evidence
    }
    network {
      endpointUrl
    }
    runtime {
      readyReplicas
      totalReplicas
      stale
    }
    workflows(first: 1) {
      nodes {
        id
      }
    }
  }
`);

const InstancesNow = graphql(`
  query InstancesNow {
    cursor
    instances(first: 100) {
      nodes {
        ...InstanceState
      }
    }
  }
`);

const InstanceChanges = graphql(`
  subscription InstanceChanges($after: Cursor) {
    instanceChanged(after: $after) {
      cursor
      instance {
        ...InstanceState
      }
    }
  }
`);

const PodChanges = graphql(`
  subscription PodChanges($after: Cursor) {
    podStateChanged(after: $after) {
      cursor
      instance {
        ...InstanceState
      }
    }
  }
`);

type Instances = Record<string, InstanceStateFragment>;

/** What the query showed, with each change since laid over it. */
function useInstances() {
  const client = useClient();
  const [{ data, error }] = useQuery({ query: InstancesNow });
  const [changed, setChanged] = useState<Instances>({});
  const after = data?.cursor;

  useEffect(() => {
    if (!after) return;
    const take = (instance: InstanceStateFragment | null | undefined) => {
      if (instance) setChanged((past) => ({ ...past, [instance.id]: instance }));
    };
    const subscriptions = [
      client
        .subscription(InstanceChanges, { after })
        .subscribe(({ data }) => take(data?.instanceChanged.instance)),
      client
        .subscription(PodChanges, { after })
        .subscribe(({ data }) => take(data?.podStateChanged.instance)),
    ];
    return () => subscriptions.forEach(({ unsubscribe }) => unsubscribe());
  }, [client, after]);

  const shown = Object.fromEntries(data?.instances.nodes.map((node) => [node.id, node]) ?? []);
  const instances = Object.values<InstanceStateFragment>({ ...shown, ...changed })
    .filter(({ status }) => status !== 'DELETED')
    .sort((one, other) => other.createdAt.localeCompare(one.createdAt));
  return { instances, isLoaded: data !== undefined, error };
}

export function Instances({ onSelect }: { onSelect: (workflow: string) => void }) {
  const { instances, isLoaded, error } = useInstances();
  return (
    <section>
      <h2>Instances</h2>
      {error && <p role="alert">{reason(error)}</p>}
      {isLoaded && instances.length === 0 && (
        <p className="muted">Nothing runs yet. Order something.</p>
      )}
      <div className="grid">
        {instances.map((instance) => (
          <Instance key={instance.id} instance={instance} onSelect={onSelect} />
        ))}
      </div>
    </section>
  );
}

interface InstanceProps {
  instance: InstanceStateFragment;
  onSelect: (workflow: string) => void;
}

function Instance({ instance, onSelect }: InstanceProps) {
  const { name, status, runtime, network, whyNotRunning: why } = instance;
  const workflow = instance.workflows.nodes[0]?.id;
  return (
    <article className="card">
      <h3>
        {name} <Status of={status} wanted="RUNNING" />
      </h3>
      <p className="muted">
        {runtime.readyReplicas} of {runtime.totalReplicas} ready{runtime.stale && ', as last seen'}
      </p>
      {network && <a href={network.endpointUrl}>{network.endpointUrl}</a>}
      {why && (
        <div className={`why ${why.code === 'NOT_READY' ? 'waiting' : 'bad'}`}>
          <strong>{why.message}</strong>
          {why.evidence.map((line) => (
            <code key={line}>{line}</code>
          ))}
        </div>
      )}
      {workflow && (
        <button className="quiet" onClick={() => onSelect(workflow)}>
          Show its workflow
        </button>
      )}
    </article>
  );
}
