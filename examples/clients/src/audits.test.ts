import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { Server } from './server.js';

suite('GraphQL over HTTP', () => {
  let server: Server;
  before(async () => {
    server = await Server.start();
  });
  after(() => server.stop());

  for (const { id, name, fn } of serverAudits({ url: () => server.url })) {
    test(`${id}: ${name}`, async () => {
      const result = await fn();

      assert.equal(result.status, 'ok', 'reason' in result ? result.reason : undefined);
    });
  }
});
