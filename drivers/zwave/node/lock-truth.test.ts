import { describe, expect, it } from 'vitest';
import type { GatewayError } from '../../../src/contract/index.ts';
import { zwaveDoor } from '../../../test/kit/locks/zwave-door.ts';

const error = (type: string, delivery: string) => ({ error: expect.objectContaining({ type, delivery }) });
const done = { value: { wasConfirmedByDevice: true } };

describe('what a lock says to a command is no evidence', () => {
  it.each(['done', 'unsupervised', 'working'] as const)('%s, and the bolt did not move: not reached', async (said) => {
    const { node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 60_000;
    node.faults.says = { said };
    expect(await door('unlock')).toMatchObject(error('state_not_reached', 'maybe_sent'));
    expect(node.commands).toHaveLength(1);
  });

  it('a lock that asks for more time gets it', async () => {
    const { node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 15_000;
    node.faults.says = { said: 'working', remainingMs: 5_000 };
    expect(await door('unlock')).toMatchObject(done);
  });

  it.each([3_000, 4_500, 11_000])('a bolt that moves %i ms later is seen', async (ms) => {
    const { node, door } = await zwaveDoor();
    node.faults.actsAfterMs = ms;
    const ended = await door('unlock');
    expect(ended).toMatchObject(done);
    expect(ended.tookMs).toBeGreaterThanOrEqual(ms);
    // Reports wake it; otherwise it looks sparingly.
    expect(ended.tookMs).toBeLessThan(ms + 3_200);
  });

  it('a jam that came with "done" is a jam', async () => {
    const { node, door } = await zwaveDoor();
    node.faults.jams = true;
    node.faults.says = { said: 'done' };
    expect(await door('lock')).toMatchObject(error('lock_jammed', 'acted'));
  });

  it('a jam that is told, by a lock that says when it is asked that it stayed where it was, is a jam', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 60_000;
    clock.setTimer(() => node.tell({ report: 'jammed' }), 300);
    expect(await door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
  });

  it('a jam that is told, perhaps again, does not undo a bolt that is seen where it should be', async () => {
    const { clock, node, door } = await zwaveDoor();
    clock.setTimer(() => node.tell({ report: 'jammed' }), 150);
    expect(await door('unlock')).toMatchObject(done);
  });

  it('a jam of before is not one of this command', async () => {
    const { node, door } = await zwaveDoor();
    node.tell({ report: 'jammed' });
    expect(await door('unlock')).toMatchObject(done);
  });

  it('a bolt that stays between is a jam, one that passes is not', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.bolt = 'between';
    node.faults.actsAfterMs = 60_000;
    expect(await door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
    const slow = await zwaveDoor();
    slow.node.bolt = 'between';
    slow.node.faults.actsAfterMs = 2_500;
    expect(await slow.door('unlock')).toMatchObject(done);
    expect(clock.now()).toBeGreaterThan(0);
  });

  // A lock that was unlocked, and locked again, just before: it says the first again (zwave-js 9134).
  it.each([
    { report: 'bolt', bolt: 'unsecured' },
    { report: 'operated', operation: 'unlocked', by: 'radio' },
    { report: 'operated', operation: 'unlocked', by: 'manual' },
  ] as const)('a report that may be of before confirms nothing: %j', async (report) => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 60_000;
    for (const ms of [200, 1_000, 4_000, 9_000]) clock.setTimer(() => node.tell(report), ms);
    expect(await door('unlock')).toMatchObject(error('state_not_reached', 'maybe_sent'));
    expect(node.commands).toHaveLength(1);
  });

  it.each([
    { report: 'bolt', bolt: 'secured' },
    { report: 'operated', operation: 'locked', by: 'automatic' },
  ] as const)('nor does one deny anything: %j', async (report) => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 3_000;
    for (const ms of [200, 1_000, 3_500]) clock.setTimer(() => node.tell(report), ms);
    expect(await door('unlock')).toMatchObject(done);
  });

  it('somebody at the keypad is not this command, but the bolt they moved is', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 60_000;
    clock.setTimer(() => node.tell({ report: 'operated', operation: 'unlocked', by: 'keypad', slot: 2 }), 1_000);
    expect(await door('unlock')).toMatchObject(error('state_not_reached', 'maybe_sent'));
  });
});

describe('a lock that cannot be asked once the command left', () => {
  it.each(['silent', 'dead'] as const)('%s: the outcome is unknown, and why nobody could ask is said', async (how) => {
    const { clock, node, door } = await zwaveDoor();
    await clock.advance(30_000);
    node.faults.says = { said: 'unsupervised' };
    clock.setTimer(() => {
      if (how === 'dead') node.become('dead');
      else node.faults.silent = true;
    }, 130);
    node.faults.actsAfterMs = 500;
    const { error } = await door('unlock');
    expect(error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect((error as Error).message).toContain('could not be asked since. Node 5 does not answer');
  });
});

describe('a lock that says no', () => {
  it('refused, when the bolt is where it was', async () => {
    const { node, door } = await zwaveDoor();
    node.faults.refuses = true;
    expect(await door('unlock')).toMatchObject(error('device_rejected', 'refused'));
  });

  it('and is there already: as asked, and nothing says that it did it', async () => {
    const { node, door } = await zwaveDoor();
    node.faults.refuses = true;
    expect(await door('lock')).toMatchObject({ value: { wasConfirmedByDevice: false } });
  });

  it.each([60, 200, 390])('and tells of the jam %i ms later, with a mode that did not change: jammed', async (ms) => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.refuses = true;
    void clock.until(node.commandLeaves()).then(() => {
      clock.setTimer(() => node.tell({ report: 'jammed' }), ms);
    });
    expect(await door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
    // It fails again a moment later, and says the same: that is no other reason.
    expect(await door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
  });

  it('and has obeyed since it told of a jam: refused, since that jam is over', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.refuses = true;
    void clock.until(node.commandLeaves()).then(() => node.tell({ report: 'jammed' }));
    expect(await door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
    node.faults.refuses = false;
    expect(await door('unlock')).toMatchObject(done);
    node.faults.refuses = true;
    expect(await door('lock')).toMatchObject(error('device_rejected', 'refused'));
  });

  it('and whose mode says that the bolt is between: jammed, also without an event', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.refuses = true;
    void clock.until(node.commandLeaves()).then(() => {
      node.bolt = 'between';
    });
    expect(await door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
  });

  it('and tells the reason 300 ms later: jammed', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.refuses = true;
    clock.setTimer(() => node.tell({ report: 'jammed' }), 350);
    expect(await door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
  });
});

describe('LOCK on a locked bolt', () => {
  it.each([
    ['unsupervised', false],
    ['working', false],
    // Supervised: the word for this very command, which the read bears out.
    ['done', true],
  ] as const)('that the lock calls %s: confirmed %s', async (said, wasConfirmedByDevice) => {
    const { node, door } = await zwaveDoor();
    node.faults.says = { said };
    expect(await door('lock')).toMatchObject({ value: { wasConfirmedByDevice } });
  });
});

describe('where the bolt is', () => {
  it.each([
    ['inside_only', 'outcome_unknown'],
    ['unknown', 'outcome_unknown'],
    ['secured', 'state_not_reached'],
  ] as const)('%s after an UNLOCK: %s', async (bolt, type) => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 120_000;
    void clock.until(node.commandLeaves()).then(() => {
      node.bolt = bolt;
    });
    expect(await door('unlock')).toMatchObject(error(type, 'maybe_sent'));
  });

  it.each(['inside_only', 'unknown', 'between'] as const)('%s is no state to be read', async (bolt) => {
    const { clock, node, device } = await zwaveDoor();
    node.bolt = bolt;
    const read = device.lock?.read?.({ signal: new AbortController().signal, log: {} as never });
    await expect(clock.until(read ?? Promise.reject())).resolves.toEqual({ state: 'unknown' });
  });
});

describe('a node that was replaced', () => {
  const product = (it: { features: object }, now: string) => Object.assign(it.features, { product: now });

  it('is misconfigured, and gets nothing', async () => {
    const { node, door, code, reports } = await zwaveDoor({ prepare: (it) => product(it, '003b:0001:0469') });
    expect(await door('unlock')).toMatchObject(done);
    const sent = node.commands.length;
    product(node, '0129:8002:0600');
    node.become('ready');
    expect(await door('lock')).toMatchObject(error('misconfigured', 'not_sent'));
    const written = await code((codes, ctx) => codes.clear(ctx, 1));
    expect(written).toMatchObject(error('misconfigured', 'not_sent'));
    expect(node.commands).toHaveLength(sent);
    expect(reports.findLast(({ kind }) => kind === 'health')).toMatchObject({
      health: { status: 'misconfigured', hint: expect.stringContaining('0129:8002:0600') },
    });
  });

  it('is refused from the start where the settings name what it was', async () => {
    const settings = { product: '003b:0001:0469' };
    const { node, door } = await zwaveDoor({ settings, prepare: (it) => product(it, '0129:8002:0600') });
    expect(await door('unlock')).toMatchObject(error('misconfigured', 'not_sent'));
    expect(node.commands).toEqual([]);
  });

  it('is one only if it says so: a node that does not tell its product is none', async () => {
    const { node, door } = await zwaveDoor({ prepare: (it) => product(it, '003b:0001:0469') });
    node.features = { ...node.features, product: undefined } as never;
    expect(await door('unlock')).toMatchObject(done);
  });
});

describe('before anything is sent', () => {
  it.each([
    ['dead', 'device_offline'],
    ['asleep', 'device_not_ready'],
    ['interviewing', 'device_not_ready'],
  ] as const)('a node that is %s: %s, and no permit is asked for', async (status, type) => {
    const { node, door } = await zwaveDoor();
    node.become(status);
    const ended = await door('unlock');
    expect(ended).toMatchObject(error(type, 'not_sent'));
    expect(ended.permits).toEqual([]);
    expect((ended.error as GatewayError).message).toMatch(/^Front door: /);
    expect(node.commands).toEqual([]);
  });

  it('a node that is no lock is misconfigured', async () => {
    const { node, door, reports } = await zwaveDoor({
      prepare: (it) => {
        it.features = { ...it.features, lock: undefined };
      },
    });
    expect(await door('unlock')).toMatchObject(error('misconfigured', 'not_sent'));
    expect(node.commands).toEqual([]);
    expect(reports).toContainEqual({
      kind: 'health',
      health: expect.objectContaining({ status: 'misconfigured', reason: 'unsupported_device' }),
    });
  });
});
