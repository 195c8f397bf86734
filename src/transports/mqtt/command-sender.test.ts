import { beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError, type SendPermit } from '../../contract/index.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { CommandSender, type SendingConnection } from './command-sender.ts';
import { connectionClosed } from './failures.ts';

const place = {
  name: 'main',
  address: { host: 'broker', port: 1883, tls: false, shown: 'mqtt://broker:1883' },
  username: 'gw',
};

/** A connection whose broker says what a test wants: what real ones say is seen in test/peers. */
class ScriptedConnection implements SendingConnection {
  congested = false;
  receiveMaximum = 65_535;
  protocolVersion: 4 | 5 = 5;
  readonly published: { topic: string; expiry: number | undefined }[] = [];
  /** Until when the last one had to leave. */
  leaveBy: number | undefined;
  readonly reset = vi.fn();
  readonly #room: (() => void)[] = [];

  publish(...[topic, , options, leaveBy]: Parameters<SendingConnection['publish']>): number {
    this.leaveBy = leaveBy;
    return this.published.push({ topic, expiry: options.properties?.messageExpiryInterval });
  }

  flushed(): Promise<void> {
    return new Promise((resolve) => void this.#room.push(resolve));
  }

  flush(): void {
    this.congested = false;
    for (const resume of this.#room.splice(0)) resume();
  }
}

let clock: SimulatedClock;
let connection: ScriptedConnection;
let sender: CommandSender;
let permit: ReturnType<typeof newPermit>;
const newPermit = () => ({ sendBy: 5_000, spend: vi.fn<() => void>(), withdraw: vi.fn<() => void>() });

beforeEach(() => {
  clock = new SimulatedClock();
  connection = new ScriptedConnection();
  sender = new CommandSender(clock, place);
  // The sender keeps it only to reset it.
  sender.connected(connection);
  permit = newPermit();
});

function send(allowed: SendPermit | undefined = permit, signal = new AbortController().signal): Promise<number> {
  const outgoing = { device: 'Front Door', topic: 'door/set', payload: 'UNLOCK 0472', signal, permit: allowed };
  const current = () => {
    if (connection.reset.mock.calls.length > 0) throw new GatewayError('link_unavailable', 'gone');
    return connection;
  };
  return sender.send({ ...outgoing, connection: current });
}

const failed = (sending: Promise<number>) =>
  sending.then(
    () => expect.fail('it was sent'),
    (error: GatewayError) => error,
  );

describe('until when a command must have left', () => {
  it.each([2_000, 2_999, 3_500, 4_700, 5_000, 5_999, 30_000])(
    'with %i ms until send_by: so early that the broker cannot keep it beyond',
    (remainingMs) => {
      send({ ...permit, sendBy: remainingMs }).catch(() => undefined);
      const keptMs = ((connection.published[0]?.expiry ?? 0) + 1) * 1_000;
      expect((connection.leaveBy ?? Number.NaN) + keptMs).toBeLessThanOrEqual(remainingMs);
      expect(connection.leaveBy).toBeGreaterThanOrEqual(clock.now());
    },
  );

  it('over MQTT 3.1.1, which has no expiry: send_by', () => {
    connection.protocolVersion = 4;
    send().catch(() => undefined);
    expect(connection.leaveBy).toBe(permit.sendBy);
  });
});

describe('what a PUBACK says', () => {
  it.each([0, 1])('%i: the broker has it', async (code) => {
    const sending = send();
    sender.acknowledged(1, code);
    await sending;
    expect(permit.withdraw).not.toHaveBeenCalled();
  });

  it.each([
    { code: 0x10, type: 'link_unavailable', message: 'nobody is subscribed to door/set' },
    { code: 0x80, type: 'link_unavailable', message: 'refused the message (PUBACK 128)' },
    { code: 0x83, type: 'link_unavailable', message: 'refused the message (PUBACK 131)' },
    { code: 0x87, type: 'misconfigured', message: 'does not let gw publish on door/set' },
    { code: 0x90, type: 'misconfigured', message: 'does not let gw publish on door/set' },
    { code: 0x97, type: 'link_unavailable', message: 'refused the message (PUBACK 151)' },
  ])('$code: $type, nothing was sent, and the permit is withdrawn', async ({ code, type, message }) => {
    const sending = failed(send());
    sender.acknowledged(1, code);
    const error = await sending;
    expect(error).toMatchObject({ type, delivery: 'not_sent', message: expect.stringContaining(message) });
    expect(error.message).toMatch(/^Front Door: /);
    expect(error.message).not.toContain('0472');
    expect(permit.withdraw).toHaveBeenCalledOnce();
  });

  it('nothing: the command may have arrived, and the permit stays spent', async () => {
    const sending = failed(send());
    sender.connectionLost();
    expect(await sending).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(permit.withdraw).not.toHaveBeenCalled();
  });
});

describe('sending', () => {
  it('does not leave a command to a connection that could not send it', async () => {
    connection.publish = () => {
      throw connectionClosed(place);
    };
    expect(await failed(send())).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(permit.withdraw).toHaveBeenCalledOnce();
  });

  it('counts a command as perhaps sent when sending failed in a way nobody foresaw', async () => {
    connection.publish = () => {
      throw new TypeError('surprise');
    };
    expect(await failed(send())).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(permit.withdraw).not.toHaveBeenCalled();
    expect(connection.reset).toHaveBeenCalledOnce();
  });

  it.each([
    { sendBy: 60_000, expiry: 5 },
    { sendBy: 3_900, expiry: 2 },
    { sendBy: 2_999, expiry: 1 },
    { sendBy: 2_000, expiry: 1 },
  ])('lets the broker keep a command no longer than until send_by: $sendBy ms', async ({ sendBy, expiry }) => {
    const sending = send({ ...permit, sendBy });
    sender.acknowledged(1, 0);
    await sending;
    expect(connection.published[0]?.expiry).toBe(expiry);
    // Seconds; a broker that counts in whole ones keeps it for up to one more.
    expect((expiry + 1) * 1_000).toBeLessThanOrEqual(sendBy);
  });

  it('sends nothing that the broker could keep past send_by', async () => {
    const late = { ...permit, sendBy: 1_999 };
    expect(await failed(send(late))).toMatchObject({ type: 'expired', delivery: 'not_sent' });
    expect(late.spend).not.toHaveBeenCalled();
    expect(connection.published).toEqual([]);
    // There a command has no expiry, whenever it leaves.
    connection.protocolVersion = 4;
    const sending = send(late);
    sender.acknowledged(1, 0);
    await sending;
  });

  it('waits for a place within the receive maximum before the permit is spent', async () => {
    connection.receiveMaximum = 1;
    const first = send();
    const second = send();
    await clock.settle();
    expect(permit.spend).toHaveBeenCalledTimes(1);
    sender.acknowledged(1, 0);
    await first;
    await clock.settle();
    expect(permit.spend).toHaveBeenCalledTimes(2);
    sender.acknowledged(2, 0);
    await second;
  });

  it('waits for room in the socket, then sends at once', async () => {
    connection.congested = true;
    const sending = send();
    await clock.advance(999);
    expect(permit.spend).not.toHaveBeenCalled();
    connection.flush();
    await clock.settle();
    sender.acknowledged(1, 0);
    await sending;
    expect(clock.armedTimers).toBe(0);
  });

  it('breaks a socket off that takes nothing for a second', async () => {
    connection.congested = true;
    const sending = failed(send());
    await clock.advance(1_000);
    expect(connection.reset).toHaveBeenCalledOnce();
    // A socket that is gone takes nothing more, and keeps nobody waiting.
    connection.flush();
    expect(await sending).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(permit.spend).not.toHaveBeenCalled();
  });

  it('stops waiting for room when the signal aborts, with its reason', async () => {
    connection.congested = true;
    const leaving = new AbortController();
    const sending = send(permit, leaving.signal);
    const reason = new Error('superseded');
    leaving.abort(reason);
    await expect(sending).rejects.toBe(reason);
    expect(permit.spend).not.toHaveBeenCalled();
    expect(clock.armedTimers).toBe(0);
  });

  it('checks send_by again after it has waited', async () => {
    connection.congested = true;
    const sending = failed(send({ ...permit, sendBy: 2_480 }));
    await clock.advance(490);
    connection.flush();
    expect(await sending).toMatchObject({ type: 'expired', delivery: 'not_sent' });
    expect(permit.spend).not.toHaveBeenCalled();
  });

  it('keeps watching over a command whose caller has left', async () => {
    const leaving = new AbortController();
    const sending = failed(send(permit, leaving.signal));
    leaving.abort(new Error('deadline'));
    expect(await sending).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    await clock.advance(1_000);
    expect(connection.reset).toHaveBeenCalledOnce();
  });

  it('believes an acknowledgement that was waiting when its time was up', async () => {
    const sending = send();
    // A process that was held up finds its timer first, and the bytes that came meanwhile afterwards.
    clock.setTimer(() => setImmediate(() => sender.acknowledged(1, 0)), 999);
    await clock.advance(1_000);
    await sending;
  });
});
