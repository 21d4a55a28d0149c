// Subscriptions over a WebSocket that go on by themselves when the server comes back.
import type { Observable } from "@graphiql/toolkit";
import { createClient, type Client } from "graphql-ws";
import { createStore, useStore } from "zustand";
import { ask, ownAuthorization } from "./ask";
import type { Headers, Operation, Result } from "./http";
import { resumable, type Resumable } from "./resumable";
import { authorization, renew } from "./session";
import { View } from "./view";

interface Live {
  state: "idle" | "connecting" | "live" | "reconnecting" | "ended";
  received: number;
  /** How often it went on after a lost connection. */
  resumed: number;
}

interface Observer {
  next(shown: unknown): void;
  complete(): void;
}

const IDLE: Live = { state: "idle", received: 0, resumed: 0 };
const live = createStore<Live>(() => IDLE);
const FORBIDDEN = 4403;

export const useLive = () => useStore(live);

/** The result of another tab is in front. */
export function turnAway(): void {
  live.setState(IDLE);
}

export function follow(operation: Operation, headers: Headers): Observable<unknown> {
  return { subscribe: (observer) => ({ unsubscribe: open(operation, headers, observer as Observer) }) };
}

function open(operation: Operation, headers: Headers, observer: Observer): () => void {
  const subscription = resumable(operation);
  const view = new View((shown) => observer.next(shown));
  live.setState({ ...IDLE, state: "connecting" });
  const end = () => {
    live.setState({ state: "ended" });
    view.show();
    observer.complete();
  };
  const client = connect(subscription, headers);
  const stop = client.subscribe<Record<string, unknown>>(subscription.operation, {
    next(item) {
      live.setState(({ received }) => ({ received: received + 1 }));
      view.add(subscription.advance(item as Result));
    },
    error(reason) {
      view.fail(asErrors(reason));
      end();
    },
    complete: end,
  });
  return () => {
    // What is in front now may be another tab.
    view.close();
    stop();
  };
}

function connect(subscription: Resumable, headers: Headers): Client {
  let isRefused = false;
  return createClient({
    url: "/graphql",
    async connectionParams() {
      // Or what happens while the connection is lost would be missed.
      if (subscription.beginsNow()) subscription.reach((await ask({ query: "{ cursor }" })).data?.cursor);
      const token = ownAuthorization(headers) ?? (await (isRefused ? renew() : authorization()));
      if (isRefused && !token) throw new Error("The session has ended.");
      return token ? { authorization: token } : {};
    },
    retryAttempts: Infinity,
    retryWait: (retries) => new Promise((wake) => setTimeout(wake, Math.min(250 * 2 ** retries, 4000))),
    shouldRetry: (reason) => !(reason instanceof Error) && !(isRefused && ownAuthorization(headers)),
    on: {
      connected: (_socket, _payload, isAgain) =>
        live.setState(({ resumed }) => ({ state: "live", resumed: resumed + (isAgain ? 1 : 0) })),
      ping: (isReceived, payload) => isReceived && subscription.reach(payload?.cursor),
      closed(event) {
        isRefused = (event as CloseEvent).code === FORBIDDEN;
        const isOver = (state: Live["state"]) => state === "ended" || state === "idle";
        live.setState(({ state }) => ({ state: isOver(state) ? state : "reconnecting" }));
      },
    },
  });
}

function asErrors(reason: unknown): Result["errors"] {
  if (Array.isArray(reason)) return reason;
  if (reason instanceof Error) return [{ message: reason.message }];
  const { code, reason: why } = reason as CloseEvent;
  return [{ message: `The connection was closed with ${code}: ${why}` }];
}
