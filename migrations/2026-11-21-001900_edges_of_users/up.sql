CREATE INDEX orders_of_user ON orders (user_id, created_at, id);
CREATE INDEX instances_of_owner ON instances (owner_id, created_at, id);
