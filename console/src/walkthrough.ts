// The tabs that lead a newcomer through the main job.
import { createStore, useStore } from "zustand";
import follow from "./operations/follow.graphql?raw";
import logIn from "./operations/log-in.graphql?raw";
import orderToLog from "./operations/order-to-log.graphql?raw";
import payOrder from "./operations/pay-order.graphql?raw";
import placeOrder from "./operations/place-order.graphql?raw";
import products from "./operations/products.graphql?raw";
import register from "./operations/register.graphql?raw";

interface Step {
  /** The name of its operation, which is also the title of its tab. */
  name: string;
  query: string;
  variables?: unknown;
  /** What it does. */
  about: string;
  /** What has come of it. */
  done: string;
  /** The step after it. */
  next?: string;
}

const ADA = { email: "ada@example.com", password: "correct horse" };

export const STEPS: Step[] = [
  {
    name: "Register",
    query: register,
    variables: { input: { ...ADA, nickname: "Ada" } },
    about: "Opens an account. LogIn is for one that there is.",
    done: "You are signed in.",
    next: "Products",
  },
  {
    name: "LogIn",
    query: logIn,
    variables: { input: ADA },
    about: "Signs you in to an account that there is.",
    done: "You are signed in.",
    next: "Products",
  },
  {
    name: "Products",
    query: products,
    about: "Shows what is on sale.",
    done: "The first one is filled in where you order.",
    next: "PlaceOrder",
  },
  {
    name: "PlaceOrder",
    query: placeOrder,
    variables: { product: "", name: "web" },
    about: "Orders one of the products.",
    done: "The order waits to be paid.",
    next: "PayOrder",
  },
  {
    name: "PayOrder",
    query: payOrder,
    variables: { order: "" },
    about: "Pays the order and begins to make the instance.",
    done: "The workflow has begun: watch it.",
    next: "Follow",
  },
  {
    name: "Follow",
    query: follow,
    variables: { workflow: "", after: "" },
    about: "Shows the workflow since the payment, and goes on.",
    done: "Newest first, and it goes on.",
    next: "OrderToLog",
  },
  {
    name: "OrderToLog",
    query: orderToLog,
    variables: { order: "" },
    about: "Shows all of it in one query.",
    done: "That is the main job. The book at the left has all the rest.",
  },
];

/** The name of the operation that went well last. */
const last = createStore<{ name?: string }>(() => ({}));

export const useLastStep = () => useStore(last).name;

export function succeed(name: string | undefined): void {
  last.setState({ name });
}
