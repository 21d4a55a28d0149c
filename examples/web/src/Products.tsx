import { type FormEvent, useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { graphql } from './gql/index.ts';
import type { ProductsQuery } from './gql/graphql.ts';
import { reason } from './reason.ts';

const ProductsDocument = graphql(`
  query Products {
    products(first: 12) {
      nodes {
        id
        name
        description
        price
        spec {
          cpuMillis
          memoryMib
        }
      }
    }
  }
`);

const PlaceOrder = graphql(`
  mutation PlaceOrder($product: ID!, $name: String!, $key: String!) {
    placeOrder(input: { productId: $product, instanceName: $name }, idempotencyKey: $key) {
      order {
        id
      }
    }
  }
`);

const PayOrder = graphql(`
  mutation PayOrder($id: ID!, $key: String!) {
    payOrder(id: $id, idempotencyKey: $key) {
      workflow {
        id
      }
    }
  }
`);

type Product = ProductsQuery['products']['nodes'][number];

export function Products({ onOrder }: { onOrder: (workflow: string) => void }) {
  const [{ data, error }] = useQuery({ query: ProductsDocument });
  return (
    <section>
      <h2>On sale</h2>
      {error && <p role="alert">{reason(error)}</p>}
      <div className="grid">
        {data?.products.nodes.map((product) => (
          <ProductCard key={product.id} product={product} onOrder={onOrder} />
        ))}
      </div>
    </section>
  );
}

function ProductCard({ product, onOrder }: { product: Product; onOrder: (id: string) => void }) {
  const [placing, place] = useMutation(PlaceOrder);
  const [paying, pay] = useMutation(PayOrder);
  const error = placing.error ?? paying.error;
  // The same key for each try of one order: a second click, or a lost answer, buys nothing twice.
  const [key, setKey] = useState(newKey);

  async function buy(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const name = String(new FormData(form).get('name'));
    const placed = await place({ product: product.id, name, key });
    const id = placed.data?.placeOrder?.order.id;
    if (!id) return;
    const paid = await pay({ id, key: `${key}.pay` });
    const workflow = paid.data?.payOrder?.workflow?.id;
    if (!workflow) return;
    setKey(newKey());
    form.reset();
    onOrder(workflow);
  }

  return (
    <form className="card" onSubmit={buy} onChange={() => setKey(newKey())}>
      <h3>
        {product.name} <span className="price">{money(product.price)}</span>
      </h3>
      <p>{product.description}</p>
      <p className="muted">
        {product.spec.cpuMillis / 1000} CPU · {product.spec.memoryMib} MiB
      </p>
      <div className="row">
        <input
          name="name"
          aria-label="Name of the instance"
          placeholder="name"
          pattern="[a-z]([a-z0-9\-]*[a-z0-9])?"
          maxLength={40}
          required
        />
        <button disabled={placing.fetching || paying.fetching}>Order and pay</button>
      </div>
      {error && <p role="alert">{reason(error)}</p>}
    </form>
  );
}

function newKey(): string {
  return crypto.randomUUID();
}

function money(cents: number): string {
  return (cents / 100).toLocaleString(undefined, { minimumFractionDigits: 2 });
}
