import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { resumable } from '../../web/src/resume.ts';
import { pause, type Variables } from './client.js';
import { clientSuite } from './suite.js';

clientSuite('graphql-ws', (server, token) => {
  const client = createClient({
    url: server.socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: `Bearer ${token}` }),
    retryAttempts: Infinity,
    retryWait: pause,
    shouldRetry: () => true,
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
