import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { revokeApiKey } from '../../src/http/api-key-changes.ts';
import { GatewayBox } from '../kit/gateway/gateway-box.ts';

interface TellingEvent {
  readonly event_type: string;
  readonly api_key_id?: string;
  readonly address?: string;
  readonly reason?: string;
  readonly count?: number;
}

test('keys that are made, taken away and refused are told by events, and counted by reason', async () => {
  const box = await GatewayBox.make({ devices: [] });
  onTestFinished(() => box.dispose());
  const gateway = await box.start();
  onTestFinished(() => gateway.close());
  const { api } = gateway;
  const told = async (type: string): Promise<readonly TellingEvent[]> => {
    const asked = { since: new Date(0).toISOString(), event_type: `strikeplate.api_key.${type}` };
    return (await api.post('/events/list', asked)).body.events ?? [];
  };
  const { id, key } = await box.makeKey({ name: 'booking' });
  await expect.poll(() => told('created')).toMatchObject([{ api_key_id: id }]);
  const asks = (of: string) =>
    fetch(`${gateway.url}/devices/list`, { headers: of === '' ? {} : { authorization: `Bearer ${of}` } });
  await expect.poll(async () => (await asks(key)).status).toBe(200);
  await revokeApiKey(join(box.stateDir, 'api-keys'), id, Date.now);
  await expect.poll(() => told('revoked')).toMatchObject([{ api_key_id: id }]);
  await expect.poll(async () => (await asks(key)).status).toBe(401);
  await asks('seam_gw1_0000000000000000000000000000000000000000');
  await asks('');
  await expect.poll(() => told('refused')).toMatchObject([{ address: '127.0.0.1', count: 1 }]);
  const { text } = await api.get('/metrics');
  const counted = text.split('\n').filter((line) => line.startsWith('strikeplate_api_keys_refused_total{'));
  expect(counted.length).toBeGreaterThanOrEqual(2);
  expect(text).not.toContain(key);
  for (const event of await told('refused')) expect(JSON.stringify(event)).not.toContain('seam_gw1');
});
