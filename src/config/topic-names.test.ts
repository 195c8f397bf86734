import { describe, expect, it } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { configFolder } from '../../test/kit/command-line/config-folder.ts';

/** Loads a gateway with one lock behind Zigbee2MQTT, and says what is wrong with it. */
async function problemsOf(settings: object, monitor?: object): Promise<string> {
  const config = {
    gateway: { id: 'lobby', name: 'Lobby', time_zone: 'UTC' },
    mqtt: { main: { url: 'mqtt://127.0.0.1:1883' } },
    ...(monitor && { monitor: { mqtt: 'main', ...monitor } }),
    devices: [{ id: 'front', name: 'Front', driver: 'mqtt/zigbee2mqtt', link: { mqtt: 'main' }, settings }],
  };
  return configFolder()
    .load(JSON.stringify(config), { drivers })
    .then(
      () => '',
      (error: Error) => error.message,
    );
}

describe('names on the broker', () => {
  it.each([
    ['bridge', /friendly_name.*bridge/],
    ['bridge/x', /friendly_name.*bridge/],
    ['A/set', /friendly_name.*"set"/],
    ['A/get', /friendly_name.*"get"/],
    ['A/set/state', /friendly_name.*"set"/],
    ['A/availability', /friendly_name.*"availability"/],
    ['$SYS/broker/uptime', /friendly_name.*\$SYS/],
    [' Front', /friendly_name.*blanks/],
    ['Front ', /friendly_name.*blanks/],
    ['A//B', /friendly_name.*empty level/],
    ['Fr\u043Ent', /friendly_name.*Latin and Cyrillic/],
    ['Front\u200B', /friendly_name.*U\+200B/],
    ['+', /friendly_name.*wildcards/],
    ['#', /friendly_name.*wildcards/],
  ])('a device may not be called %j', async (friendly_name, words) => {
    expect(await problemsOf({ friendly_name })).toMatch(words);
  });

  it.each(['Front Door', 'bridges', 'A/settings', 'House/Küche', '0x00158d0001dc1a53'])(
    'it may be called %s',
    async (friendly_name) => expect(await problemsOf({ friendly_name })).toBe(''),
  );

  it.each([
    [{ base_topic: 'zigbee2mqtt' }, /monitor\.base_topic.*"zigbee2mqtt".*front/],
    [{ base_topic: 'zigbee2mqtt/lobby' }, /monitor\.base_topic/],
    [{ base_topic: 'zigbee2mqtt/Front' }, /monitor\.base_topic/],
  ])('the monitor may not tell below %j', async (monitor, words) => {
    expect(await problemsOf({ friendly_name: 'Front' }, monitor)).toMatch(words);
  });

  it('a bridge may not speak below the monitor, which has a place of its own', async () => {
    const settings = { friendly_name: 'Front', base_topic: 'strikeplate/lobby/z' };
    expect(await problemsOf(settings, {})).toMatch(/devices\.0\.settings\.base_topic/);
    expect(await problemsOf(settings, { base_topic: 'strikeplate' })).toMatch(/monitor\.base_topic/);
    expect(await problemsOf({ friendly_name: 'Front' }, {})).toBe('');
    expect(await problemsOf({ friendly_name: 'Front' }, { base_topic: 'zigbee2mqtts' })).toBe('');
  });
});
