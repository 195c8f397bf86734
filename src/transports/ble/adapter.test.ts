import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EchoPeripheral, echoPath } from '../../../test/kit/radio/echo-peripheral.ts';
import { ask, EchoRadio, value } from '../../../test/kit/radio/echo-radio.ts';
import type { RadioFixture, RadioFixtureOptions } from '../../../test/kit/radio/radio-fixture.ts';
import type { BleLink, BleSessionOptions } from '../../contract/index.ts';

const signalListeners = process.listenerCount('SIGINT');

let echo: EchoRadio;
let radio: RadioFixture;
let device: EchoPeripheral;
let link: BleLink;
let address: string;

async function build(options: RadioFixtureOptions = {}): Promise<void> {
  echo = await EchoRadio.make(options);
  ({ radio, device, link, address } = echo);
}

beforeEach(async () => {
  await build();
  await radio.up();
});

afterEach(() => radio.close());

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
    const absent = echo.exchange('01');
    absent.catch(() => undefined);
    const error = await echo.failure(
      echo.exchange('02', { priority: 'door', by: radio.clock.now() + 1_000 }, otherLink),
    );
    expect(error).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    await echo.failure(absent);
    expect(await radio.clock.until(echo.exchange('03', {}, otherLink))).toBe('03');
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
    expect(await echo.failure(going)).toMatchObject({ delivery: 'not_sent' });
    expect(await echo.failure(echo.exchange('01'))).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    await radio.clock.advance(10_000);
    // Another adapter is not the one that was lost.
    radio.bay.plugIn('c0:b1:e1:ff:00:02');
    await radio.clock.advance(5_000);
    expect(radio.adapter.state).toMatchObject({ status: 'down', reason: 'no_adapter' });
    expect(radio.bay.plugIn(adapter?.address).index).toBe(2);
    await radio.clock.advance(2_000);
    expect(radio.adapter.state).toEqual({ status: 'up' });
    expect(await radio.clock.until(echo.exchange('02'))).toBe('02');
    expect(seen[0]).toBe('adapter_lost');
    expect(seen.at(-1)).toBe('up');
    expect(radio.adapter.losses).toBe(1);
  });

  it('pulled while a connection is being made rejects at once', async () => {
    radio.air.find(address)?.mute(true);
    const going = echo.exchange('01');
    going.catch(() => undefined);
    await radio.clock.advance(300);
    const before = radio.clock.now();
    radio.bay.pullOut(0);
    expect(await echo.failure(going)).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
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
    const error = await echo.failure(echo.exchange('01'));
    expect(error).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    await radio.clock.advance(3_000);
    expect(radio.adapter.state.status).toBe('down');
    controller()?.freezeHost(false);
    await radio.clock.advance(10_000);
    expect(radio.adapter.state).toEqual({ status: 'up' });
    expect(await radio.clock.until(echo.exchange('02'))).toBe('02');
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
    expect(await radio.clock.until(echo.exchange('01'))).toBe('01');
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
      expect(await radio.clock.until(echo.exchange('01'))).toBe('01');
    }
    expect(radio.adapter.losses).toBe(0);
    expect(radio.openings.length).toBeGreaterThan(1);
  });
});
