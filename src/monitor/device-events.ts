import type { DeviceReport, Health } from '../contract/index.ts';
import type { DeviceSnapshot } from '../devices/device-snapshot.ts';
import type { AccessCodes } from '../gateway/ports.ts';

export type DeviceEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** Makes events of one device's reports: what happened, as against how it is. */
export class DeviceEvents {
  readonly #deviceId: string;
  readonly #codes: AccessCodes;
  #jammed = false;
  #batteryLow = false;
  /** Undefined until it was online: how a run begins is told by what is retained, for all devices at once. */
  #health: Health | undefined;

  constructor(device: DeviceSnapshot, codes: AccessCodes) {
    this.#deviceId = device.deviceId;
    this.#codes = codes;
    if (device.health.status === 'online') this.#health = device.health;
    this.#jammed = device.lockState === 'jammed';
    this.#batteryLow = device.battery?.low === true;
  }

  /** Undefined for a report that only says how things are. */
  heard(report: DeviceReport): DeviceEvent | undefined {
    switch (report.kind) {
      case 'lock_operated': {
        const { operation, method, slot } = report;
        if (operation === 'jammed' && this.#jammed) return undefined;
        this.#jammed = operation === 'jammed' || (this.#jammed && operation === 'access_denied');
        return { event: operation, method, ...(slot === undefined ? {} : this.#slot(slot)) };
      }
      case 'lock_state': {
        const before = this.#jammed;
        // `unknown` says nothing about a jam that was told.
        if (report.state !== 'unknown') this.#jammed = report.state === 'jammed';
        return this.#jammed && !before ? { event: 'jammed' } : undefined;
      }
      case 'battery': {
        const before = this.#batteryLow;
        this.#batteryLow = report.low;
        if (before || !report.low) return undefined;
        return { event: 'battery_low', ...(report.level === undefined ? {} : { battery: report.level }) };
      }
      case 'code_slot':
        return { event: 'code_slot_changed', ...this.#slot(report.slot), occupied: report.occupied };
      case 'tamper':
        return { event: 'tamper' };
      case 'health':
        return this.#healthChange(report.health);
      case 'door':
      case 'noise':
        return undefined;
    }
  }

  #healthChange(health: Health): DeviceEvent | undefined {
    const before = this.#health;
    if (before === undefined && health.status !== 'online') return undefined;
    this.#health = health;
    if (before === undefined) return undefined;
    if (health.status === 'online') return before.status === 'online' ? undefined : { event: 'online' };
    if (before.status !== 'online' && before.reason === health.reason) return undefined;
    return { event: 'offline', reason: health.reason, hint: health.hint };
  }

  #slot(slot: number): { readonly slot: number; readonly access_code_id?: string } {
    const code = this.#codes.atSlot(this.#deviceId, slot);
    return code === undefined ? { slot } : { slot, access_code_id: code.accessCodeId };
  }
}
