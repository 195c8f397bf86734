import { describe, expect, it } from 'vitest';
import { aDelivery, aWebhook } from '../kit/store/store-records.ts';
import { commitTo, type StoreBench } from './store-bench.ts';

/** What every store must do with webhooks. */
export function describeStoredWebhooks(bench: () => StoreBench): void {
  const commit = commitTo(bench);

  describe('webhooks', () => {
    it('are kept, oldest first; a change leaves what was delivered as it is', async () => {
      const first = aWebhook(1);
      const second = aWebhook(2, { webhookId: 'no UUID', eventTypes: ['lock.locked', 'lock.unlocked'] });
      await commit({ kind: 'webhook_put', webhook: first }, { kind: 'webhook_put', webhook: second });
      await commit({ kind: 'webhook_progress', webhookId: first.webhookId, afterSeq: 40 });
      await commit({ kind: 'webhook_progress', webhookId: 'nobody', afterSeq: 41 });
      const changed = { ...first, eventTypes: ['device.added'], afterSeq: 0 };
      await commit({ kind: 'webhook_put', webhook: changed });
      expect(bench().store.read.webhooks()).toEqual([{ ...changed, afterSeq: 40 }, second]);
      expect(bench().store.read.webhook('no UUID')).toEqual(second);
      expect(bench().store.read.webhook('nobody')).toBeUndefined();
    });

    it('keep what waits for them, and take it with them', async () => {
      const put = (order: number, seq: number, tries = 0) =>
        ({ kind: 'webhook_delivery_put', delivery: aDelivery(order, seq, tries) }) as const;
      const { webhookId } = aWebhook(1);
      await commit({ kind: 'webhook_put', webhook: aWebhook(1) }, put(1, 9), put(1, 4), put(2, 5), put(1, 4, 3));
      expect(bench().store.read.webhookDeliveries(webhookId)).toEqual([aDelivery(1, 4, 3), aDelivery(1, 9)]);
      await commit({ kind: 'webhook_delivery_removed', webhookId, eventSeq: 4 });
      await bench().crash();
      expect(bench().store.read.webhookDeliveries(webhookId)).toEqual([aDelivery(1, 9)]);
      await commit({ kind: 'webhook_removed', webhookId });
      expect(bench().store.read.webhooks()).toEqual([]);
      expect(bench().store.read.webhookDeliveries(webhookId)).toEqual([]);
      expect(bench().store.read.webhookDeliveries(aWebhook(2).webhookId)).toEqual([aDelivery(2, 5)]);
    });
  });
}
