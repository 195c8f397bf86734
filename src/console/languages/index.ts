import { signal } from '@preact/signals';
import { de } from './de.ts';
import { en, type Words } from './en.ts';

export type Language = 'en' | 'de';
const all: Readonly<Record<Language, Words>> = { en, de };
const KEPT = 'strikeplate.language';

const first = (): Language => {
  const kept = localStorage.getItem(KEPT);
  if (kept === 'en' || kept === 'de') return kept;
  return navigator.language.startsWith('de') ? 'de' : 'en';
};

export const language = signal<Language>(first());

export function choose(next: Language): void {
  localStorage.setItem(KEPT, next);
  language.value = next;
  document.documentElement.lang = next;
}

/** The words of the language that is chosen; read while drawing, so that a change draws again. */
export const words = (): Words => all[language.value];
