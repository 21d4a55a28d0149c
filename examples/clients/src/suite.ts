// What is asked of every client: a query, a mutation, and a subscription that misses nothing and
// repeats nothing while its connection is cut and its server is killed.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Client, post } from './client.js';
import { Server } from './server.js';

const REGISTER = `mutation($input: RegisterInput!) { register(input: $input) { accessToken } }`;
const PRODUCTS = `query($first: Int) { products(first: $first) { nodes { id } } }`;
const PLACE = `mutation($product: ID!, $name: String!) {
  placeOrder(input: { productId: $product, instanceName: $name }) { cursor order { id status } } }`;
const PAY = `mutation($id: ID!) { payOrder(id: $id) { workflow { id } } }`;
const FOLLOW = `subscription($after: Cursor) { events(after: $after) { cursor type subject { id } } }`;
const LOG = `query($after: Cursor) { events(after: $after, first: 100) {
  pageInfo { endCursor hasNextPage } nodes { cursor type subject { id } } } }`;

interface Event {
  cursor: string;
  type: string;
  subject: { id: string };
}
interface Page {
  events: { nodes: Event[]; pageInfo: { endCursor: string; hasNextPage: boolean } };
}
interface Products {
  products: { nodes: { id: string }[] };
}
interface Placed {
  placeOrder: { cursor: string; order: { id: string; status: string } };
}

export function clientSuite(
  name: string,
  connect: (server: Server, token: string) => Client,
): void {
  suite(name, { timeout: 120_000 }, () => {
    let server: Server;
    let token: string;
    let client: Client;
    let product: string;

    before(async () => {
      server = await Server.start();
      token = await register(server);
      client = connect(server, token);
      const { products } = await post<Products>(server, undefined, PRODUCTS);
      product = products.nodes[0]!.id;
    });

    after(async () => {
      await client.close();
      await server.stop();
    });

    test('runs a query', async () => {
      const { products } = (await client.query(PRODUCTS, { first: 1 })) as Products;

      assert.equal(products.nodes.length, 1);
    });

    test('runs a mutation', async () => {
      const { placeOrder } = (await client.mutate(PLACE, { product, name: 'web' })) as Placed;

      assert.equal(placeOrder.order.status, 'PENDING');
    });

    test('follows through cuts and a restart without a gap or a repeat', async () => {
      const place = (name: string) => post<Placed>(server, token, PLACE, { product, name });
      const first = (await place('first')).placeOrder;
      const seen = new Seen(client, first.cursor);
      await seen.order(first.order.id);

      await post(server, token, PAY, { id: first.order.id });
      for (const name of ['cut-once', 'cut-twice']) {
        server.cut();
        await seen.order((await place(name)).placeOrder.order.id);
      }
      await server.restart();
      await seen.order((await place('restarted')).placeOrder.order.id);
      server.cut();
      await seen.order((await place('last')).placeOrder.order.id);
      seen.stop();

      const cursors = (events: Event[]) => events.map((event) => `${event.cursor} ${event.type}`);
      const log = await read(server, token, first.cursor);
      assert.deepEqual(cursors(seen.events), cursors(log).slice(0, seen.events.length));
    });
  });
}

/** Everything that a client is told from a cursor on. */
class Seen {
  readonly events: Event[] = [];
  readonly stop: () => void;
  #failure: unknown;
  #wake = () => {};

  constructor(client: Client, after: string) {
    this.stop = client.follow(
      FOLLOW,
      { after },
      {
        next: ({ data }) => {
          this.events.push((data as { events: Event }).events);
          this.#wake();
        },
        error: (error) => this.#fail(error),
        complete: () => this.#fail(new Error('the stream ended')),
      },
    );
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#wake();
  }

  async order(id: string): Promise<void> {
    while (!this.events.some((event) => event.subject.id === id)) {
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

async function register(server: Server): Promise<string> {
  const input = { email: 'ada@example.com', password: 'correct horse', nickname: 'Ada' };
  const data = await post<{ register: { accessToken: string } }>(server, undefined, REGISTER, {
    input,
  });
  return data.register.accessToken;
}

/** The log as queries show it. */
async function read(server: Server, token: string, after: string): Promise<Event[]> {
  const { events } = await post<Page>(server, token, LOG, { after });
  const { endCursor, hasNextPage } = events.pageInfo;
  return hasNextPage ? [...events.nodes, ...(await read(server, token, endCursor))] : events.nodes;
}
