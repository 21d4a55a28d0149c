CREATE TABLE products (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ENABLED', 'DISABLED')),
    spec TEXT NOT NULL,
    price BIGINT NOT NULL CHECK (price BETWEEN 0 AND 4294967295),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX products_newest ON products (created_at, id);

CREATE TABLE orders (
    id TEXT PRIMARY KEY NOT NULL,
    number BIGINT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    product_id TEXT NOT NULL REFERENCES products (id),
    instance_name TEXT NOT NULL,
    instance_id TEXT,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'PAID', 'CANCELLED', 'COMPLETED')),
    amount BIGINT NOT NULL CHECK (amount BETWEEN 0 AND 4294967295),
    refund_due BOOLEAN NOT NULL,
    payment_reference TEXT,
    cancel_reason TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    paid_at BIGINT,
    cancelled_at BIGINT,
    completed_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX orders_newest ON orders (created_at, id);
CREATE INDEX orders_of_tenant ON orders (tenant_id, created_at, id);
CREATE INDEX orders_of_instance ON orders (instance_id);
