import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ECHO_SERVICE, EchoPeripheral, echoPath, readablePath } from '../../../test/kit/echo-peripheral.ts';
import { type RadioFixture, type RadioFixtureOptions, radioFixture } from '../../../test/kit/radio-fixture.ts';
import { type BleLink, type BleSessionOptions, GatewayError, type SendPermit } from '../../contract/index.ts';

const signalListeners = process.listenerCount('SIGINT');

let radio: RadioFixture;
let device: EchoPeripheral;
let link: BleLink;
let address: string;

async function build(options: RadioFixtureOptions = {}): Promise<void> {
  radio = await radioFixture(options);
  device = new EchoPeripheral(radio.clock);
  ({ address } = await radio.serve(device));
  link = radio.adapter.link({ address, addressType: 'public' }, 'Front door');
}

beforeEach(async () => {
  await build();
  await radio.up();
});

afterEach(() => radio.close());

const ask = (options: Partial<BleSessionOptions> = {}): BleSessionOptions => ({
  priority: 'poll',
  signal: new AbortController().signal,
  services: [ECHO_SERVICE],
  ...options,
});

const value = (hex: string) => Buffer.from(hex, 'hex');

/** One exchange: writes and waits for the indication. */
const exchange = (hex: string, options: Partial<BleSessionOptions> = {}, on: BleLink = link) =>
  on.session(ask(options), async (gatt) => {
    const heard = new Promise<string>((resolve, reject) => {
      gatt.signal.addEventListener('abort', () => reject(gatt.signal.reason), { once: true });
      void gatt.subscribe(echoPath, (data) => resolve(data.toString('hex'))).catch(reject);
    });
    heard.catch(() => undefined);
    await gatt.query(echoPath, value(hex));
    return heard;
  });

/** A permit that notes when it was spent. */
function permit(sendBy?: number) {
  const spent: number[] = [];
  const given: SendPermit = {
    ...(sendBy === undefined ? {} : { sendBy }),
    spend: () => {
      if (sendBy !== undefined && radio.clock.now() >= sendBy) throw new GatewayError('expired', 'too late');
      spent.push(radio.clock.now());
    },
    withdraw: () => undefined,
  };
  return { permit: given, spent };
}

const failure = (promise: Promise<unknown>) =>
  radio.clock.until(
    promise.then(
      () => {
        throw new Error('it should have failed');
      },
      (error: unknown) => error as GatewayError,
    ),
  );

describe('a session', () => {
  it('connects, writes, hears and leaves nothing behind', async () => {
    expect(await radio.clock.until(exchange('0102'))).toBe('0102');
    expect(radio.air.openLinks).toEqual([]);
    expect(device.isHeard).toBe(false);
  });

  it('finds services once and listens anew in every connection', async () => {
    const first = radio.clock.now();
    await radio.clock.until(exchange('01'));
    for (const hex of ['02', '03', '04']) expect(await radio.clock.until(exchange(hex))).toBe(hex);
    expect(device.connections).toBe(4);
    expect(radio.clock.now() - first).toBeLessThan(2_000);
  });

  it('reads, and takes an empty answer for the refusal it stands for', async () => {
    const read = () => link.session(ask({ services: [readablePath.service] }), (gatt) => gatt.read(readablePath));
    expect([...(await radio.clock.until(read()))]).toEqual([87]);
    device.battery = Buffer.alloc(0);
    expect(await failure(read())).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
  });

  it('says what the device does not offer', async () => {
    const other = { service: ECHO_SERVICE, characteristic: 'ffff' };
    const error = await failure(
      link.session(ask(), async (gatt) => {
        expect(gatt.offers(echoPath)).toBe(true);
        expect(gatt.offers(other)).toBe(false);
        await gatt.query(other, value('01'));
      }),
    );
    expect(error).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
  });

  it('runs operations of one connection one after the other', async () => {
    await radio.clock.until(
      link.session(ask(), async (gatt) => {
        await Promise.all([gatt.query(echoPath, value('0a01')), gatt.query(echoPath, value('0a02'))]);
      }),
    );
    expect(device.written).toEqual(['0a01', '0a02']);
  });

  it('hears an indication that comes before the response of its write', async () => {
    expect(await radio.clock.until(exchange('0977'))).toBe('0977');
  });

  it('carries values longer than the MTU', async () => {
    const long = Buffer.alloc(300, 7).toString('hex');
    await radio.clock.until(
      link.session(ask(), (gatt) => gatt.query(echoPath, Buffer.concat([value('0a'), Buffer.from(long, 'hex')]))),
    );
    expect(device.written).toEqual([`0a${long}`]);
  });

  it('ends its connection after its user failed', async () => {
    const error = await failure(
      link.session(ask(), async () => {
        throw new GatewayError('device_busy', 'motor');
      }),
    );
    expect(error.type).toBe('device_busy');
    expect(radio.air.openLinks).toEqual([]);
  });

  it('is ended by its caller’s signal', async () => {
    const controller = new AbortController();
    const going = link.session(ask({ signal: controller.signal }), (gatt) => gatt.query(echoPath, value('cc')));
    going.catch(() => undefined);
    await radio.clock.advance(500);
    controller.abort(new GatewayError('superseded', 'a newer command'));
    expect(await failure(going)).toMatchObject({ type: 'superseded' });
    expect(radio.air.openLinks).toEqual([]);
  });

  it('takes the adapter from a user that does not leave', async () => {
    const stuck = link.session(ask(), () => new Promise<never>(() => undefined));
    stuck.catch(() => undefined);
    await radio.clock.advance(500);
    radio.air.kick(address);
    expect(await failure(stuck)).toMatchObject({ type: 'device_offline' });
    expect(await radio.clock.until(exchange('01'))).toBe('01');
  });
});

describe('what goes wrong before a command', () => {
  it('absent device: the connection is called off in time and the next one works', async () => {
    radio.air.find(address)?.mute(true);
    const before = radio.clock.now();
    expect(await failure(exchange('01'))).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(radio.clock.now() - before).toBeLessThanOrEqual(5_200);
    radio.air.find(address)?.mute(false);
    expect(await radio.clock.until(exchange('02'))).toBe('02');
    expect(device.connections).toBe(1);
  });

  it('absent device: not worth having after `by`', async () => {
    radio.air.find(address)?.mute(true);
    const before = radio.clock.now();
    expect(await failure(exchange('01', { by: before + 700 }))).toMatchObject({ type: 'device_offline' });
    expect(radio.clock.now() - before).toBeLessThan(1_000);
  });

  it('a connection that is called off while it is being made leaves no link', async () => {
    for (let late = 0; late < 40; late += 2) {
      const controller = new AbortController();
      const going = exchange('0a', { signal: controller.signal });
      going.catch(() => undefined);
      await radio.clock.advance(late);
      controller.abort(new GatewayError('superseded', 'a newer command'));
      await failure(going);
      expect(radio.air.openLinks).toEqual([]);
    }
    expect(await radio.clock.until(exchange('02'))).toBe('02');
  });

  it('0x3E twice is tried again; three times is given up', async () => {
    radio.air.failEstablishing(2);
    expect(await radio.clock.until(exchange('01'))).toBe('01');
    radio.air.failEstablishing(3);
    const error = await failure(exchange('02'));
    expect(error).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(error.message).toContain('0x3e');
    expect(await radio.clock.until(exchange('03'))).toBe('03');
  });

  it('a controller that refuses to connect (0x0C) is asked again', async () => {
    radio.air.refuseConnections(2);
    expect(await radio.clock.until(exchange('01'))).toBe('01');
    radio.air.refuseConnections(3);
    expect(await failure(exchange('01'))).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
  });

  it('an ATT error on a write ends the connection in time, since noble never tells', async () => {
    const before = radio.clock.now();
    expect(await failure(exchange('ee'))).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(radio.clock.now() - before).toBeLessThan(3_500);
    expect(await radio.clock.until(exchange('01'))).toBe('01');
  });

  it('a device that hangs with its radio alive ends the connection in time', async () => {
    const going = link.session(ask(), async (gatt) => {
      radio.air.find(address)?.freezeHost(true);
      await gatt.query(echoPath, value('0a'));
    });
    expect(await failure(going)).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    radio.air.find(address)?.freezeHost(false);
    expect(await radio.clock.until(exchange('01'))).toBe('01');
  });

  it('a device that goes out of range ends the connection with its supervision', async () => {
    const going = link.session(ask(), async (gatt) => {
      radio.air.fade(address);
      await gatt.query(echoPath, value('0a'));
    });
    const before = radio.clock.now();
    const error = await failure(going);
    expect(error).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(error.message).toContain('out of range');
    expect(radio.clock.now() - before).toBeLessThan(2_300);
  });
});

describe('a command', () => {
  const send = (hex: string, given: SendPermit) =>
    link.session(ask({ priority: 'door' }), (gatt) => gatt.command(given, echoPath, value(hex)));

  it('spends its permit as it leaves', async () => {
    const { permit: given, spent } = permit();
    await radio.clock.until(send('0a', given));
    expect(spent).toHaveLength(1);
    expect(device.written).toEqual(['0a']);
  });

  it('whose permit is refused does not leave', async () => {
    const { permit: given } = permit(radio.clock.now());
    expect(await failure(send('0a', given))).toMatchObject({ type: 'expired', delivery: 'not_sent' });
    expect(device.written).toEqual([]);
  });

  it('waits for what is under way and is not sent once that broke the connection', async () => {
    const { permit: given, spent } = permit();
    const going = link.session(ask(), async (gatt) => {
      const first = gatt.query(echoPath, value('ee'));
      first.catch(() => undefined);
      await gatt.command(given, echoPath, value('0a'));
    });
    expect(await failure(going)).toMatchObject({ delivery: 'not_sent' });
    expect(spent).toEqual([]);
    expect(device.written).toEqual(['ee']);
  });

  it.each([
    ['the link is lost under it', () => radio.air.fade(address), '0a'],
    ['the device drops the link', () => undefined, 'dd'],
    ['the device answers with an ATT error', () => undefined, 'ee'],
    ['the device never answers', () => undefined, 'cc'],
  ])('may have arrived when %s', async (_case, fault, hex) => {
    const { permit: given, spent } = permit();
    const going = link.session(ask(), async (gatt) => {
      fault();
      await gatt.command(given, echoPath, value(hex));
    });
    // A device that drops the link may still have confirmed the write: then there is nothing to report.
    const outcome = await radio.clock.until(
      going.then(
        () => 'confirmed',
        (error: unknown) => error as GatewayError,
      ),
    );
    if (outcome !== 'confirmed') expect(outcome).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(spent).toHaveLength(1);
  });

  it('is called off by its `sendBy`, and what faded does not come later', async () => {
    const { permit: given } = permit(radio.clock.now() + 800);
    const going = link.session(ask(), async (gatt) => {
      radio.air.fade(address);
      await gatt.command(given, echoPath, value('0a'));
    });
    const before = radio.clock.now();
    expect(await failure(going)).toMatchObject({ type: 'outcome_unknown' });
    expect(radio.clock.now() - before).toBeLessThanOrEqual(800);
    radio.air.comeBack(address);
    await radio.clock.advance(5_000);
    expect(device.written).toEqual([]);
  });
});

describe('devices on one adapter', () => {
  let other: EchoPeripheral;
  let otherLink: BleLink;

  beforeEach(async () => {
    other = new EchoPeripheral(radio.clock, 'OTHER');
    const served = await radio.serve(other);
    otherLink = radio.adapter.link({ address: served.address, addressType: 'public' }, 'Back door');
  });

  it('commanded at once are served one after the other', async () => {
    let together = 0;
    let most = 0;
    const one = (on: BleLink) =>
      on.session(ask(), async (gatt) => {
        together += 1;
        most = Math.max(most, together);
        await gatt.query(echoPath, value('0a'));
        together -= 1;
      });
    await radio.clock.until(Promise.all([one(link), one(otherLink), one(link)]));
    expect(most).toBe(1);
    expect([device.written, other.written]).toEqual([['0a', '0a'], ['0a']]);
  });

  it('go doors first, then codes, then polls', async () => {
    const order: string[] = [];
    const one = (name: string, priority: BleSessionOptions['priority'], on: BleLink) =>
      on.session(ask({ priority }), async () => {
        order.push(name);
      });
    await radio.clock.until(
      Promise.all([
        one('first', 'poll', link),
        one('poll', 'poll', otherLink),
        one('code', 'code', link),
        one('door', 'door', otherLink),
        one('door too', 'door', link),
      ]),
    );
    expect(order).toEqual(['first', 'door', 'door too', 'code', 'poll']);
  });

  it('do not wait for an absent one longer than `by`', async () => {
    radio.air.find(address)?.mute(true);
    const absent = exchange('01');
    absent.catch(() => undefined);
    const error = await failure(exchange('02', { priority: 'door', by: radio.clock.now() + 1_000 }, otherLink));
    expect(error).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    await failure(absent);
    expect(await radio.clock.until(exchange('03', {}, otherLink))).toBe('03');
  });
});

describe('the adapter', () => {
  const states = () => {
    const seen: string[] = [];
    radio.adapter.onStateChange((state) => seen.push(state.status === 'up' ? 'up' : state.reason));
    return seen;
  };

  it('pulled in the middle of a session and put back under another index is found again', async () => {
    const seen = states();
    const [adapter] = radio.bay.list();
    const going = link.session(ask(), async (gatt) => {
      radio.bay.pullOut(adapter?.index ?? -1);
      await gatt.query(echoPath, value('0a'));
    });
    expect(await failure(going)).toMatchObject({ delivery: 'not_sent' });
    expect(await failure(exchange('01'))).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    await radio.clock.advance(10_000);
    // Another adapter is not the one that was lost.
    radio.bay.plugIn('c0:b1:e1:ff:00:02');
    await radio.clock.advance(5_000);
    expect(radio.adapter.state).toMatchObject({ status: 'down', reason: 'no_adapter' });
    expect(radio.bay.plugIn(adapter?.address).index).toBe(2);
    await radio.clock.advance(2_000);
    expect(radio.adapter.state).toEqual({ status: 'up' });
    expect(await radio.clock.until(exchange('02'))).toBe('02');
    expect(seen[0]).toBe('adapter_lost');
    expect(seen.at(-1)).toBe('up');
    expect(radio.adapter.losses).toBe(1);
  });

  it('pulled while a connection is being made rejects at once', async () => {
    radio.air.find(address)?.mute(true);
    const going = exchange('01');
    going.catch(() => undefined);
    await radio.clock.advance(300);
    const before = radio.clock.now();
    radio.bay.pullOut(0);
    expect(await failure(going)).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(radio.clock.now() - before).toBeLessThan(1_200);
  });

  it('that is missing at start says so and is taken when it comes', async () => {
    await radio.close();
    await build({ pluggedIn: false });
    radio.adapter.start();
    await radio.clock.advance(3_000);
    expect(radio.adapter.state).toMatchObject({ status: 'down', reason: 'no_adapter' });
    radio.bay.plugIn();
    await radio.clock.advance(2_000);
    expect(radio.adapter.state.status).toBe('up');
  });
});

it('the stack takes no part in how the process ends', () => {
  // One noble and one bleno run here; either would end it on SIGINT.
  expect(process.listenerCount('SIGINT')).toBe(signalListeners);
});

describe('an adapter that hangs', () => {
  const controller = () => radio.air.find('c0:b1:e1:ff:00:01');

  it('is noticed by a connection that it does not call off, and restarted', async () => {
    controller()?.freezeHost(true);
    const error = await failure(exchange('01'));
    expect(error).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    await radio.clock.advance(3_000);
    expect(radio.adapter.state.status).toBe('down');
    controller()?.freezeHost(false);
    await radio.clock.advance(10_000);
    expect(radio.adapter.state).toEqual({ status: 'up' });
    expect(await radio.clock.until(exchange('02'))).toBe('02');
  });

  it('is noticed by a scan that it does not switch, and restarted', async () => {
    link.onAdvertisement(() => undefined);
    await radio.clock.advance(1_000);
    controller()?.freezeHost(true);
    await radio.clock.advance(8_000);
    expect(radio.adapter.losses).toBe(1);
    controller()?.freezeHost(false);
    await radio.clock.advance(10_000);
    expect(radio.adapter.state).toEqual({ status: 'up' });
  });
});

describe('scanning', () => {
  it('goes on beside sessions, and tells of each device again and again', async () => {
    const heard: { at: number; name: string | undefined }[] = [];
    const stop = link.onAdvertisement(({ localName }) => heard.push({ at: radio.clock.now(), name: localName }));
    await radio.clock.advance(6_000);
    expect(heard.length).toBeGreaterThanOrEqual(2);
    expect(heard[0]?.name).toBe('ECHO');
    expect(await radio.clock.until(exchange('01'))).toBe('01');
    const before = heard.length;
    await radio.clock.advance(6_000);
    expect(heard.length).toBeGreaterThan(before);
    stop();
    await radio.clock.advance(1_000);
    const after = heard.length;
    await radio.clock.advance(12_000);
    expect(heard.length).toBe(after);
    expect(radio.air.find('c0:b1:e1:ff:00:01')?.isScanning).toBe(false);
  });

  it('hears after the adapter was lost and found', async () => {
    let heard = 0;
    link.onAdvertisement(() => {
      heard += 1;
    });
    await radio.clock.advance(1_000);
    radio.bay.pullOut(0);
    await radio.clock.advance(2_000);
    radio.bay.plugIn('c0:b1:e1:ff:00:01');
    const before = heard;
    await radio.clock.advance(4_000);
    expect(heard).toBeGreaterThan(before);
  });

  it('replaces the stack when it heard a crowd, without losing a session', async () => {
    await radio.close();
    await build({ adapter: { crowd: 1 } });
    await radio.up();
    for (const name of ['ONE', 'TWO']) await radio.serve(new EchoPeripheral(radio.clock, name));
    link.onAdvertisement(() => undefined);
    for (let round = 0; round < 5; round++) {
      await radio.clock.advance(4_000);
      expect(await radio.clock.until(exchange('01'))).toBe('01');
    }
    expect(radio.adapter.losses).toBe(0);
    expect(radio.openings.length).toBeGreaterThan(1);
  });
});
