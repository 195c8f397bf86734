import { GatewayError, type Secret } from '../../../src/contract/index.ts';
import type { DeviceSnapshot } from '../../../src/model/device-snapshot.ts';
import type { Gateway, Origin } from '../../../src/model/gateway.ts';
import type { ActionType, AttemptRecord, UnmanagedCodeRecord } from '../../../src/model/records.ts';
import type { Sandbox, SimulatedEvent } from '../../../src/model/sandbox.ts';

/** What it needs of the fake gateway. */
interface Host extends Pick<Gateway, 'clock' | 'identity'> {
  readonly deviceList: readonly DeviceSnapshot[];
  readonly accessCodes: { readonly found: UnmanagedCodeRecord[] };
  accept(actionType: ActionType, deviceId: string, subject: undefined, origin: Origin): Promise<AttemptRecord>;
}

const everything: readonly SimulatedEvent[] = [
  'connect',
  'disconnect',
  'connect_to_hub',
  'disconnect_from_hub',
  'remove',
];

/** Devices are real unless a test says that they are played; then everything can happen to them. */
export class FakeSandbox implements Sandbox {
  readonly #gateway: Host;
  readonly played = new Set<string>();
  /** What was made to happen, in order. */
  readonly happened: string[] = [];

  constructor(gateway: Host) {
    this.#gateway = gateway;
  }

  get isWhole(): boolean {
    return this.#gateway.deviceList.every(({ deviceId }) => this.played.has(deviceId));
  }

  eventsOf(deviceId: string): ReadonlySet<SimulatedEvent> | undefined {
    return this.played.has(deviceId) ? new Set(everything) : undefined;
  }

  simulate(deviceId: string, event: SimulatedEvent): void {
    this.#assertPlayed(deviceId);
    this.happened.push(event);
  }

  async typeCode(deviceId: string, _code: Secret, origin: Origin) {
    this.#assertPlayed(deviceId);
    return this.#gateway.accept('SIMULATE_KEYPAD_CODE_ENTRY', deviceId, undefined, origin);
  }

  async lockAtKeypad(deviceId: string, origin: Origin) {
    this.#assertPlayed(deviceId);
    return this.#gateway.accept('SIMULATE_MANUAL_LOCK_VIA_KEYPAD', deviceId, undefined, origin);
  }

  async programCode(deviceId: string, code: Secret, name: string) {
    this.#assertPlayed(deviceId);
    const found = {
      accessCodeId: 'found-programmed',
      deviceId,
      slot: 9,
      name,
      sealedCode: Buffer.from(code.reveal()),
      createdAt: this.#gateway.clock.wallTime(),
    };
    this.#gateway.accessCodes.found.push(found);
    return found;
  }

  triggerNoise(deviceId: string): void {
    this.#assertPlayed(deviceId);
    this.happened.push('noise');
  }

  async reset(origin: Origin) {
    if (!this.isWhole) throw new GatewayError('unsupported_action', 'This gateway is no sandbox.');
    return this.#gateway.accept('RESET_SANDBOX_WORKSPACE', this.#gateway.identity.workspaceId, undefined, origin);
  }

  #assertPlayed(deviceId: string): void {
    if (!this.played.has(deviceId)) throw new GatewayError('unsupported_action', 'The device is not simulated.');
  }
}
