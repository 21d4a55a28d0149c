import { type FormEvent } from "react";
import { enter, signOut, useSession } from "./session";

/** Who is signed in. */
export function Account() {
  const { accessToken = "", name, notice } = useSession();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = String(new FormData(event.currentTarget).get("token"));
    if (entered !== accessToken) enter(entered);
  };
  return (
    <form className="account" onSubmit={submit} onBlur={(event) => event.currentTarget.requestSubmit()}>
      <span role="status">{notice ?? (accessToken && (name ? `Signed in as ${name}` : "Signed in"))}</span>
      <input
        key={accessToken}
        name="token"
        type="password"
        aria-label="Access token"
        placeholder="Access token: a login fills it"
        autoComplete="off"
        defaultValue={accessToken}
      />
      {accessToken && (
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      )}
    </form>
  );
}
