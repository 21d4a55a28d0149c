// A subscription whose server goes away is sent again, and must then begin behind the last item
// that came. So each asks for its place beside what somebody wrote, and takes it as an argument.
import {
  getOperationAST,
  Kind,
  parse,
  print,
  valueFromASTUntyped,
  type DocumentNode,
  type FieldNode,
  type OperationDefinitionNode,
} from "graphql";
import type { Operation, Result } from "./http";

export interface Resumable {
  /** What to send. Its variables move on with each item. */
  operation: Operation & { variables: Record<string, unknown> };
  /** Whether it begins with what happens from now on. */
  beginsNow(): boolean;
  /** Takes note of an item, and leaves of it what was asked for. */
  advance(item: Result): Result;
  /** Takes note that nothing is missing up to this cursor. */
  reach(cursor: unknown): void;
}

/** A field of an item, and the argument that makes a subscription go on behind that item. */
interface Place {
  field: string;
  argument: string;
  type: string;
}

interface Binding extends Place {
  variable: string;
  isNew: boolean;
}

const CURSOR: Place[] = [{ field: "cursor", argument: "after", type: "Cursor" }];
const BYTES: Place[] = [
  { field: "attempt", argument: "attempt", type: "Int" },
  { field: "nextOffset", argument: "fromOffset", type: "Long" },
];

export function resumable({ query, variables, operationName }: Operation): Resumable {
  const values: Record<string, unknown> = { ...variables };
  const document = parse(query);
  const definition = getOperationAST(document, operationName);
  const root = definition?.selectionSet.selections[0];
  if (!definition || root?.kind !== Kind.FIELD) {
    const operation = { query, variables: values, operationName };
    return { operation, beginsNow: () => false, advance: (item) => item, reach() {} };
  }

  const places = root.name.value === "taskLog" ? BYTES : CURSOR;
  const bindings = places.map((place) => bind(place, root, values));
  const cursor = bindings.find(({ argument }) => argument === "after");
  const key = root.alias?.value ?? root.name.value;
  return {
    operation: { query: print(rewrite(document, definition, root, bindings)), variables: values, operationName },
    beginsNow: () => cursor !== undefined && values[cursor.variable] == null,
    advance(item) {
      const entry = item.data?.[key];
      if (typeof entry !== "object" || entry === null) return item;
      const shown: Record<string, unknown> = { ...entry };
      for (const { field, variable } of bindings) {
        values[variable] = shown[alias(field)];
        delete shown[alias(field)];
      }
      return { ...item, data: { ...item.data, [key]: shown } };
    },
    reach(position) {
      if (cursor && typeof position === "string") values[cursor.variable] = position;
    },
  };
}

/** The variable that holds the argument: somebody's own, or one of ours with the same value. */
function bind(place: Place, root: FieldNode, values: Record<string, unknown>): Binding {
  const given = root.arguments?.find(({ name }) => name.value === place.argument)?.value;
  if (given?.kind === Kind.VARIABLE) return { ...place, variable: given.name.value, isNew: false };
  const variable = alias(place.argument);
  if (given) values[variable] = valueFromASTUntyped(given, values);
  return { ...place, variable, isNew: true };
}

function rewrite(
  document: DocumentNode,
  definition: OperationDefinitionNode,
  root: FieldNode,
  bindings: Binding[],
): DocumentNode {
  const extra = additions(bindings);
  const [extraRoot] = extra.selectionSet.selections as readonly FieldNode[];
  const isOurs = (name: string) => bindings.some(({ argument }) => argument === name);
  const field: FieldNode = {
    ...root,
    arguments: [...(root.arguments ?? []).filter(({ name }) => !isOurs(name.value)), ...extraRoot!.arguments!],
    selectionSet: {
      kind: Kind.SELECTION_SET,
      selections: [...(root.selectionSet?.selections ?? []), ...extraRoot!.selectionSet!.selections],
    },
  };
  const operation: OperationDefinitionNode = {
    ...definition,
    variableDefinitions: [...(definition.variableDefinitions ?? []), ...(extra.variableDefinitions ?? [])],
    selectionSet: {
      ...definition.selectionSet,
      selections: definition.selectionSet.selections.map((selection) => (selection === root ? field : selection)),
    },
  };
  return { ...document, definitions: document.definitions.map((it) => (it === definition ? operation : it)) };
}

function additions(bindings: Binding[]): OperationDefinitionNode {
  const variables = bindings.filter(({ isNew }) => isNew).map(({ variable, type }) => `$${variable}: ${type}`);
  const header = variables.length > 0 ? `(${variables.join(" ")})` : "";
  const taken = bindings.map(({ argument, variable }) => `${argument}: $${variable}`);
  const asked = bindings.map(({ field }) => `${alias(field)}: ${field}`);
  const document = parse(`subscription${header} { root(${taken.join(" ")}) { ${asked.join(" ")} } }`);
  return getOperationAST(document)!;
}

function alias(name: string): string {
  return `resume_${name}`;
}
