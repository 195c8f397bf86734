/** Drawn for this page on a grid of 24: an icon never stands for a word alone. */
const paths = {
  strike: 'M6 3h9a3 3 0 0 1 3 3v12a3 3 0 0 1-3 3H6zM10 9v6M18 10h-4v4h4',
  door: 'M6 21V4l10-1v19zM16 5h3v16h-3M12 12v1',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2',
  key: 'M8 15a4 4 0 1 1 3.5-5.9L20 9v3h-2v2h-3v-2h-2.6A4 4 0 0 1 8 15zM7.5 11v.1',
  noise: 'M4 10v4M8 7v10M12 4v16M16 8v8M20 11v2',
  box: 'M4 7h16v10H4zM7 17v2M17 17v2M8 12h.1M12 12h5',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20a7 7 0 0 1 14 0',
  warning: 'M12 4 3 20h18zM12 10v4M12 17v.1',
  locked: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  unlocked: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.8-1.2',
  unknown: 'M9 9a3 3 0 1 1 4 2.8c-.8.3-1 .9-1 1.7M12 17v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  good: 'm5 12 5 5L19 7',
  bad: 'm6 6 12 12M18 6 6 18',
  busy: 'M12 3a9 9 0 1 1-9 9',
  none: 'M4 12a8 8 0 1 0 16 0 8 8 0 1 0-16 0M8 12h8',
  away: 'M4 9a12 12 0 0 1 16 0M7 13a7 7 0 0 1 6-2M12 18v.1M4 4l16 16',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M15 4.3a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5',
  space: 'M4 20V9l8-6 8 6v11zM10 20v-6h4v6',
  ear: 'M8 9a4.5 4.5 0 1 1 8 3c-1 1-2 1.6-2 3.5A3.5 3.5 0 0 1 8 18M11 10a1.7 1.7 0 1 1 3 1',
  battery: 'M3 8h15v8H3zM18 11h3v2h-3M6 11v2',
  link: 'M9 15l6-6M8 11l-2 2a3.5 3.5 0 0 0 5 5l2-2M16 13l2-2a3.5 3.5 0 0 0-5-5l-2 2',
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg class={`icon ${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={paths[name]} />
  </svg>
);
