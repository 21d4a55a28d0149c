// Who is signed in. Kept for this browser tab alone, so that two tabs can be two accounts.
import { createStore, useStore } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";
import { post, type Result } from "./http";

interface Session {
  accessToken?: string;
  refreshToken?: string;
  expiresAt?: string;
  /** What to call whoever is signed in. */
  name?: string;
  /** Why nobody is signed in any more. */
  notice?: string;
}

const session = createStore<Session>()(
  persist<Session>(() => ({}), {
    name: "slipway:session",
    storage: createJSONStorage(() => sessionStorage),
  }),
);

/** A token that ends within this is exchanged before it is used. */
const LATE = 30_000;
/** A token is exchanged by itself so long before its end, or up to twice as long. */
const EARLY = 60_000;
const SPENT = new BroadcastChannel("slipway:session");

let timer: ReturnType<typeof setTimeout> | undefined;
let renewal: Promise<string | undefined> | undefined;

export const useSession = () => useStore(session);

/** Takes the tokens of any answer that has some. */
export function adopt({ data }: Result): void {
  const fresh = Object.values(data ?? {}).find(hasTokens);
  if (!fresh) return;
  const { accessToken, refreshToken, expiresAt } = fresh;
  void take({ accessToken, refreshToken, expiresAt });
}

/** Takes a token that somebody put in by hand. */
export function enter(text: string): void {
  const accessToken = text.trim().replace(/^bearer\s+/i, "");
  if (accessToken) void take({ accessToken });
  else end();
}

export async function signOut(): Promise<void> {
  const token = await authorization();
  end();
  if (token) await post({ query: "mutation { logout { cursor } }" }, { authorization: token });
}

/** What the header `Authorization` has to say. */
export async function authorization(): Promise<string | undefined> {
  const { expiresAt, refreshToken } = session.getState();
  const isDue = expiresAt && Date.parse(expiresAt) - Date.now() < LATE;
  return isDue && refreshToken ? renew() : bearer();
}

/** Exchanges the tokens, one call at a time; without a refresh token the session is over. */
export function renew(): Promise<string | undefined> {
  renewal ??= exchange().finally(() => (renewal = undefined));
  return renewal;
}

async function exchange(): Promise<string | undefined> {
  const spent = session.getState().refreshToken;
  if (!spent) {
    end("The token is no longer good.");
    return undefined;
  }
  const { result } = await post({
    query: `mutation($token: String!) {
      refreshSession(refreshToken: $token) { accessToken refreshToken expiresAt }
    }`,
    variables: { token: spent },
  });
  const fresh = Object.values(result.data ?? {}).find(hasTokens);
  if (fresh) {
    keep({ ...session.getState(), ...fresh });
    SPENT.postMessage({ spent, fresh });
  } else if (isRefused(result) && session.getState().refreshToken === spent) {
    end("The session has ended.");
  }
  return bearer();
}

function isRefused({ errors }: Result): boolean {
  return errors?.some(({ extensions }) => extensions?.code === "UNAUTHENTICATED") ?? false;
}

// A duplicated browser tab has the same refresh token, which is good once.
SPENT.onmessage = ({ data: { spent, fresh } }) => {
  if (session.getState().refreshToken === spent) keep({ ...session.getState(), ...fresh });
};

async function take(tokens: Session): Promise<void> {
  keep(tokens);
  const { result } = await post({ query: "{ viewer { nickname } }" }, { authorization: bearer()! });
  if (session.getState().accessToken !== tokens.accessToken) return;
  const viewer = result.data?.viewer as { nickname: string } | undefined;
  if (isRefused(result)) end("The token is not good.");
  else session.setState({ name: viewer?.nickname });
}

function keep(state: Session): void {
  session.setState(state, true);
  plan();
}

function end(notice?: string): void {
  keep({ notice });
}

function plan(): void {
  clearTimeout(timer);
  const { expiresAt, refreshToken } = session.getState();
  if (!expiresAt || !refreshToken) return;
  // At a moment of this tab's own, for a duplicate has the same tokens; and not all the time
  // where this machine's clock is wrong.
  const early = EARLY * (1 + Math.random());
  timer = setTimeout(() => void renew(), Math.max(Date.parse(expiresAt) - Date.now() - early, EARLY));
}

function bearer(): string | undefined {
  const { accessToken } = session.getState();
  return accessToken && `Bearer ${accessToken}`;
}

function hasTokens(value: unknown): value is Session & { accessToken: string } {
  return typeof value === "object" && value !== null && "accessToken" in value;
}

plan();
