import { describe, expect, it } from 'vitest';
import { Secret, type ZwaveReport } from '../../../src/contract/index.ts';
import { zwaveDoor } from '../../../test/kit/locks/zwave-door.ts';
import { lastOf } from '../../../test/kit/locks/zwave-node.ts';

describe('what a node tells', () => {
  const rows: readonly (readonly [report: ZwaveReport, told: object])[] = [
    [
      { report: 'bolt', bolt: 'unsecured' },
      { kind: 'lock_state', state: 'unlocked' },
    ],
    [
      { report: 'bolt', bolt: 'between' },
      { kind: 'lock_state', state: 'unknown' },
    ],
    [
      { report: 'operated', operation: 'unlocked', by: 'keypad', slot: 3 },
      { kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 3 },
    ],
    [
      { report: 'operated', operation: 'locked', by: 'automatic' },
      { kind: 'lock_operated', operation: 'locked', method: 'automatic' },
    ],
    [{ report: 'jammed' }, { kind: 'lock_operated', operation: 'jammed', method: 'unknown' }],
    [{ report: 'access_denied' }, { kind: 'lock_operated', operation: 'access_denied', method: 'keycode' }],
    [
      { report: 'door', contact: 'open' },
      { kind: 'door', contact: 'open' },
    ],
    [
      { report: 'code_changed', slot: 2, occupied: false },
      { kind: 'code_slot', slot: 2, occupied: false },
    ],
    [{ report: 'all_codes_deleted' }, { kind: 'code_slot', slot: 3, occupied: false }],
    [
      { report: 'battery', percent: 64, low: false },
      { kind: 'battery', level: 0.64, low: false },
    ],
    [
      { report: 'battery', percent: 0, low: true },
      { kind: 'battery', level: undefined, low: true },
    ],
    [{ report: 'tamper' }, { kind: 'tamper' }],
  ];
  it.each(rows)('%j', async (report, told) => {
    const { node, reports } = await zwaveDoor();
    node.tell(report);
    expect(reports).toContainEqual(told);
  });

  it('a code that the gateway writes itself is no news', async () => {
    const { clock, node, reports, code } = await zwaveDoor();
    const ended = code((codes, ctx) => codes.set(ctx, { slot: 1, label: 'sp-1', code: new Secret('481516') }));
    await clock.until(node.commandLeaves());
    node.tell({ report: 'code_changed', slot: 1, occupied: true });
    await ended;
    expect(lastOf(reports, 'code_slot')).toBeUndefined();
    node.tell({ report: 'code_changed', slot: 1, occupied: false });
    expect(lastOf(reports, 'code_slot')).toEqual({ kind: 'code_slot', slot: 1, occupied: false });
  });
});

describe('how a node is', () => {
  it.each([
    ['missing', { status: 'misconfigured', reason: 'wrong_settings' }],
    ['dead', { status: 'offline', reason: 'not_answering' }],
    ['asleep', { status: 'not_ready', reason: 'asleep' }],
    ['interviewing', { status: 'not_ready', reason: 'interviewing' }],
    ['ready', { status: 'online' }],
  ] as const)('%s', async (status, health) => {
    const { node, reports } = await zwaveDoor();
    node.become(status);
    expect(lastOf(reports, 'health')?.health).toMatchObject(health);
  });

  it('is asked once when it comes back, and not again', async () => {
    const { clock, node, reports } = await zwaveDoor();
    const asked = () => reports.filter(({ kind }) => kind === 'lock_state').length;
    const before = asked();
    node.become('dead');
    node.become('ready');
    await clock.advance(600_000);
    expect(asked()).toBe(before + 1);
  });

  it('a noise sensor may sleep between its reports, and tells its level with its scale', async () => {
    const { node, reports, device } = await zwaveDoor({
      settings: { kind: 'noise' },
      prepare: (it) => {
        it.features = { lock: undefined, codes: undefined, loudness: true };
      },
    });
    node.become('asleep');
    expect(lastOf(reports, 'health')?.health).toEqual({ status: 'online' });
    node.tell({ report: 'loudness', level: 71.5, scale: 'dBA' });
    expect(lastOf(reports, 'noise')).toEqual({ kind: 'noise', level: 71.5, metric: 'dBA' });
    expect(device.lock).toBeUndefined();
    await device.close();
    expect(node.listeners).toBe(0);
  });
});
