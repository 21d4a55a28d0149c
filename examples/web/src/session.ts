import { Client, fetchExchange } from 'urql';
import { graphql } from './gql/index.ts';

const Login = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      accessToken
      refreshToken
      expiresAt
    }
  }
`);

const Register = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      accessToken
      refreshToken
      expiresAt
    }
  }
`);

const Refresh = graphql(`
  mutation RefreshSession($refreshToken: String!) {
    refreshSession(refreshToken: $refreshToken) {
      accessToken
      refreshToken
      expiresAt
    }
  }
`);

interface Tokens {
  accessToken: string;
  refreshToken: string;
  expiresAt: string;
}

const KEY = 'slipway.tokens';
/** A token is renewed so long before its end, in milliseconds. */
const MARGIN = 30_000;

const nobody = new Client({ url: '/graphql', preferGetMethod: false, exchanges: [fetchExchange] });

/** Somebody who is logged in, for as long as this tab is open. */
export class Session {
  #tokens: Tokens;
  #renewal: Promise<void> | undefined;
  /** The session is over: it was ended elsewhere, or was idle for too long. */
  onEnd = () => {};

  private constructor(tokens: Tokens) {
    this.#tokens = tokens;
    sessionStorage.setItem(KEY, JSON.stringify(tokens));
  }

  static restored(): Session | undefined {
    const stored = sessionStorage.getItem(KEY);
    return stored ? new Session(JSON.parse(stored) as Tokens) : undefined;
  }

  static async login(email: string, password: string): Promise<Session> {
    const { data, error } = await nobody.mutation(Login, { input: { email, password } });
    if (!data?.login) throw error ?? new Error('no answer');
    return new Session(data.login);
  }

  static async register(email: string, password: string): Promise<Session> {
    const nickname = email.split('@', 1)[0] || email;
    const input = { email, password, nickname };
    const { data, error } = await nobody.mutation(Register, { input });
    if (!data?.register) throw error ?? new Error('no answer');
    return new Session(data.register);
  }

  /** The header that a request needs; the tokens are renewed in time. */
  async authorization(): Promise<string> {
    if (Date.parse(this.#tokens.expiresAt) - Date.now() < MARGIN) {
      // Once for all who wait, for a refresh token is good once.
      this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined));
      await this.#renewal;
    }
    return `Bearer ${this.#tokens.accessToken}`;
  }

  end(): void {
    sessionStorage.removeItem(KEY);
    this.onEnd();
  }

  async #renew(): Promise<void> {
    const { refreshToken } = this.#tokens;
    const { data, error } = await nobody.mutation(Refresh, { refreshToken });
    if (data?.refreshSession) {
      this.#tokens = data.refreshSession;
      sessionStorage.setItem(KEY, JSON.stringify(this.#tokens));
    } else if (
      error?.graphQLErrors.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED')
    ) {
      this.end();
    }
  }
}
