import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { hideSecrets } from './load.ts';

describe('a configuration that is shown', () => {
  it('keeps its shape and every value that is no secret', () => {
    const config = {
      mqtt: { main: { url: 'mqtts://broker.example:8883', password_file: 'mqtt.password' } },
      devices: [{ id: 'front', settings: { pin_slots: { first: 1, count: 20 }, code_lengths: [4, 6] } }],
    };
    expect(hideSecrets(config)).toEqual(config);
  });

  it('holds no secret, wherever it stands and however deep', () => {
    const names = fc.constantFrom(
      'password',
      'broker_password',
      'token',
      'api_key',
      'security_key',
      'pin',
      'secret',
      'code',
    );
    const secret = fc.stringMatching(/^[a-z0-9]{6,20}$/).map((text) => `S3CRET-${text}`);
    const number = fc.integer({ min: 1_000_000, max: 9_999_999 });
    fc.assert(
      fc.property(
        names,
        fc.oneof(secret, number),
        fc.array(fc.constantFrom('devices', 'settings', 'more')),
        (name, value, path) => {
          const leaf: unknown = { [name]: value, list: [{ [name]: [value] }] };
          const whole = path.reduce<unknown>((inner, key) => ({ [key]: [inner] }), leaf);
          expect(JSON.stringify(hideSecrets(whole))).not.toContain(String(value));
        },
      ),
    );
  });

  it('shows an address without who signs in there', () => {
    expect(hideSecrets({ url: 'mqtt://porter:hunter2@broker:1883/x' })).toEqual({ url: 'mqtt://***@broker:1883/x' });
  });
});
