// PostGraphile by its documentation: the graph of the tables, an edge that no foreign key tells of
// by a tag, and a function for each of what the tables alone do not say.

import { createServer } from 'node:http'
import pg from 'pg'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { jsonPgSmartTags } from 'postgraphile/utils'

const [address, database] = process.argv.slice(2)
const [host, port] = address.split(':')

const functions = `
  CREATE OR REPLACE FUNCTION orders_after(in_status TEXT, at BIGINT, last_id TEXT)
  RETURNS SETOF orders LANGUAGE sql STABLE AS $$
    SELECT * FROM orders
    WHERE status = in_status AND (created_at, id) < (at, last_id)
    ORDER BY created_at DESC, id DESC
  $$;
  CREATE OR REPLACE FUNCTION place_order(buyer TEXT, bought TEXT, called TEXT)
  RETURNS orders LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    placed orders;
    now_micros BIGINT := (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT;
  BEGIN
    INSERT INTO orders (id, number, user_id, tenant_id, product_id, instance_name, status,
      amount, refund_due, created_at, updated_at, version)
    SELECT 'ord_' || replace(gen_random_uuid()::TEXT, '-', ''),
      ('x' || left(md5(gen_random_uuid()::TEXT), 16))::BIT(64)::BIGINT & 9223372036854775807,
      buyer, replace(buyer, 'user_', 'ten_'), products.id, called, 'PENDING', products.price,
      FALSE, now_micros, now_micros, 0
    FROM products WHERE products.id = bought
    RETURNING * INTO placed;
    INSERT INTO events (event_type, subject_id, at, data)
    VALUES ('ORDER_PLACED', placed.id, now_micros,
      json_build_object('id', placed.id, 'status', placed.status)::TEXT);
    RETURN placed;
  END $$;
`

const client = new pg.Client({ connectionString: database })
await client.connect()
await client.query(functions)
await client.end()

const edges = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      orders: { tags: { foreignKey: '(instance_id) references instances (id)' } },
    },
  },
})

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [edges],
  disablePlugins: ['NodePlugin'],
  pgServices: [
    makePgService({ connectionString: database, schemas: ['public'], poolConfig: { max: 16 } }),
  ],
  grafserv: { graphqlPath: '/graphql', graphiql: false },
})

const server = createServer()
await instance.createServ(grafserv).addTo(server)
server.listen(Number(port), host)
