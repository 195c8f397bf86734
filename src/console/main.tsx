import { render } from 'preact';
import { currentSession, whenSignedOut } from './api.ts';
import { App } from './app.tsx';
import { keepFocus } from './focus.ts';
import { language } from './languages/index.ts';
import { follow, unfollow } from './live.ts';
import { followAddress } from './router.ts';
import { endSession, session } from './state.ts';

document.documentElement.lang = language.value;
followAddress();
keepFocus();
whenSignedOut(() => session.peek(), endSession);
// Whoever signs in is followed, whoever is signed out hears nothing more: also from another tab's cookie.
session.subscribe((current) => {
  if (typeof current === 'object') follow();
  else if (current === undefined) unfollow();
});

const root = document.getElementById('app');
if (root !== null) render(<App />, root);

async function begin(): Promise<void> {
  try {
    session.value = await currentSession();
  } catch {
    // The gateway is away: ask again until it answers.
    setTimeout(begin, 1_500);
  }
}
void begin();
