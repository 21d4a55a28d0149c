import { post, type Headers, type Operation, type Result } from "./http";
import { authorization, renew } from "./session";

const UNAUTHENTICATED = 401;

/** Runs a query or a mutation for whoever is signed in. */
export async function ask(operation: Operation, headers: Headers = {}): Promise<Result> {
  if (ownAuthorization(headers)) return (await post(operation, headers)).result;
  const token = await authorization();
  const { status, result } = await post(operation, signed(headers, token));
  if (status !== UNAUTHENTICATED || !token) return result;
  // Once more with a fresh token, or with none where the session has ended: a login needs none.
  return (await post(operation, signed(headers, await renew()))).result;
}

/** What somebody wrote into the headers editor goes before the session. */
export function ownAuthorization(headers: Headers): string | undefined {
  const name = Object.keys(headers).find((name) => name.toLowerCase() === "authorization");
  return name && headers[name];
}

function signed(headers: Headers, authorization: string | undefined): Headers {
  return authorization ? { ...headers, authorization } : headers;
}
