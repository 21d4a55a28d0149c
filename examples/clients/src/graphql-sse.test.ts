import { createClient } from 'graphql-sse';
import { resumable } from '../../web/src/resume.ts';
import { pause, type Variables } from './client.js';
import { clientSuite } from './suite.js';

clientSuite('graphql-sse', (server, token) => {
  const client = createClient({
    url: server.url,
    headers: () => ({ authorization: `Bearer ${token}` }),
    retryAttempts: Infinity,
    retry: pause,
  });
  const run = async (query: string, variables: Variables) => {
    for await (const { data } of client.iterate({ query, variables })) return data;
    return undefined;
  };
  return {
    query: run,
    mutate: run,
    follow: (query, variables, sink) => client.subscribe(...resumable({ query, variables }, sink)),
    close: () => client.dispose(),
  };
});
