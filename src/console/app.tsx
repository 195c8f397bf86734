import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { signOut } from './api.ts';
import { choose, language, words } from './languages/index.ts';
import { unfollow } from './live.ts';
import { Icon } from './parts/icon.tsx';
import { Empty } from './parts/states.tsx';
import { isViewOfOne, places, placesOfOne, type ViewName, type ViewOfOne } from './places.ts';
import { linkTo, place } from './router.ts';
import { connection, forgetAll, may, session } from './state.ts';
import { clockTime } from './time.ts';
import { AttemptsView, AttemptView } from './views/attempts.tsx';
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

/** Each view of one thing; another thing is another view. */
const ofOne: Readonly<Record<ViewOfOne, (props: { readonly id: string }) => VNode | null>> = {
  door: DoorView,
  attempt: AttemptView,
  grant: GrantView,
};

/** `id` is a part of the view, or, of noise, the sensor. */
const whole: Readonly<Record<ViewName, (props: { readonly id: string | undefined }) => VNode>> = {
  doors: DoorsView,
  attempts: AttemptsView,
  codes: CodesView,
  noise: NoiseView,
  box: BoxView,
};

function View() {
  const { view, id } = place.value;
  if (isViewOfOne(view) && id !== undefined) {
    const One = ofOne[view];
    return <One key={id} id={id} />;
  }
  const Whole = whole[(Object.hasOwn(whole, view) ? view : 'doors') as ViewName];
  // What was looked for in one list is not what is looked for in the other.
  return <Whole key={view === 'attempts' ? id : view} id={id} />;
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
  const name = typeof session.value === 'object' ? session.value.gateway.name : '';
  const within = isViewOfOne(open) ? placesOfOne[open] : open;
  const called = nav[(Object.hasOwn(places, within) ? within : 'doors') as ViewName];
  // What a tab, a bookmark and a screen reader call it.
  useEffect(() => {
    document.title = `${called} · ${name}`;
  }, [called, name]);
  return (
    <nav aria-label={nav.label}>
      {views.map(([view, icon]) => (
        <a key={view} href={linkTo(view)} aria-current={within === view ? 'page' : undefined}>
          <Icon name={icon} />
          <span>{nav[view]}</span>
        </a>
      ))}
    </nav>
  );
}
