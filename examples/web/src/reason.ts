import { CombinedError } from 'urql';

/** What went wrong, in words that a person can do something with. */
export function reason(error: unknown): string {
  if (error instanceof CombinedError) {
    return error.graphQLErrors[0]?.message ?? 'The server does not answer.';
  }
  return String(error);
}
