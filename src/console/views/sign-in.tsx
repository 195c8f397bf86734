import { useSignal } from '@preact/signals';
import { ApiError, signIn } from '../api.ts';
import { choose, language, words } from '../languages/index.ts';
import { Icon } from '../parts/icon.tsx';
import { session, wasEnded } from '../state.ts';

export function SignIn() {
  const { session: text, settings } = words();
  const key = useSignal('');
  const problem = useSignal<string | undefined>(undefined);
  const isBusy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = undefined;
    try {
      const { session: opened } = await signIn(key.value);
      key.value = '';
      wasEnded.value = false;
      session.value = opened;
    } catch (error) {
      const type = error instanceof ApiError ? error.type : 'unreachable';
      problem.value =
        type === 'unreachable' ? text.unreachable : type === 'rate_limit_exceeded' ? text.tooMany : text.wrong;
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <h1>
          <Icon name="strike" /> Strikeplate
        </h1>
        <p>{text.intro}</p>
        {wasEnded.value && problem.value === undefined && (
          <p class="stale" role="status">
            <Icon name="locked" /> {text.ended}
          </p>
        )}
        <label>
          {text.key}
          <input
            type="password"
            autoComplete="current-password"
            spellcheck={false}
            required
            value={key.value}
            onInput={(event) => {
              key.value = event.currentTarget.value;
            }}
            aria-describedby="key-hint"
          />
        </label>
        <p id="key-hint" class="hint">
          {text.hint} <code>strikeplate keys create --name NAME</code>
        </p>
        {problem.value !== undefined && (
          <p class="failure" role="alert">
            <Icon name="warning" /> {problem.value}
          </p>
        )}
        <button type="submit" aria-disabled={isBusy.value}>
          {isBusy.value ? text.busy : text.submit}
        </button>
      </form>
      <label class="language">
        {settings.language}
        <select value={language.value} onChange={(event) => choose(event.currentTarget.value === 'de' ? 'de' : 'en')}>
          <option value="en">English</option>
          <option value="de">Deutsch</option>
        </select>
      </label>
    </main>
  );
}
