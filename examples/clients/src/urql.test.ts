import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { resumable } from '../../web/src/resume.ts';
import { pause } from './client.js';
import { clientSuite } from './suite.js';

clientSuite('urql', (server, token) => {
  const authorization = `Bearer ${token}`;
  const socket = createClient({
    url: server.socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization }),
    retryAttempts: Infinity,
    retryWait: pause,
    shouldRetry: () => true,
  });
  const client = new Client({
    url: server.url,
    fetchOptions: { headers: { authorization } },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(...resumable({ query, variables }, sink)),
          }),
        }),
      }),
    ],
  });
  return {
    async query(document, variables) {
      const { data, error } = await client.query(document, variables);
      if (error) throw error;
      return data;
    },
    async mutate(document, variables) {
      const { data, error } = await client.mutation(document, variables);
      if (error) throw error;
      return data;
    },
    follow(document, variables, sink) {
      const { unsubscribe } = client.subscription(document, variables).subscribe((result) => {
        if (result.error) sink.error(result.error);
        else sink.next(result);
      });
      return unsubscribe;
    },
    close: () => socket.dispose(),
  };
});
