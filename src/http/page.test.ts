import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import { type Page, type PageRequest, pageByAge, pageOfDevices } from './page.ts';

/** Reads a list to its end, page by page, while it changes between them. */
function readAll<Item>(limit: number, page: (request: PageRequest) => Page<Item>, change: (turn: number) => void) {
  const items: Item[] = [];
  for (let turn = 0, cursor: string | null = null; turn < 1_000; turn++) {
    const { items: more, pagination } = page({
      route: '/some/list',
      url: 'http://127.0.0.1/some/list',
      params: { limit, ...(cursor !== null && { page_cursor: cursor }) },
    });
    items.push(...more);
    cursor = pagination.next_page_cursor;
    if (cursor === null) return items;
    change(turn);
  }
  throw new Error('the list has no end');
}

const limit = fc.integer({ min: 1, max: 4 });
const which = fc.array(fc.array(fc.nat({ max: 11 }), { maxLength: 3 }), { maxLength: 12 });

describe('a list that is read page by page while it changes', () => {
  it('oldest first: gives once what was there all along, whatever the clock and the ids did', () => {
    const row = fc.record({ createdAt: fc.integer({ min: 0, max: 5 }), id: fc.uuid() });
    const rows = fc.uniqueArray(row, { selector: ({ id }) => id, maxLength: 12 });
    fc.assert(
      fc.property(rows, rows, limit, which, (atFirst, later, most, gone) => {
        const now = [...atFirst];
        const removed = new Set<string>();
        const read = readAll(
          most,
          (request) => pageByAge(request, now, ({ id }) => id),
          (turn) => {
            for (const index of gone[turn] ?? []) {
              const [out] = now.splice(index % Math.max(1, now.length), 1);
              if (out) removed.add(out.id);
            }
            const fresh = later[turn];
            if (fresh !== undefined) now.push(fresh);
          },
        ).map(({ id }) => id);
        expect(new Set(read).size).toBe(read.length);
        for (const { id } of atFirst) if (!removed.has(id)) expect(read).toContain(id);
      }),
    );
  });

  it('of devices: gives once what was there all along, whatever is taken out, set aside or added', () => {
    const name = (index: number) => `device-${index}`;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), limit, which, which, (count, most, gone, aside) => {
        let roster = Array.from({ length: count }, (_, index) => ({ deviceId: name(index) }) as DeviceSnapshot);
        const [removed, setAside] = [new Set<string>(), new Set<string>()];
        const read = readAll(
          most,
          (request) =>
            pageOfDevices(
              request,
              roster.filter(({ deviceId }) => !setAside.has(deviceId)),
              roster,
            ),
          (turn) => {
            // One of two neighbours stays: a list of which both are gone says so.
            for (const index of gone[turn] ?? []) if (index % 2 === 0) removed.add(name(index));
            for (const index of aside[turn] ?? []) setAside.add(name(index));
            roster = roster.filter(({ deviceId }) => !removed.has(deviceId));
            roster.push({ deviceId: `fresh-${turn}` } as DeviceSnapshot);
            if (turn > 20) setAside.add(`fresh-${turn}`);
          },
        ).map(({ deviceId }) => deviceId);
        expect(new Set(read).size).toBe(read.length);
        for (let index = 0; index < count; index++)
          if (!removed.has(name(index)) && !setAside.has(name(index))) expect(read).toContain(name(index));
      }),
    );
  });

  it('of devices: says so when those are gone at which the next page would begin', () => {
    const devices = ['a', 'b', 'c'].map((deviceId) => ({ deviceId }) as DeviceSnapshot);
    const request = { route: '/devices/list', url: 'http://127.0.0.1/devices/list', params: { limit: 1 } };
    const { next_page_cursor: cursor } = pageOfDevices(request, devices, devices).pagination;
    const again = { ...request, params: { ...request.params, page_cursor: cursor ?? '' } };
    const left = devices.slice(2);
    expect(() => pageOfDevices(again, left, left)).toThrow(
      expect.objectContaining({ type: 'mismatched_page_parameters' }),
    );
  });
});
