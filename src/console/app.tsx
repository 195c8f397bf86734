import { useSignal } from '@preact/signals';
import { signOut } from './api.ts';
import { choose, language, words } from './languages/index.ts';
import { unfollow } from './live.ts';
import { Icon } from './parts/icon.tsx';
import { Empty } from './parts/states.tsx';
import { linkTo, place } from './router.ts';
import { connection, forgetAll, may, session } from './state.ts';
import { clockTime } from './time.ts';
import { AttemptView } from './views/attempt.tsx';
import { AttemptsView } from './views/attempts.tsx';
import { BoxView } from './views/box.tsx';
import { CodesView } from './views/codes.tsx';
import { DoorView } from './views/door.tsx';
import { DoorsView } from './views/doors.tsx';
import { GrantView } from './views/grant.tsx';
import { NoiseView } from './views/noise.tsx';
import { SignIn } from './views/sign-in.tsx';

const views = [
  ['doors', 'door'],
  ['attempts', 'clock'],
  ['codes', 'key'],
  ['noise', 'noise'],
  ['box', 'box'],
] as const;

export function App() {
  const current = session.value;
  if (current === 'unknown')
    return (
      <div class="splash" role="status">
        {words().common.loading}
      </div>
    );
  if (current === undefined) return <SignIn />;
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>('main')?.focus()}>
        {words().nav.skip}
      </button>
      <Header />
      <Navigation />
      <main id="main" tabIndex={-1}>
        <Banner />
        {may('read') ? <View /> : <Empty icon="locked">{words().session.noRead}</Empty>}
      </main>
    </div>
  );
}

function View() {
  const { view, id } = place.value;
  if (view === 'door' && id !== undefined) return <DoorView key={id} id={id} />;
  if (view === 'attempt' && id !== undefined) return <AttemptView key={id} id={id} />;
  if (view === 'grant' && id !== undefined) return <GrantView key={id} id={id} />;
  if (view === 'attempts') return <AttemptsView key={id} part={id} />;
  if (view === 'codes') return <CodesView part={id} />;
  if (view === 'noise') return <NoiseView id={id} />;
  if (view === 'box') return <BoxView part={id} />;
  return <DoorsView />;
}

function Header() {
  const current = session.value;
  if (typeof current !== 'object') return null;
  const leave = async () => {
    unfollow();
    await signOut().catch(() => undefined);
    forgetAll();
  };
  return (
    <header class="top">
      <span class="brand">
        <Icon name="strike" />
        <span>{current.gateway.name}</span>
      </span>
      <LiveMark />
      <AccountMenu name={current.name} onLeave={leave} />
    </header>
  );
}

function AccountMenu({ name, onLeave }: { readonly name: string; readonly onLeave: () => void }) {
  const isOpen = useSignal(false);
  const { session: text, settings } = words();
  return (
    <div class="account">
      <button
        type="button"
        class="quiet"
        aria-expanded={isOpen.value}
        aria-label={text.as(name)}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <Icon name="person" />
      </button>
      {isOpen.value && (
        <div class="menu">
          <p>{text.as(name)}</p>
          <label>
            {settings.language}
            <select
              value={language.value}
              onChange={(event) => choose(event.currentTarget.value === 'de' ? 'de' : 'en')}
            >
              <option value="en">English</option>
              <option value="de">Deutsch</option>
            </select>
          </label>
          <button type="button" onClick={onLeave}>
            {text.out}
          </button>
        </div>
      )}
    </div>
  );
}

function LiveMark() {
  const { live } = words();
  const { status } = connection.value;
  const text = status === 'live' ? live.live : live.connecting;
  return (
    <span class={`live ${status}`} role="status">
      <span class="dot" aria-hidden="true" />
      {text}
    </span>
  );
}

function Banner() {
  const current = connection.value;
  if (current.status !== 'lost') return null;
  return (
    <p class="banner" role="alert">
      <Icon name="away" /> {words().live.lost(clockTime(current.since))}
    </p>
  );
}

function Navigation() {
  const { nav } = words();
  const open = place.value.view;
  const of: Readonly<Record<string, string>> = { door: 'doors', attempt: 'attempts', grant: 'codes' };
  return (
    <nav aria-label={nav.label}>
      {views.map(([view, icon]) => (
        <a key={view} href={linkTo(view)} aria-current={(of[open] ?? open) === view ? 'page' : undefined}>
          <Icon name={icon} />
          <span>{nav[view]}</span>
        </a>
      ))}
    </nav>
  );
}
