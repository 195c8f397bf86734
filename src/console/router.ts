import { signal } from '@preact/signals';

/** Where the page is: `#/door/ID` is `{ view: 'door', id: 'ID' }`. */
export interface PageAddress {
  readonly view: string;
  readonly id: string | undefined;
  readonly query: URLSearchParams;
}

const read = (): PageAddress => {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [view = '', id] = path.split('/');
  return {
    view: view === '' ? 'doors' : view,
    id: id === undefined || id === '' ? undefined : decodeURIComponent(id),
    query: new URLSearchParams(query),
  };
};

export const place = signal<PageAddress>(read());

/** Called once: follows the address, and puts the reader at the top of each new view. */
export function followAddress(): void {
  addEventListener('hashchange', () => {
    const before = place.value;
    place.value = read();
    if (before.view === place.value.view && before.id === place.value.id) return;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
  });
}

export const linkTo = (view: string, id?: string): string =>
  `#/${view}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;
