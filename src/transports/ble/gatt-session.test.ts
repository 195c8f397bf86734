import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ECHO_SERVICE, type EchoPeripheral, echoPath, readablePath } from '../../../test/kit/radio/echo-peripheral.ts';
import { ask, EchoRadio, value } from '../../../test/kit/radio/echo-radio.ts';
import type { RadioFixture } from '../../../test/kit/radio/radio-fixture.ts';
import { type BleLink, GatewayError, type SendPermit } from '../../contract/index.ts';

let echo: EchoRadio;
let radio: RadioFixture;
let device: EchoPeripheral;
let link: BleLink;
let address: string;

beforeEach(async () => {
  echo = await EchoRadio.make();
  ({ radio, device, link, address } = echo);
  await radio.up();
});

afterEach(() => radio.close());

describe('a session', () => {
  it('connects, writes, hears and leaves nothing behind', async () => {
    expect(await radio.clock.until(echo.exchange('0102'))).toBe('0102');
    expect(radio.air.openLinks).toEqual([]);
    expect(device.isHeard).toBe(false);
  });

  it('finds services once and listens anew in every connection', async () => {
    const first = radio.clock.now();
    await radio.clock.until(echo.exchange('01'));
    for (const hex of ['02', '03', '04']) expect(await radio.clock.until(echo.exchange(hex))).toBe(hex);
    expect(device.connections).toBe(4);
    expect(radio.clock.now() - first).toBeLessThan(2_000);
  });

  it('reads, and takes an empty answer for the refusal it stands for', async () => {
    const read = () => link.session(ask({ services: [readablePath.service] }), (gatt) => gatt.read(readablePath));
    expect([...(await radio.clock.until(read()))]).toEqual([87]);
    device.battery = Buffer.alloc(0);
    expect(await echo.failure(read())).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
  });

  it('says what the device does not offer', async () => {
    const other = { service: ECHO_SERVICE, characteristic: 'ffff' };
    const error = await echo.failure(
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
    expect(await radio.clock.until(echo.exchange('0977'))).toBe('0977');
  });

  it('carries values longer than the MTU', async () => {
    const long = Buffer.alloc(300, 7).toString('hex');
    await radio.clock.until(
      link.session(ask(), (gatt) => gatt.query(echoPath, Buffer.concat([value('0a'), Buffer.from(long, 'hex')]))),
    );
    expect(device.written).toEqual([`0a${long}`]);
  });

  it('ends its connection after its user failed', async () => {
    const error = await echo.failure(
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
    expect(await echo.failure(going)).toMatchObject({ type: 'superseded' });
    expect(radio.air.openLinks).toEqual([]);
  });

  it('takes the adapter from a user that does not leave', async () => {
    const stuck = link.session(ask(), () => new Promise<never>(() => undefined));
    stuck.catch(() => undefined);
    await radio.clock.advance(500);
    radio.air.kick(address);
    expect(await echo.failure(stuck)).toMatchObject({ type: 'device_offline' });
    expect(await radio.clock.until(echo.exchange('01'))).toBe('01');
  });
});

describe('what goes wrong before a command', () => {
  it('absent device: the connection is called off in time and the next one works', async () => {
    radio.air.find(address)?.mute(true);
    const before = radio.clock.now();
    expect(await echo.failure(echo.exchange('01'))).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(radio.clock.now() - before).toBeLessThanOrEqual(5_200);
    radio.air.find(address)?.mute(false);
    expect(await radio.clock.until(echo.exchange('02'))).toBe('02');
    expect(device.connections).toBe(1);
  });

  it('absent device: not worth having after `by`', async () => {
    radio.air.find(address)?.mute(true);
    const before = radio.clock.now();
    expect(await echo.failure(echo.exchange('01', { by: before + 700 }))).toMatchObject({ type: 'device_offline' });
    expect(radio.clock.now() - before).toBeLessThan(1_000);
  });

  it('a connection that is called off while it is being made leaves no link', async () => {
    for (let late = 0; late < 40; late += 2) {
      const controller = new AbortController();
      const going = echo.exchange('0a', { signal: controller.signal });
      going.catch(() => undefined);
      await radio.clock.advance(late);
      controller.abort(new GatewayError('superseded', 'a newer command'));
      await echo.failure(going);
      expect(radio.air.openLinks).toEqual([]);
    }
    expect(await radio.clock.until(echo.exchange('02'))).toBe('02');
  });

  it('0x3E twice is tried again; three times is given up', async () => {
    radio.air.failEstablishing(2);
    expect(await radio.clock.until(echo.exchange('01'))).toBe('01');
    radio.air.failEstablishing(3);
    const error = await echo.failure(echo.exchange('02'));
    expect(error).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(error.message).toContain('0x3e');
    expect(await radio.clock.until(echo.exchange('03'))).toBe('03');
  });

  it('a controller that refuses to connect (0x0C) is asked again', async () => {
    radio.air.refuseConnections(2);
    expect(await radio.clock.until(echo.exchange('01'))).toBe('01');
    radio.air.refuseConnections(3);
    expect(await echo.failure(echo.exchange('01'))).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
  });

  it('an ATT error on a write ends the connection in time, since noble never tells', async () => {
    const before = radio.clock.now();
    expect(await echo.failure(echo.exchange('ee'))).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(radio.clock.now() - before).toBeLessThan(3_500);
    expect(await radio.clock.until(echo.exchange('01'))).toBe('01');
  });

  it('a device that hangs with its radio alive ends the connection in time', async () => {
    const going = link.session(ask(), async (gatt) => {
      radio.air.find(address)?.freezeHost(true);
      await gatt.query(echoPath, value('0a'));
    });
    expect(await echo.failure(going)).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    radio.air.find(address)?.freezeHost(false);
    expect(await radio.clock.until(echo.exchange('01'))).toBe('01');
  });

  it('a device that goes out of range ends the connection with its supervision', async () => {
    const going = link.session(ask(), async (gatt) => {
      radio.air.fade(address);
      await gatt.query(echoPath, value('0a'));
    });
    const before = radio.clock.now();
    const error = await echo.failure(going);
    expect(error).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(error.message).toContain('out of range');
    expect(radio.clock.now() - before).toBeLessThan(2_300);
  });
});

describe('a command', () => {
  const send = (hex: string, given: SendPermit) =>
    link.session(ask({ priority: 'door' }), (gatt) => gatt.command(given, echoPath, value(hex)));

  it('spends its permit as it leaves', async () => {
    const { permit: given, spent } = echo.permit();
    await radio.clock.until(send('0a', given));
    expect(spent).toHaveLength(1);
    expect(device.written).toEqual(['0a']);
  });

  it('whose permit is refused does not leave', async () => {
    const { permit: given } = echo.permit(radio.clock.now());
    expect(await echo.failure(send('0a', given))).toMatchObject({ type: 'expired', delivery: 'not_sent' });
    expect(device.written).toEqual([]);
  });

  it('waits for what is under way and is not sent once that broke the connection', async () => {
    const { permit: given, spent } = echo.permit();
    const going = link.session(ask(), async (gatt) => {
      const first = gatt.query(echoPath, value('ee'));
      first.catch(() => undefined);
      await gatt.command(given, echoPath, value('0a'));
    });
    expect(await echo.failure(going)).toMatchObject({ delivery: 'not_sent' });
    expect(spent).toEqual([]);
    expect(device.written).toEqual(['ee']);
  });

  it.each([
    ['the link is lost under it', () => radio.air.fade(address), '0a'],
    ['the device drops the link', () => undefined, 'dd'],
    ['the device answers with an ATT error', () => undefined, 'ee'],
    ['the device never answers', () => undefined, 'cc'],
  ])('may have arrived when %s', async (_case, fault, hex) => {
    const { permit: given, spent } = echo.permit();
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
    const { permit: given } = echo.permit(radio.clock.now() + 800);
    const going = link.session(ask(), async (gatt) => {
      radio.air.fade(address);
      await gatt.command(given, echoPath, value('0a'));
    });
    const before = radio.clock.now();
    expect(await echo.failure(going)).toMatchObject({ type: 'outcome_unknown' });
    expect(radio.clock.now() - before).toBeLessThanOrEqual(800);
    radio.air.comeBack(address);
    await radio.clock.advance(5_000);
    expect(device.written).toEqual([]);
  });
});
