use serde_json::{Value, json};

use super::fleet::{Fleet, code};

/// So often a call that has been answered is repeated under its key.
const REPEAT_ONE_IN: u32 = 4;
/// So often a purchase is followed by a command about an earlier one.
const COMMAND_ONE_IN: u32 = 4;

/// A client that buys and commands, with an idempotency key on each call, until it is answered.
pub struct Buyer {
    pub token: String,
    pub purchases: Vec<Purchase>,
    /// Answers to one key that differ.
    pub contradictions: Vec<String>,
    /// How many answered calls were repeated.
    pub repeats: usize,
    random: fastrand::Rng,
}

/// What was acknowledged last about a purchase.
pub struct Purchase {
    pub name: String,
    pub order: String,
    pub instance: String,
    pub image: String,
    pub updates: u64,
    pub deleted: bool,
}

impl Buyer {
    pub fn new(token: String, random: fastrand::Rng) -> Self {
        Self { token, purchases: Vec::new(), contradictions: Vec::new(), repeats: 0, random }
    }

    /// Orders and pays; now and then does something to an earlier purchase.
    pub fn buy(&mut self, fleet: &Fleet, product: &str, number: usize) {
        let name = format!("web-{number}");
        let place = "mutation($key: String!, $product: ID!, $name: String!) {
            answer: placeOrder(idempotencyKey: $key,
                input: { productId: $product, instanceName: $name }) { replayed order { id } } }";
        let variables =
            json!({ "key": format!("place-{number}"), "product": product, "name": name });
        let order = self.must(fleet, place, &variables)["order"]["id"].clone();
        let pay = "mutation($key: String!, $id: ID!) {
            answer: payOrder(idempotencyKey: $key, id: $id) {
                replayed order { id instance { id } } workflow { id } } }";
        let variables = json!({ "key": format!("pay-{number}"), "id": order });
        let paid = self.must(fleet, pay, &variables);
        self.purchases.push(Purchase {
            name,
            order: text(&order),
            instance: text(&paid["order"]["instance"]["id"]),
            image: "web:1".to_owned(),
            updates: 0,
            deleted: false,
        });
        if self.random.u32(0..COMMAND_ONE_IN) == 0 {
            self.command(fleet, number);
        }
    }

    /// Deletes the oldest purchases but for so many.
    pub fn keep(&mut self, fleet: &Fleet, most: usize) {
        let living = |purchase: &&Purchase| !purchase.deleted;
        while self.purchases.iter().filter(living).count() > most {
            let oldest = self.purchases.iter().position(|purchase| !purchase.deleted).unwrap();
            let key = format!("keep-{}", self.purchases[oldest].name);
            self.delete(fleet, oldest, &key);
        }
    }

    fn command(&mut self, fleet: &Fleet, number: usize) {
        let which = self.random.usize(0..self.purchases.len());
        if self.purchases[which].deleted {
            return;
        }
        let key = format!("command-{number}");
        if self.random.u32(0..3) == 0 {
            return self.delete(fleet, which, &key);
        }
        let id = self.purchases[which].instance.clone();
        let image = format!("web:{number}");
        let update = "mutation($key: String!, $id: ID!, $image: String!) {
            answer: updateInstance(idempotencyKey: $key, id: $id, input: { image: $image }) {
                replayed instance { id } workflow { id } } }";
        match self.once(fleet, update, &json!({ "key": key, "id": id, "image": image })) {
            Ok(_) => {
                self.purchases[which].image = image;
                self.purchases[which].updates += 1;
            }
            // It is still on its way to where the last command leads.
            Err(refusal) => assert_eq!(code(&refusal), Some("INVALID_TRANSITION"), "{refusal}"),
        }
    }

    fn delete(&mut self, fleet: &Fleet, which: usize, key: &str) {
        let delete = "mutation($key: String!, $id: ID!) {
            answer: deleteInstance(idempotencyKey: $key, id: $id) {
                replayed instance { id } workflow { id } } }";
        let id = self.purchases[which].instance.clone();
        self.must(fleet, delete, &json!({ "key": key, "id": id }));
        self.purchases[which].deleted = true;
    }

    fn must(&mut self, fleet: &Fleet, document: &str, variables: &Value) -> Value {
        self.once(fleet, document, variables).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// Gives an order under its key, perhaps more than once; an error is a refusal.
    fn once(&mut self, fleet: &Fleet, document: &str, variables: &Value) -> Result<Value, Value> {
        let first = self.answer(fleet, document, variables)?;
        if self.random.u32(0..REPEAT_ONE_IN) == 0 {
            self.repeats += 1;
            let again = self.answer(fleet, document, variables).unwrap_or_else(|refusal| refusal);
            let mut expected = first.clone();
            expected["replayed"] = json!(true);
            if again != expected {
                self.contradictions.push(format!("{variables}: {first}, then {again}"));
            }
        }
        Ok(first)
    }

    fn answer(&self, fleet: &Fleet, document: &str, variables: &Value) -> Result<Value, Value> {
        let reply = fleet.insist(&self.token, document, variables);
        match reply["errors"].is_null() {
            true => Ok(reply["data"]["answer"].clone()),
            false => Err(reply),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned()
}
