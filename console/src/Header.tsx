import { useEffect, useState } from "react";
import { Account } from "./Account";
import { post } from "./http";
import mark from "./slipway.svg";

export function Header() {
  return (
    <header className="brand">
      <img src={mark} alt="" width="24" height="24" />
      <h1>Slipway</h1>
      <p>
        A cloud control plane as one graph <Cluster />
      </p>
      <a href="/schema.graphql" target="_blank" rel="noreferrer">
        Schema
      </a>
      <Account />
    </header>
  );
}

/** Says that nothing real runs, where that is so. */
function Cluster() {
  const [isSimulated, setSimulated] = useState(false);
  useEffect(() => {
    void post({ query: "{ platform { targets { simulated } } }" }).then(({ result }) => {
      const platform = result.data?.platform as { targets: { simulated: boolean }[] } | undefined;
      setSimulated(platform?.targets.some(({ simulated }) => simulated) ?? false);
    });
  }, []);
  return isSimulated && <span className="badge">simulated cluster</span>;
}
