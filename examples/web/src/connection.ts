import { createClient } from 'graphql-ws';
import { Client, fetchExchange, subscriptionExchange } from 'urql';
import { resumable } from './resume.ts';
import type { Session } from './session.ts';

/** Queries and mutations go over HTTP, subscriptions over one WebSocket. */
export class Connection {
  readonly client: Client;
  readonly #socket;
  readonly #listeners = new Set<() => void>();
  #live = false;

  constructor(session: Session) {
    this.#socket = createClient({
      url: new URL('/graphql', location.href).href.replace('http', 'ws'),
      // Asked for at each new connection, with a token that is good then.
      connectionParams: async () => ({ authorization: await session.authorization() }),
      retryAttempts: Infinity,
      retryWait: (retries) => pause(Math.min(250 * 2 ** retries, 8_000)),
      // A server that is not there is reported as an event, which would otherwise be the end.
      shouldRetry: () => true,
      // A change of the page does not cost a new connection.
      lazyCloseTimeout: 5_000,
      on: { connected: () => this.#tell(true), closed: () => this.#tell(false) },
    });
    this.client = new Client({
      url: '/graphql',
      fetch: async (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set('authorization', await session.authorization());
        return fetch(input, { ...init, headers });
      },
      preferGetMethod: false,
      // Without a cache: subscriptions keep up to date what queries have shown.
      exchanges: [
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: ({ query = '', variables }) => ({
            subscribe: (sink) => ({
              unsubscribe: this.#socket.subscribe(...resumable({ query, variables }, sink)),
            }),
          }),
        }),
      ],
    });
  }

  /** Whether the WebSocket stands, for `useSyncExternalStore`. */
  readonly isLive = (): boolean => this.#live;

  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  close(): void {
    void this.#socket.dispose();
  }

  #tell(live: boolean): void {
    this.#live = live;
    for (const listener of this.#listeners) listener();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
