import { describe, expect, it } from 'vitest';
import type { GatewayError } from '../../../src/contract/index.ts';
import { zwaveDoor } from '../../../test/kit/zwave-door.ts';

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

  it('a jam that came with "done" is a jam, and so is one whose mode says otherwise', async () => {
    const { node, door } = await zwaveDoor();
    node.faults.jams = true;
    node.faults.says = { said: 'done' };
    expect(await door('lock')).toMatchObject(error('lock_jammed', 'acted'));
    const liar = await zwaveDoor();
    liar.clock.setTimer(() => liar.node.tell({ report: 'jammed' }), 70);
    expect(await liar.door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
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

  it('an unlocking that was undone since counts', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 60_000;
    clock.setTimer(() => node.tell({ report: 'bolt', bolt: 'unsecured' }), 1_000);
    expect(await door('unlock')).toMatchObject(done);
  });

  it('somebody at the keypad is not this command, but the bolt they moved is', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.actsAfterMs = 60_000;
    clock.setTimer(() => node.tell({ report: 'operated', operation: 'unlocked', by: 'keypad', slot: 2 }), 1_000);
    expect(await door('unlock')).toMatchObject(error('state_not_reached', 'maybe_sent'));
  });
});

describe('a lock that says no', () => {
  it('refused, when the bolt is where it was', async () => {
    const { node, door } = await zwaveDoor();
    node.faults.refuses = true;
    expect(await door('unlock')).toMatchObject(error('device_rejected', 'refused'));
  });

  it('and is there already: done, since it was seen to be', async () => {
    const { node, door } = await zwaveDoor();
    node.faults.refuses = true;
    expect(await door('lock')).toMatchObject(done);
  });

  it('and tells the reason 300 ms later: jammed', async () => {
    const { clock, node, door } = await zwaveDoor();
    node.faults.refuses = true;
    clock.setTimer(() => node.tell({ report: 'jammed' }), 350);
    expect(await door('unlock')).toMatchObject(error('lock_jammed', 'acted'));
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
