import type { Server } from './server.js';

export type Variables = Record<string, unknown>;

/** What every library is asked to do, in its own way. */
export interface Client {
  /** The data of a query. */
  query(document: string, variables: Variables): Promise<unknown>;
  /** The data of a mutation. */
  mutate(document: string, variables: Variables): Promise<unknown>;
  /** Follows a subscription until the function that is returned is called. */
  follow(document: string, variables: Variables, sink: Sink): () => void;
  close(): Promise<void> | void;
}

export interface Sink {
  next(item: Item): void;
  error(error: unknown): void;
  complete(): void;
}

export interface Item {
  data?: unknown;
}

/** Short, for tests; a page in a browser does better with a pause that grows. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

/** Without any library and past the door, for what surrounds a test. */
export async function post<Data>(
  server: Server,
  token: string | undefined,
  query: string,
  variables: Variables = {},
): Promise<Data> {
  const response = await fetch(server.directUrl, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json',
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
