import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { resumable } from '../../web/src/resume.ts';
import { pause } from './client.js';
import { clientSuite } from './suite.js';

clientSuite('Apollo Client', (server, token) => {
  const authorization = `Bearer ${token}`;
  const socket = createClient({
    url: server.socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization }),
    retryAttempts: Infinity,
    retryWait: pause,
    shouldRetry: () => true,
  });
  const live = new GraphQLWsLink({
    ...socket,
    subscribe: (request, sink) => socket.subscribe(...resumable(request, sink)),
  });
  const http = new HttpLink({ uri: server.url, headers: { authorization } });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      live,
      http,
    ),
  });
  return {
    async query(document, variables) {
      const { data } = await client.query({ query: gql(document), variables });
      return data;
    },
    async mutate(document, variables) {
      const { data } = await client.mutate({ mutation: gql(document), variables });
      return data;
    },
    follow(document, variables, sink) {
      const items = client.subscribe({ query: gql(document), variables });
      const subscription = items.subscribe(sink);
      return () => subscription.unsubscribe();
    },
    async close() {
      client.stop();
      await socket.dispose();
    },
  };
});
