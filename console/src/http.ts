// GraphQL over HTTP.

export interface Operation {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string | null;
}

export interface Result {
  data?: Record<string, unknown> | null;
  errors?: readonly { message: string; extensions?: Record<string, unknown> }[];
}

export type Headers = Record<string, string>;

export interface Answer {
  /** 0 where there was none. */
  status: number;
  result: Result;
}

export async function post(operation: Operation, headers: Headers = {}): Promise<Answer> {
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { accept: "application/graphql-response+json", ...headers, "content-type": "application/json" },
      body: JSON.stringify(operation),
    });
    return { status: response.status, result: await response.json() };
  } catch {
    return { status: 0, result: { errors: [{ message: "The server does not answer." }] } };
  }
}
