import { Button, pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect } from "react";
import { turnAway, useLive } from "./live";
import { STEPS, useLastStep } from "./walkthrough";

/** Below the result: how a subscription fares, and the way to the next step. */
export function Guide() {
  const { tabs, activeTabIndex } = useGraphiQL(pick("tabs", "activeTabIndex"));
  const { changeTab } = useGraphiQLActions();
  const lastStep = useLastStep();
  const { id, title } = tabs[activeTabIndex] ?? {};
  useEffect(turnAway, [id]);
  const step = STEPS.find(({ name }) => name === title);
  const isDone = step !== undefined && step.name === lastStep;
  const next = isDone ? tabs.findIndex((tab) => tab.title === step.next) : -1;
  return (
    <div className="guide">
      <LiveState />
      <span>{isDone ? step.done : step?.about}</span>
      {next >= 0 && (
        <Button type="button" onClick={() => changeTab(next)}>
          Next: {step!.next}
        </Button>
      )}
    </div>
  );
}

function LiveState() {
  const { state, received, resumed } = useLive();
  if (state === "idle") return null;
  const items = received === 1 ? "1 item" : `${received} items`;
  return (
    <span className={`live ${state}`} role="status">
      {[state, items, resumed > 0 && `resumed ${resumed}×`].filter(Boolean).join(" · ")}
    </span>
  );
}
