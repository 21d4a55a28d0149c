import type { Fetcher } from "@graphiql/toolkit";
import { getOperationAST } from "graphql";
import { learn } from "./flow";
import { ask } from "./ask";
import type { Headers, Operation } from "./http";
import { follow } from "./live";
import { adopt } from "./session";
import { succeed } from "./walkthrough";

export const fetcher = ((params, options) => {
  const operation = params as Operation;
  const headers = (options?.headers ?? {}) as Headers;
  const definition = options?.documentAST && getOperationAST(options.documentAST, operation.operationName);
  if (definition?.operation === "subscription") {
    succeed(definition.name?.value);
    return follow(operation, headers);
  }
  return run(operation, headers, definition?.name?.value);
}) as Fetcher;

async function run(operation: Operation, headers: Headers, name: string | undefined) {
  const result = await ask(operation, headers);
  if (name === "IntrospectionQuery") return result;
  learn(result.data);
  adopt(result);
  if (!result.errors) succeed(name);
  return result;
}
