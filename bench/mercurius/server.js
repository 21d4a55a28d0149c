// Mercurius by its documentation: compiled documents (jit), a loader for each edge, a pool.

import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import pg from 'pg'

const [address, database] = process.argv.slice(2)
const [host, port] = address.split(':')
const pool = new pg.Pool({ connectionString: database, max: 16 })

// A name makes pg prepare a statement once for each connection.
const query = async (name, text, values) => (await pool.query({ name, text, values })).rows

const schema = `
  type Query {
    user(id: ID!): User
    orders(first: Int!, after: String!, status: String!): OrderPage!
  }
  type Mutation { placeOrder(user: ID!, product: ID!, instanceName: String!): Order }
  type Subscription { orderChanged: Order! }
  type User { id: ID! nickname: String! email: String! orders(first: Int!): [Order!]! }
  type Order { id: ID! number: String! status: String! amount: Int! product: Product instance: Instance }
  type Product { id: ID! name: String! price: Int! }
  type Instance { id: ID! name: String! status: String! }
  type OrderPage { nodes: [Order!]! end: String hasNext: Boolean! }
`

const columns = 'id, number, user_id, product_id, instance_id, status, amount, created_at'

const resolvers = {
  Query: {
    user: async (_, { id }) =>
      (await query('user', 'SELECT id, nickname, email FROM users WHERE id = $1', [id]))[0],
    orders: async (_, { first, after, status }) => {
      const [at, id] = after.split('.')
      const nodes = await query(
        'orders',
        `SELECT ${columns} FROM orders WHERE status = $1 AND (created_at, id) < ($2, $3)
         ORDER BY created_at DESC, id DESC LIMIT $4`,
        [status, at, id, first + 1],
      )
      const hasNext = nodes.length > first
      const page = nodes.slice(0, first)
      const last = page.at(-1)
      return { nodes: page, hasNext, end: last && `${last.created_at}.${last.id}` }
    },
  },
  Mutation: { placeOrder },
  Subscription: { orderChanged: { subscribe: (_, __, { pubsub }) => pubsub.subscribe('orders') } },
}

async function placeOrder(_, { user, product, instanceName }, { pubsub }) {
  const client = await pool.connect()
  const run = (name, text, values) => client.query({ name, text, values })
  try {
    await client.query('BEGIN')
    const { rows: [{ price }] } =
      await run('price', 'SELECT price FROM products WHERE id = $1', [product])
    const order = {
      id: `ord_${randomBytes(16).toString('hex')}`,
      number: (randomBytes(8).readBigUInt64BE() >> 1n).toString(),
      status: 'PENDING',
      amount: Number(price),
      product_id: product,
    }
    const now = Date.now() * 1000
    await run(
      'order',
      `INSERT INTO orders (id, number, user_id, tenant_id, product_id, instance_name, status,
         amount, refund_due, created_at, updated_at, version)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE, $9, $9, 0)`,
      [order.id, order.number, user, user.replace('user_', 'ten_'), product, instanceName,
        order.status, order.amount, now],
    )
    await run(
      'event',
      'INSERT INTO events (event_type, subject_id, at, data) VALUES ($1, $2, $3, $4)',
      ['ORDER_PLACED', order.id, now, JSON.stringify({ id: order.id, status: order.status })],
    )
    await client.query('COMMIT')
    await pubsub.publish({ topic: 'orders', payload: { orderChanged: order } })
    return order
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

// Rows of a list of ids, in the order of the ids.
const byId = (name, text, key) => async (queries) => {
  const ids = queries.map(({ obj }) => obj[key])
  const rows = await query(name, text, [ids])
  const found = new Map(rows.map((row) => [row.id, row]))
  return ids.map((id) => found.get(id) ?? null)
}

const loaders = {
  User: {
    orders: async (queries) =>
      Promise.all(
        queries.map(({ obj, params }) =>
          query(
            'orders-of',
            `SELECT ${columns} FROM orders WHERE user_id = $1
             ORDER BY created_at DESC, id DESC LIMIT $2`,
            [obj.id, params.first],
          ),
        ),
      ),
  },
  Order: {
    product: {
      loader: byId('products', 'SELECT id, name, price FROM products WHERE id = ANY($1)', 'product_id'),
      opts: { cache: false },
    },
    instance: {
      loader: byId('instances', 'SELECT id, name, status FROM instances WHERE id = ANY($1)', 'instance_id'),
      opts: { cache: false },
    },
  },
}

const app = Fastify()
app.register(mercurius, { schema, resolvers, loaders, jit: 1, subscription: true })
await app.listen({ host, port: Number(port) })
