// What results have shown goes into the variables of the next operations.
import { pick, useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";
import { createStore, useStore } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

/** By the prefixes of ids, the variables that take them. */
const VARIABLES: Record<string, string> = {
  inst: "instance",
  ord: "order",
  prod: "product",
  task: "task",
  ten: "tenant",
  user: "user",
};

type Values = Record<string, string>;

interface Flow {
  /** By the names of variables, the latest. */
  latest: Values;
  /** All of them, to tell what was filled in from what somebody wrote. */
  seen: string[];
}

const flow = createStore<Flow>()(
  persist<Flow>(() => ({ latest: {}, seen: [] }), {
    name: "slipway:flow",
    storage: createJSONStorage(() => sessionStorage),
  }),
);

export function learn(data: unknown): void {
  const found: Values = {};
  search(data, found);
  const values = Object.values(found);
  if (values.length === 0) return;
  flow.setState(({ latest, seen }) => ({
    latest: { ...latest, ...found },
    seen: [...seen.filter((value) => !values.includes(value)), ...values].slice(-200),
  }));
}

/** The first of each kind, and the workflow of a mutation with the cursor from just before it. */
function search(value: unknown, found: Values): void {
  if (typeof value !== "object" || value === null) return;
  const { id, cursor, workflow } = value as Record<string, unknown>;
  const variable = typeof id === "string" && VARIABLES[id.split("_", 1)[0]!];
  if (variable) found[variable] ??= id;
  if (typeof cursor === "string" && typeof workflow === "object" && workflow !== null && "id" in workflow) {
    found.workflow ??= workflow.id as string;
    found.after ??= cursor;
  }
  for (const part of Object.values(value)) search(part, found);
}

/** Fills the variables of the tab that is in front. */
export function useFilledVariables(): void {
  const { latest, seen } = useStore(flow);
  const { tabs, activeTabIndex, variableEditor } = useGraphiQL(pick("tabs", "activeTabIndex", "variableEditor"));
  const tab = tabs[activeTabIndex];
  useEffect(() => {
    // GraphiQL begins without the variables of its first tab.
    const text = variableEditor?.getValue() || tab?.variables;
    const filled = text && (fill(text, latest, seen) ?? text);
    if (filled && filled !== variableEditor?.getValue()) variableEditor?.setValue(filled);
  }, [tab?.id, variableEditor, latest, seen]);
}

/** What somebody wrote stays. */
function fill(text: string, latest: Values, seen: string[]): string | undefined {
  try {
    const variables = JSON.parse(text) as Record<string, unknown>;
    const isOurs = (value: unknown) => value === "" || seen.includes(value as string);
    const stale = Object.keys(variables).filter(
      (name) => latest[name] && latest[name] !== variables[name] && isOurs(variables[name]),
    );
    if (stale.length === 0) return undefined;
    for (const name of stale) variables[name] = latest[name];
    return JSON.stringify(variables, null, 2);
  } catch {
    return undefined;
  }
}
