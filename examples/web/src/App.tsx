import { useEffect, useState, useSyncExternalStore } from 'react';
import { Provider } from 'urql';
import { Connection } from './connection.ts';
import { Instances } from './Instances.tsx';
import { Products } from './Products.tsx';
import { Session } from './session.ts';
import { SignIn } from './SignIn.tsx';
import { Workflow } from './Workflow.tsx';

export function App() {
  const [session, setSession] = useState(Session.restored);
  return session ? (
    <Home session={session} onEnd={() => setSession(undefined)} />
  ) : (
    <SignIn onSignIn={setSession} />
  );
}

function Home({ session, onEnd }: { session: Session; onEnd: () => void }) {
  const [connection] = useState(() => new Connection(session));
  const [workflow, setWorkflow] = useState<string>();
  const live = useSyncExternalStore(connection.onChange, connection.isLive);

  useEffect(() => {
    session.onEnd = () => {
      connection.close();
      onEnd();
    };
  }, [session, connection, onEnd]);

  return (
    <Provider value={connection.client}>
      <header>
        <h1>Slipway</h1>
        <span className={live ? 'badge good' : 'badge waiting'}>
          {live ? 'live' : 'connecting'}
        </span>
        <button className="quiet" onClick={() => session.end()}>
          Sign out
        </button>
      </header>
      <main>
        <Instances onSelect={setWorkflow} />
        {workflow && (
          <Workflow key={workflow} id={workflow} onClose={() => setWorkflow(undefined)} />
        )}
        <Products onOrder={setWorkflow} />
      </main>
    </Provider>
  );
}
