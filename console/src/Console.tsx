import { GraphiQL } from "graphiql";
import { fetcher } from "./fetcher";
import { useFilledVariables } from "./flow";
import { Guide } from "./Guide";
import { Header } from "./Header";
import { storage } from "./storage";
import { STEPS } from "./walkthrough";

const TABS = STEPS.map(({ query, variables }) => ({
  query,
  variables: variables ? JSON.stringify(variables, null, 2) : null,
}));

const NOTE = "# Ctrl+Space completes, Ctrl+Enter runs; the book at the left is the documentation.\n\n";

export function Console() {
  return (
    <>
      <Header />
      <GraphiQL
        fetcher={fetcher}
        storage={storage}
        defaultTabs={TABS}
        defaultQuery={NOTE}
        defaultEditorToolsVisibility="variables"
      >
        <GraphiQL.Logo>
          <FilledVariables />
        </GraphiQL.Logo>
        <GraphiQL.Footer>
          <Guide />
        </GraphiQL.Footer>
      </GraphiQL>
    </>
  );
}

function FilledVariables() {
  useFilledVariables();
  return null;
}
