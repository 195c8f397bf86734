import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import { pairingFilesOf } from '../../src/store/pairing-files.ts';
import { GatewayBox, idOf } from '../kit/gateway/gateway-box.ts';

/* What a gateway with Bluetooth in its configuration does where something is missing: it starts, and says so. */

const lock = { driver: 'ble/nuki', link: { ble: 'radio', address: '54:D2:72:00:00:01' } };
const devices = [
  { id: 'front', name: 'Front door', ...lock },
  {
    ...{ id: 'hall', name: 'Hall', driver: 'ble/omron-sound' },
    link: { ble: 'radio', address: 'C0:11:22:33:44:55', address_type: 'random' },
  },
];

let box: GatewayBox;

beforeEach(async () => {
  box = await GatewayBox.make({ devices: [] });
});
afterEach(() => box.dispose());

const pairings = (keyFile = 'store.key') =>
  pairingFilesOf(
    { pairingsDir: `${box.stateDir}/pairings`, store: { keyFile: `${box.stateDir}/${keyFile}` } },
    randomBytes,
  );
const front = { deviceId: idOf('front'), driver: 'ble/nuki', name: 'Front door' };
const credentials = new Secret(
  JSON.stringify({
    ...{ version: 1, authorization_id: 1, shared_key: '07'.repeat(32), app_id: 7, protocol: 'classic', pin: 1234 },
  }),
);

/** What a client is told of a device, and what becomes of an unlock. */
async function story(ble: object) {
  box.configure({ ble, devices });
  const gateway = await box.start();
  try {
    const { body } = await gateway.api.get('/devices/list');
    // biome-ignore lint/suspicious/noExplicitAny: as it comes over the wire
    const told = (body.devices as unknown as any[]).map(({ properties, errors }) => ({
      health: properties.strikeplate_metadata.health,
      message: errors[0]?.message,
    }));
    const { action_attempt_id: id } = await gateway.api.door('unlock', idOf('front'));
    const [ended] = await gateway.api.ended([id]);
    return { told, error: ended?.attempt.error };
  } finally {
    await gateway.close();
  }
}

describe('a gateway with Bluetooth', () => {
  it('starts where its dongle is not plugged in, and says so', async () => {
    pairings().write(front, credentials);
    const { told, error } = await story({ radio: { uart: '/dev/ttyNobody' } });
    const down = {
      health: 'offline',
      message: 'There is no serial port /dev/ttyNobody. Plug the Bluetooth dongle in.',
    };
    expect(told).toEqual([down, down]);
    expect(error).toMatchObject({
      type: 'link_unavailable',
      message: expect.stringContaining('There is no serial port /dev/ttyNobody'),
    });
  });

  it('starts on a host without the adapter, or without Bluetooth at all', async () => {
    pairings().write(front, credentials);
    const { told, error } = await story({ radio: { adapter: 'hci99' } });
    expect(told[0]).toMatchObject({ health: 'offline' });
    expect(told[0]?.message).toMatch(/^(This host has no Bluetooth|The Bluetooth adapter hci99 is not there)/);
    expect(error?.type).toBe('link_unavailable');
  });

  it('says which command pairs a lock that is not paired', async () => {
    const { told, error } = await story({ radio: { simulated: true } });
    const message = expect.stringContaining('run `strikeplate pair "Front door"`');
    expect(told[0]).toEqual({ health: 'misconfigured', message });
    expect(error).toMatchObject({ type: 'misconfigured', message });
    expect(told[1]?.message).toContain('Nothing plays on the simulated radio radio.');
  });

  it('goes on with its other devices when a pairing cannot be opened', async () => {
    pairings('other.key').write(front, credentials);
    const { told, error } = await story({ radio: { simulated: true } });
    expect(told[0]).toMatchObject({
      health: 'misconfigured',
      message: expect.stringMatching(/sealed with another key .* Restore it from a backup, or pair again\.$/),
    });
    expect(JSON.stringify([told, error])).not.toContain('0707');
    expect(told[1]).toMatchObject({ health: 'offline' });
  });
});
