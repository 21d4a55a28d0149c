// Who is signed in. Kept for this browser tab alone, so that two tabs can be two accounts.
import { createStore, useStore } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";
import { post, UNAUTHENTICATED, type Result } from "./http";

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

/** How long before its end a token is exchanged, at the latest. */
const MARGIN = 60_000;
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
  const isDue = expiresAt && Date.parse(expiresAt) - Date.now() < MARGIN / 2;
  return isDue && refreshToken ? renew() : bearer();
}

/** Exchanges the tokens, one call at a time; without a refresh token the session is over. */
export function renew(): Promise<string | undefined> {
  renewal ??= exchange().finally(() => (renewal = undefined));
  return renewal;
}

async function exchange(): Promise<string | undefined> {
  const spent = session.getState().refreshToken;
  if (!spent) return end("The token is no longer good.");
  const { status, result } = await post(
    {
      query: `mutation($token: String!) {
        refreshSession(refreshToken: $token) { accessToken refreshToken expiresAt }
      }`,
      variables: { token: spent },
    },
  );
  const fresh = Object.values(result.data ?? {}).find(hasTokens);
  if (fresh) {
    keep({ ...session.getState(), ...fresh });
    SPENT.postMessage({ spent, fresh });
  } else if (status !== 0 && session.getState().refreshToken === spent) {
    return end("The session has ended.");
  }
  return bearer();
}

// A duplicated browser tab has the same refresh token, which is good once.
SPENT.onmessage = ({ data: { spent, fresh } }) => {
  if (session.getState().refreshToken === spent) keep({ ...session.getState(), ...fresh });
};

async function take(tokens: Session): Promise<void> {
  keep(tokens);
  const { status, result } = await post({ query: "{ viewer { nickname } }" }, { authorization: bearer()! });
  if (session.getState().accessToken !== tokens.accessToken) return;
  const viewer = result.data?.viewer as { nickname: string } | undefined;
  if (status === UNAUTHENTICATED) end("The token is not good.");
  else session.setState({ name: viewer?.nickname });
}

function keep(state: Session): void {
  session.setState(state, true);
  plan();
}

function end(notice?: string): undefined {
  keep({ notice });
}

function plan(): void {
  clearTimeout(timer);
  const { expiresAt, refreshToken } = session.getState();
  if (!expiresAt || !refreshToken) return;
  // At a moment of this tab's own, for a duplicate has the same tokens; and not all the time
  // where this machine's clock is wrong.
  const early = MARGIN + Math.random() * MARGIN;
  timer = setTimeout(() => void renew(), Math.max(Date.parse(expiresAt) - Date.now() - early, MARGIN));
}

function bearer(): string | undefined {
  const { accessToken } = session.getState();
  return accessToken && `Bearer ${accessToken}`;
}

function hasTokens(value: unknown): value is Session & { accessToken: string } {
  return typeof value === "object" && value !== null && "accessToken" in value;
}

plan();
