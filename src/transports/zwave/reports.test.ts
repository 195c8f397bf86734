import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { ZWaveNode } from 'zwave-js';
import type { ZwaveReport } from '../../contract/index.ts';
import { boltOf, cc, listenTo } from './reports.ts';

const ACCESS_CONTROL = 6;

/** A node's events as zwave-js 15.29.0 emits them, without a radio. */
function node(options: { readonly slots?: number; readonly asked?: boolean } = {}) {
  const events = new EventEmitter();
  const told: ZwaveReport[] = [];
  const values = { getCCVersion: () => 4, getValue: () => undefined, getValueMetadata: () => ({}) };
  const stop = listenTo(Object.assign(events, values) as unknown as ZWaveNode, {
    tell: (report) => told.push(report),
    isBoltAsked: () => options.asked ?? false,
    slots: () => options.slots,
  });
  const mode = (newValue: unknown, commandClass: number = cc.doorLock, property = 'currentMode') =>
    events.emit('value updated', events, { commandClass, property, newValue });
  const notify = (event: number, userId?: unknown) =>
    events.emit('notification', events, cc.notification, {
      type: ACCESS_CONTROL,
      event,
      ...(userId !== undefined && { parameters: { userId } }),
    });
  const settle = () => Promise.resolve();
  return { told, mode, notify, settle, stop, events };
}

describe('the modes of a door lock', () => {
  it.each([
    [0x00, 'unsecured'],
    [0x01, 'unsecured'],
    [0x10, 'inside_only'],
    [0x11, 'inside_only'],
    [0x20, 'unsecured'],
    [0x21, 'unsecured'],
    [0xfe, 'between'],
    [0xff, 'secured'],
  ])('0x%s is %s', (mode, bolt) => {
    expect(boltOf(mode)).toBe(bolt);
  });

  it('that the standard does not have are not known, and no other is half way', () => {
    const listed = new Set([0x00, 0x01, 0x10, 0x11, 0x20, 0x21, 0xfe, 0xff]);
    for (let mode = 0; mode <= 0xff; mode++) if (!listed.has(mode)) expect(boltOf(mode)).toBe('unknown');
    for (const none of [undefined, null, '255', {}]) expect(boltOf(none)).toBe('unknown');
  });
});

describe('what a node says of its bolt', () => {
  it('by its own class is told', async () => {
    const { told, mode, settle } = node();
    mode(0xff);
    await settle();
    mode(false, cc.lock, 'locked');
    await settle();
    expect(told).toEqual([
      { report: 'bolt', bolt: 'secured' },
      { report: 'bolt', bolt: 'unsecured' },
    ]);
  });

  it.each([
    [1, 0xff, 'locked', 'manual'],
    [2, 0x00, 'unlocked', 'manual'],
    [3, 0xff, 'locked', 'radio'],
    [4, 0x00, 'unlocked', 'radio'],
    [5, 0xff, 'locked', 'keypad'],
    [6, 0x00, 'unlocked', 'keypad'],
    [9, 0xff, 'locked', 'automatic'],
  ] as const)('by notification %i alone is told once, as what it is', async (event, implied, operation, by) => {
    const { told, mode, notify, settle } = node();
    // The library writes the mode first.
    mode(implied);
    notify(event);
    await settle();
    expect(told).toEqual([{ report: 'operated', operation, by }]);
  });

  it('as the answer to a question is no report', async () => {
    const { told, mode, settle } = node({ asked: true });
    mode(0xff);
    await settle();
    expect(told).toEqual([]);
  });
});

describe('who operated the lock', () => {
  it.each([0, 251, 252, 255, 0xffff])('is nobody who has a slot: user %i', async (userId) => {
    for (const slots of [undefined, 30]) {
      const { told, notify } = node({ ...(slots !== undefined && { slots }) });
      notify(6, userId);
      notify(13, userId);
      expect(told).toEqual([
        { report: 'operated', operation: 'unlocked', by: 'keypad' },
        { report: 'code_changed', slot: undefined, occupied: false },
      ]);
    }
  });

  it.each([1, 30])('is whoever has the slot: user %i of 30', (userId) => {
    const { told, notify } = node({ slots: 30 });
    notify(6, userId);
    expect(told).toEqual([{ report: 'operated', operation: 'unlocked', by: 'keypad', slot: userId }]);
  });

  it('is not in a slot that the lock does not have, and may be in one that only large locks have', () => {
    const small = node({ slots: 30 });
    small.notify(6, 31);
    const large = node({ slots: 500 });
    large.notify(6, 251);
    expect([...small.told, ...large.told]).toEqual([
      { report: 'operated', operation: 'unlocked', by: 'keypad' },
      { report: 'operated', operation: 'unlocked', by: 'keypad', slot: 251 },
    ]);
  });
});
