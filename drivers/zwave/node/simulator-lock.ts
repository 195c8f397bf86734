import {
  BatteryCCGet,
  BatteryCCReport,
  type CommandClass,
  DoorLockCCOperationReport,
  DoorLockCCOperationSet,
  DoorLockMode,
  LockCCReport,
  LockCCSet,
  NotificationCCReport,
  UserCodeCCExtendedUserCodeSet,
  UserCodeCCGet,
  UserCodeCCReport,
  UserCodeCCSet,
  UserCredentialCCCredentialSet,
  UserCredentialCCUserSet,
  UserCredentialType,
  UserIDStatus,
} from '@zwave-js/cc';
import { createMockZWaveRequestFrame, type MockNode, type MockNodeBehavior } from '@zwave-js/testing';
import type { Clock } from '../../../src/contract/index.ts';
import { ACCESS_CONTROL, event } from './simulator-classes.ts';
import type { SimulatedLockSettings } from './simulator-settings.ts';

/** In what ways a simulated lock disappoints, until it behaves again. */
export interface LockFaults {
  /** It does not move, and says so. */
  readonly refuses?: boolean;
  /** The bolt stops half way. It says `said` to the command, and tells of the jam itself by an event, by its mode, or not. */
  readonly jams?: { readonly said: 'success' | 'fail'; readonly tells: 'event' | 'mode' };
  /** It acknowledges at once, and moves so much later, in milliseconds; it tells then, or only when it is asked. */
  readonly movesLate?: { readonly ms: number; readonly tells: boolean };
  /** It moves, and says nothing any more. */
  readonly mute?: boolean;
  /** It hears nothing: out of range, or without a battery. */
  readonly deaf?: boolean;
  /** It takes codes, says so, and stores none. */
  readonly storesNothing?: boolean;
  /**
   * What it shows in place of codes: stars, nothing, one digit all over, or the code as a number, which has lost its
   * leading zeros.
   */
  readonly masksCodes?: 'stars' | 'empty' | 'one_digit' | 'number';
  /** It says of every slot that its status is not available (CC:0063, 0xfe). */
  readonly hidesSlots?: boolean;
  /** It takes codes, and never answers a question about one. */
  readonly keepsSlotsToItself?: boolean;
  /** Whatever it says unasked it says again so much later, in milliseconds, with a fresh sequence number. */
  readonly saysAgainAfterMs?: number;
  /** The mode that it reports once it is unlocked; 0x01 for a lock with auto-lock. */
  readonly unlockedMode?: number;
  /** It locks itself again so long after an unlocking, in milliseconds. */
  readonly locksItselfAfterMs?: number;
}

/** CC:0062, modes. */
const SECURED = 0xff;
const UNSECURED = 0x00;
const UNKNOWN = 0xfe;

const bolt = { doorLock: 'DoorLock_currentMode', lock: 'Lock_locked' } as const;
const autoRelock = 'DoorLock_autoRelockTime';

/** Undefined for a message that is not its own. */
type LockBehaviour = NonNullable<MockNodeBehavior['handleCC']>;

/**
 * One simulated lock: the truth about it, whatever it says. The rules of real ones that it keeps, some by its faults:
 *
 * - a Set is acknowledged, or supervised, before the bolt has moved; what it says then is no observation;
 * - a report and an answer look alike; some reports are said again seconds later with fresh sequence numbers
 *   (`saysAgainAfterMs`, zwave-js 9134: 4.2 to 4.5 s on a BE469ZP);
 * - auto-lock shows as mode 0x01 and undoes an unlocking (`unlockedMode`, `locksItselfAfterMs`);
 * - a bolt that is stuck is mode 0xfe, with a jam event or without (`jams`);
 * - digits are shown, withheld or mangled (`masksCodes`), slots told or not (`hidesSlots`, `keepsSlotsToItself`);
 * - the same digits twice are refused: by silence on User Code 1, else with an event.
 */
export class SimulatedLock {
  readonly node: number;
  readonly settings: SimulatedLockSettings;
  readonly #mock: MockNode;
  readonly #clock: Clock;
  /** `Clock.now()` of every command that can act, as it arrived. */
  readonly commands: number[] = [];
  faults: LockFaults = {};
  /** How often the bolt moved. */
  movements = 0;
  #at: 'locked' | 'unlocked' | 'between' = 'locked';
  #telling: Promise<void> = Promise.resolve();

  constructor(mock: MockNode, settings: SimulatedLockSettings, clock: Clock) {
    this.node = settings.node;
    this.settings = settings;
    this.#mock = mock;
    this.#clock = clock;
    mock.state.set(bolt.doorLock, SECURED);
    mock.state.set(bolt.lock, true);
    if (settings.auto_relock !== undefined) mock.state.set(autoRelock, settings.auto_relock);
    this.behave(...this.#behaviours());
  }

  /** One behaviour for each message. The newest that answers counts, so that a test can put another in front. */
  behave(...behaviours: readonly LockBehaviour[]): void {
    this.#mock.defineBehavior(...behaviours.map((handleCC) => ({ handleCC })));
  }

  get bolt(): 'locked' | 'unlocked' | 'between' {
    return this.#at;
  }

  /** Seconds after which it locks itself; undefined where it does not have that. */
  get autoRelockS(): number | undefined {
    const kept = this.#mock.state.get(autoRelock);
    return typeof kept === 'number' ? kept : undefined;
  }

  /** The code in a slot, as the keypad would take it. */
  held(slot: number): string | undefined {
    const { state } = this.#mock;
    if (this.settings.codes === 'user_credential') {
      const found = state.get(`UserCredential_cred_${UserCredentialType.PINCode}_${slot}`) as
        | { readonly credentialData?: Uint8Array }
        | undefined;
      return found?.credentialData && Buffer.from(found.credentialData).toString('ascii');
    }
    if (state.get(`UserCode_userIdStatus_${slot}`) !== UserIDStatus.Enabled) return undefined;
    return textOf(state.get(`UserCode_userCode_${slot}`));
  }

  /** Somebody puts a code in at the lock itself. With User Credential the gateway has to. */
  hold(slot: number, code: string): void {
    this.#put(slot, code);
  }

  /** Somebody deletes a code at the lock itself, which tells. */
  async forget(slot: number): Promise<void> {
    this.#put(slot, undefined);
    await this.#notify(event.codeDeleted, slot);
  }

  /** Somebody turns the key, or types the code of a slot. */
  async operate(target: 'locked' | 'unlocked', slot?: number): Promise<void> {
    this.#move(target);
    if (slot === undefined) await this.#notify(target === 'locked' ? event.manualLock : event.manualUnlock);
    else await this.#notify(target === 'locked' ? event.keypadLock : event.keypadUnlock, slot);
    await this.#tellMode();
  }

  #put(slot: number, code: string | undefined): void {
    const status = code === undefined ? UserIDStatus.Available : UserIDStatus.Enabled;
    this.#mock.state.set(`UserCode_userIdStatus_${slot}`, status);
    this.#mock.state.set(`UserCode_userCode_${slot}`, code);
  }

  #behaviours(): readonly LockBehaviour[] {
    return [
      (_, __, received) => {
        const target = targetOf(received);
        return target && this.#commanded(target);
      },
      (_, __, received) => (clearsAll(received) ? this.#cleared() : undefined),
      (_, __, received) => {
        const writes = writesOf(received);
        return writes && this.#written(writes);
      },
      (_, __, received) => (received instanceof BatteryCCGet ? this.#tellBattery() : undefined),
      (_, __, received) => (received instanceof UserCodeCCGet ? this.#shown(received.userId) : undefined),
      // Of all else it says nothing while it is mute.
      () => (this.faults.mute ? { action: 'stop' } : undefined),
    ];
  }

  #cleared() {
    this.commands.push(this.#clock.now());
    for (let slot = 1; slot <= this.settings.slots; slot++) this.#put(slot, undefined);
    return { action: 'ok' } as const;
  }

  #tellBattery() {
    if (this.faults.mute) return { action: 'stop' } as const;
    // CC:0080: 0 % is sent as 0xff, "low".
    const { battery: level } = this.settings;
    return { action: 'sendCC', cc: new BatteryCCReport({ nodeId: 1, level: level === 0 ? 'low' : level }) } as const;
  }

  #commanded(target: 'locked' | 'unlocked') {
    this.commands.push(this.#clock.now());
    const { refuses, jams, movesLate, mute } = this.faults;
    if (refuses) return { action: 'fail' } as const;
    if (jams) {
      this.#at = 'between';
      if (jams.tells === 'mode') this.#mock.state.set(bolt.doorLock, UNKNOWN);
      else this.#later(50, () => this.#notify(event.jammed));
      return { action: jams.said === 'success' ? 'ok' : 'fail' } as const;
    }
    if (movesLate) {
      this.#later(movesLate.ms, async () => {
        this.#move(target);
        if (movesLate.tells) await this.#tellMode();
      });
      return { action: 'ok' } as const;
    }
    this.#move(target);
    if (mute) return { action: 'stop' } as const;
    this.#later(100, () => this.#tellMode());
    return { action: 'ok' } as const;
  }

  /** Undefined where the lock does what it is told. */
  #written(writes: readonly { readonly slot: number; readonly code: string }[]) {
    this.commands.push(this.#clock.now());
    if (this.faults.refuses) return { action: 'fail' } as const;
    if (this.faults.storesNothing) return { action: 'ok' } as const;
    for (const { slot, code } of writes) {
      const slots = Array.from({ length: this.settings.slots }, (_, i) => i + 1);
      if (!slots.some((other) => other !== slot && this.held(other) === code)) continue;
      // Version 1 keeps silent about why; the newer ones send an event.
      if (this.settings.codes !== 'user_code_1') this.#later(30, () => this.#notify(event.duplicate));
      return { action: this.settings.secure ? 'fail' : 'ok' } as const;
    }
    return undefined;
  }

  /** Undefined where it shows a slot as it is. */
  #shown(slot: number) {
    const { masksCodes, hidesSlots, keepsSlotsToItself, mute } = this.faults;
    if (mute || keepsSlotsToItself) return { action: 'stop' } as const;
    const held = this.held(slot);
    const report = (userIdStatus: UserIDStatus, userCode: string) =>
      ({ action: 'sendCC', cc: new UserCodeCCReport({ nodeId: 1, userId: slot, userIdStatus, userCode }) }) as const;
    if (hidesSlots) return report(UserIDStatus.StatusNotAvailable, '');
    if (masksCodes === undefined || held === undefined) return undefined;
    return report(UserIDStatus.Enabled, masks[masksCodes](held));
  }

  #move(target: 'locked' | 'unlocked'): void {
    if (this.#at !== target) this.movements += 1;
    this.#at = target;
    this.#mock.state.set(bolt.doorLock, target === 'locked' ? SECURED : this.#unlockedMode);
    this.#mock.state.set(bolt.lock, target === 'locked');
    const kept = this.autoRelockS ?? 0;
    const locksItselfAfterMs = this.faults.locksItselfAfterMs ?? (kept > 0 ? kept * 1_000 : undefined);
    if (target !== 'unlocked' || locksItselfAfterMs === undefined) return;
    this.#later(locksItselfAfterMs, async () => {
      if (this.#at !== 'unlocked') return;
      this.#move('locked');
      await this.#notify(event.autoLock);
      await this.#tellMode();
    });
  }

  get #unlockedMode(): number {
    return this.faults.unlockedMode ?? UNSECURED;
  }

  async #tellMode(): Promise<void> {
    const locked = this.#at === 'locked';
    const mode: DoorLockMode = locked ? DoorLockMode.Secured : this.#unlockedMode;
    const handles: [boolean, boolean, boolean, boolean] = [true, true, true, true];
    await this.#tell(
      this.settings.locked_by === 'lock'
        ? new LockCCReport({ nodeId: 1, locked })
        : new DoorLockCCOperationReport({
            nodeId: 1,
            currentMode: mode,
            targetMode: mode,
            outsideHandlesCanOpenDoor: handles,
            insideHandlesCanOpenDoor: handles,
          }),
    );
  }

  async #notify(notificationEvent: number, slot?: number): Promise<void> {
    if (this.settings.locked_by === 'lock') return;
    // User Code Report, as the event's parameter: the slot, in use, and no code.
    const eventParameters = slot === undefined ? undefined : Uint8Array.from([0x63, 0x03, slot, 1, 0]);
    await this.#tell(
      new NotificationCCReport({
        nodeId: 1,
        notificationType: ACCESS_CONTROL,
        notificationEvent,
        ...(eventParameters && { eventParameters }),
      }),
    );
  }

  /** One after the other, as a radio has it. What cannot be encrypted for the moment is lost, as a frame may be. */
  #tell(cc: CommandClass): Promise<void> {
    const { saysAgainAfterMs } = this.faults;
    if (saysAgainAfterMs !== undefined) this.#later(saysAgainAfterMs, () => this.#send(cc));
    return this.#send(cc);
  }

  #send(cc: CommandClass): Promise<void> {
    this.#telling = this.#telling
      .then(async () => {
        if (this.faults.mute || this.faults.deaf) return;
        await this.#mock.sendToController(createMockZWaveRequestFrame(cc, { ackRequested: false }));
      })
      .catch(() => undefined);
    return this.#telling;
  }

  #later(ms: number, work: () => Promise<void>): void {
    this.#clock.setTimer(() => void work(), ms);
  }
}

const masks: Readonly<Record<NonNullable<LockFaults['masksCodes']>, (code: string) => string>> = {
  stars: (code) => '*'.repeat(code.length),
  empty: () => '',
  one_digit: (code) => '0'.repeat(code.length),
  number: (code) => String(Number(code)),
};

function targetOf(received: CommandClass): 'locked' | 'unlocked' | undefined {
  if (received instanceof DoorLockCCOperationSet) return received.mode === DoorLockMode.Secured ? 'locked' : 'unlocked';
  if (received instanceof LockCCSet) return received.locked ? 'locked' : 'unlocked';
  return undefined;
}

/** CC:0063: user 0, set to "available", is everybody. */
function clearsAll(received: CommandClass): boolean {
  if (received instanceof UserCodeCCSet) return received.userId === 0;
  return received instanceof UserCodeCCExtendedUserCodeSet && received.userCodes.some(({ userId }) => userId === 0);
}

/** The codes that a command would store; undefined for a command that stores or deletes nothing. */
function writesOf(received: CommandClass): readonly { readonly slot: number; readonly code: string }[] | undefined {
  if (received instanceof UserCredentialCCUserSet) return [];
  if (received instanceof UserCredentialCCCredentialSet)
    return received.credentialData === undefined
      ? []
      : [{ slot: received.credentialSlot, code: textOf(received.credentialData) ?? '' }];
  const codes =
    received instanceof UserCodeCCExtendedUserCodeSet
      ? received.userCodes
      : received instanceof UserCodeCCSet
        ? [{ userId: received.userId, userIdStatus: received.userIdStatus, userCode: received.userCode }]
        : undefined;
  return codes
    ?.filter(({ userIdStatus }) => userIdStatus === UserIDStatus.Enabled)
    .map(({ userId, userCode }) => ({ slot: userId, code: textOf(userCode) ?? '' }));
}

function textOf(code: unknown): string | undefined {
  if (typeof code === 'string') return code;
  return code instanceof Uint8Array ? Buffer.from(code).toString('ascii') : undefined;
}
