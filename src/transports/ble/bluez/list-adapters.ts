import type { Clock } from '../../../contract/index.ts';
import type { KernelAdapter } from '../kernel-adapters.ts';
import { SystemBus } from './system-bus.ts';

export const ADAPTER = 'org.bluez.Adapter1';

const adapterPath = /^\/org\/bluez\/hci(\d+)$/;

/** bluetoothd's object for an adapter. */
export const pathOf = (index: number): string => `/org/bluez/hci${index}`;

/**
 * Asks bluetoothd for its adapters.
 * @throws BluezTrouble
 */
export async function listBluezAdapters(clock: Clock): Promise<readonly KernelAdapter[]> {
  const bus = await SystemBus.open(clock);
  try {
    const adapters: KernelAdapter[] = [];
    for (const [path, interfaces] of await bus.objects()) {
      const index = adapterPath.exec(path)?.[1];
      const adapter = interfaces[ADAPTER];
      if (index === undefined || adapter === undefined) continue;
      adapters.push({
        index: Number(index),
        address: String(adapter.Address).toLowerCase(),
        powered: adapter.Powered === true,
      });
    }
    return adapters;
  } finally {
    bus.close();
  }
}
