import { describe, expect, it } from 'vitest';
import { parseBrokerUrl } from './broker-address.ts';

describe('parseBrokerUrl', () => {
  it.each([
    ['mqtt://127.0.0.1:1883', { host: '127.0.0.1', port: 1883, tls: false, shown: 'mqtt://127.0.0.1:1883' }],
    ['mqtt://broker.lan', { host: 'broker.lan', port: 1883, tls: false, shown: 'mqtt://broker.lan:1883' }],
    ['mqtts://broker.lan', { host: 'broker.lan', port: 8883, tls: true, shown: 'mqtts://broker.lan:8883' }],
    ['mqtt://[fd00::2]:1884/', { host: 'fd00::2', port: 1884, tls: false, shown: 'mqtt://[fd00::2]:1884' }],
  ])('reads %s', (url, expected) => {
    expect(parseBrokerUrl(url, 'main')).toEqual(expected);
  });

  it.each(['', 'broker', 'ws://broker', 'http://broker:1883', 'mqtt://', 'mqtt://broker/topic', 'mqtt://broker:99999'])(
    'refuses %j and names the setting',
    (url) => {
      expect(() => parseBrokerUrl(url, 'main')).toThrow(/^mqtt\.main\.url: .*mqtt:\/\/HOST:PORT/);
    },
  );

  it('does not repeat a password that stands in the URL', () => {
    expect(() => parseBrokerUrl('mqtt://gw:hunter2@broker', 'main')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});
