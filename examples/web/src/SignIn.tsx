import { type FormEvent, useState } from 'react';
import { reason } from './reason.ts';
import { Session } from './session.ts';

export function SignIn({ onSignIn }: { onSignIn: (session: Session) => void }) {
  const [isNew, setNew] = useState(false);
  const [problem, setProblem] = useState<string>();

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const enter = isNew ? Session.register : Session.login;
    try {
      onSignIn(await enter(String(form.get('email')), String(form.get('password'))));
    } catch (error) {
      setProblem(reason(error));
    }
  }

  return (
    <form className="sign-in card" onSubmit={submit}>
      <h1>Slipway</h1>
      <label>
        E-mail
        <input name="email" type="email" autoComplete="username" required />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autoComplete={isNew ? 'new-password' : 'current-password'}
          minLength={8}
          required
        />
      </label>
      {problem && <p role="alert">{problem}</p>}
      <button>{isNew ? 'Open an account' : 'Sign in'}</button>
      <button type="button" className="quiet" onClick={() => setNew(!isNew)}>
        {isNew ? 'I have an account' : 'I am new here'}
      </button>
    </form>
  );
}
