import type { Fetcher } from "@graphiql/toolkit";
import { Kind, parse, type OperationDefinitionNode } from "graphql";
import { ask } from "./ask";
import { learn } from "./flow";
import type { Headers, Operation } from "./http";
import { follow } from "./live";
import { adopt } from "./session";
import { succeed } from "./walkthrough";

export const fetcher = ((params, options) => {
  const chosen = choose(params as Operation);
  const operation = { ...(params as Operation), operationName: chosen?.name?.value };
  const headers = (options?.headers ?? {}) as Headers;
  if (chosen?.operation === "subscription") {
    succeed(chosen.name?.value);
    return follow(operation, headers);
  }
  return run(operation, headers);
}) as Fetcher;

async function run(operation: Operation, headers: Headers) {
  const result = await ask(operation, headers);
  if (operation.operationName === "IntrospectionQuery") return result;
  learn(result.data);
  adopt(result);
  if (!result.errors) succeed(operation.operationName ?? undefined);
  return result;
}

/** The operation that is meant. GraphiQL names that of the tab before for a moment. */
function choose({ query, operationName }: Operation): OperationDefinitionNode | undefined {
  try {
    const operations = parse(query).definitions.filter((it) => it.kind === Kind.OPERATION_DEFINITION);
    return operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  } catch {
    // The server says better what is wrong with it.
    return undefined;
  }
}
