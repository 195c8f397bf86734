import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedLock, Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { systemClock } from '../../src/clock/system-clock.ts';
import { errorTypes, type GatewayErrorType } from '../../src/contract/index.ts';
import { connectMqttPeer } from '../../src/simulation/mqtt-peer.ts';
import { seededNumbers } from '../fuzz/mutator.ts';
import type { ApiCaller, AttemptLife } from '../kit/api-caller.ts';
import { builtCli } from '../kit/built-command.ts';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway-box.ts';
import { GatewayProcess } from '../kit/gateway-process.ts';
import { KillLoad, pause } from './kit/kill-load.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';

const KILLS = Number(process.env.STRIKEPLATE_KILLS ?? 5);
const SEED = Number(process.env.STRIKEPLATE_SEED ?? 20_261_130);
/** Milliseconds; what was on its way from a killed process is with the broker, and with the lock, by then. */
const ON_THE_WAY = 300;
/** Lives after which all codes must be as wanted, before the next: in the others the kills meet what is not done yet. */
const CODES_EVERY = 10;
/** How often codes that are not as wanted are looked at again, a tenth of a second apart and more. */
const REST_TRIES = 300;
const slugs = ['door-1', 'door-2', 'door-3'];

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
});

interface Judged {
  doorCommands: number;
  attempts: number;
  outcomes: Record<string, number>;
}

/** The locks' own records, and what they say of the gateway's. */
class Judge {
  readonly judged: Judged = { doorCommands: 0, attempts: 0, outcomes: {} };
  readonly broken: string[] = [];
  readonly #locks: ReadonlyMap<string, SimulatedLock>;
  readonly #seen = new Map<string, number>();

  constructor(locks: ReadonlyMap<string, SimulatedLock>) {
    this.#locks = locks;
  }

  /** Door commands that reached any lock, so far. */
  get commands(): number {
    return [...this.#locks.values()].reduce((sum, { doorCommands }) => sum + doorCommands.length, 0);
  }

  /** Holds the attempts since the last time against the commands since then; all have ended. */
  doors(life: number, lives: readonly AttemptLife[]): void {
    const wallOffset = Date.now() - performance.now();
    for (const [deviceId, lock] of this.#locks) {
      const since = this.#seen.get(deviceId) ?? 0;
      this.#seen.set(deviceId, lock.doorCommands.length);
      const came = lock.doorCommands.slice(since);
      this.judged.doorCommands += came.length;
      const here = lives.filter((one) => one.deviceId === deviceId);
      for (const action of ['LOCK', 'UNLOCK'] as const) {
        const of = here.filter(({ attempt }) => attempt.action_type === `${action}_DOOR`);
        const commands = came.filter(({ command }) => command === action).length;
        const mayHaveSent = of.filter(({ attempt }) => deliveryOf(attempt.error?.type) !== 'not_sent').length;
        // One that was about to be sent when the process died is a success, unconfirmed, where the bolt is as asked.
        const mustHaveSent = of.filter(({ attempt }) => attempt.result?.was_confirmed_by_device === true).length;
        const most = action === 'LOCK' ? 2 * mayHaveSent : mayHaveSent;
        if (commands > most || commands < mustHaveSent)
          this.#says(life, lock, `${commands} ${action} came, and attempts tell of ${mustHaveSent} to ${most}`);
        for (const one of of) this.#bolt(life, lock, one, action === 'LOCK' ? 'locked' : 'unlocked', wallOffset);
      }
      for (const { attempt } of here) {
        const outcome = attempt.error?.type ?? (attempt.result?.was_confirmed_by_device ? 'confirmed' : 'unconfirmed');
        this.judged.outcomes[outcome] = (this.judged.outcomes[outcome] ?? 0) + 1;
      }
      this.judged.attempts += here.length;
    }
  }

  /** What stands on the keypads, once the gateway has come to rest, is what it says, and what was asked. */
  async codes(life: number, api: ApiCaller, load: KillLoad): Promise<void> {
    let wrong: readonly string[] = [];
    for (let tries = 0; tries < REST_TRIES; tries++) {
      await codesSettled(api);
      wrong = await this.#wrongCodes(api, load);
      if (wrong.length === 0) return;
      // A grant that goes says so before its codes do.
      await pause(100);
    }
    for (const what of wrong) this.says(life, what);
  }

  async #wrongCodes(api: ApiCaller, load: KillLoad): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const [deviceId, { friendlyName, keypad }] of this.#locks) {
      const told = (await codesOf(api, deviceId)).map(({ code }) => code).sort();
      const held = [...keypad.codes.values()].sort();
      if (told.join() !== held.join()) wrong.push(`${friendlyName} holds ${held}, and the gateway tells of ${told}`);
      for (const { pin, deviceIds, deletedBy, deletion } of load.pins) {
        if (!deviceIds.includes(deviceId)) continue;
        const isHeld = held.includes(pin);
        if (deletion === 'answered' && isHeld) wrong.push(`${friendlyName} still holds ${pin}, which was deleted`);
        if (deletedBy !== undefined && deletion === undefined && !isHeld)
          wrong.push(`${friendlyName} lacks ${pin}, whose creation was answered`);
      }
    }
    return wrong;
  }

  says(life: number, what: string): void {
    this.broken.push(`life ${life}: ${what}`);
  }

  #bolt(life: number, lock: SimulatedLock, one: AttemptLife, asked: string, wallOffset: number): void {
    const { attempt, acceptedAt, settledAt } = one;
    if (attempt.status !== 'success') return;
    const at = (moment: number) => lock.movements.filter((moved) => moved.at + wallOffset <= moment + 1);
    const before = at(acceptedAt - 1).at(-1)?.to ?? lock.movements[0]?.from ?? lock.bolt;
    const during = at(settledAt).slice(at(acceptedAt - 1).length);
    if (before !== asked && !during.some(({ to }) => to === asked))
      this.#says(life, lock, `was not ${asked} while ${attempt.action_attempt_id} was under way, which says it was`);
  }

  #says(life: number, { friendlyName }: SimulatedLock, what: string): void {
    this.says(life, `${friendlyName} ${what}`);
  }
}

const deliveryOf = (type: string | undefined) =>
  type === undefined ? 'acted' : errorTypes[type as GatewayErrorType].delivery;

interface WireCode {
  readonly code: string | null;
  readonly status: string;
  readonly pending_mutations: readonly unknown[];
}

async function codesOf(api: ApiCaller, deviceId: string): Promise<readonly WireCode[]> {
  return (await api.post('/access_codes/list', { device_id: deviceId })).body.access_codes ?? [];
}

/** Until every code is where it stays, or is gone. */
async function codesSettled(api: ApiCaller): Promise<void> {
  for (const slug of slugs) {
    for (;;) {
      const codes = await codesOf(api, idOf(slug));
      if (codes.every(({ status, pending_mutations }) => status === 'set' && pending_mutations.length === 0)) break;
      await pause(50);
    }
  }
}

describe.skipIf(mosquittoProgram === undefined)('a gateway that is killed at any moment', () => {
  beforeAll(ensureBuilt, 120_000);

  it(`keeps its promises over ${KILLS} kills under doors, codes and grants (seed ${SEED})`, {
    timeout: 60_000 + KILLS * 30_000,
  }, async () => {
    const below = seededNumbers(SEED);
    const broker = await Mosquitto.start();
    closing.push(() => broker.close());
    const peer = await connectMqttPeer(broker.url);
    closing.push(() => peer.close());
    const bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
    closing.push(() => bridge.stop());
    const locks = new Map(
      slugs.map((slug) => [
        idOf(slug),
        bridge.addLock({ friendlyName: slug, bolt: 'locked', radioMs: 10, motorMs: 40, exposePin: true, slots: 31 }),
      ]),
    );
    bridge.start();
    const settings = { kind: 'lock', pin_slots: { first: 1, count: 30 } };
    const box = await GatewayBox.make({
      mqtt: { main: { url: broker.url } },
      access_codes: { lead_minutes: 0 },
      devices: slugs.map((slug) => zigbeeEntry(slug, { settings })),
    });
    closing.push(() => box.dispose());
    const load = new KillLoad({ deviceIds: [...locks.keys()], below });
    const judge = new Judge(locks);

    /** Killed before anybody can ask it anything. */
    const stillborn = async () => {
      const child = spawn(process.execPath, [builtCli, 'run', '--config', box.configFile], { stdio: 'ignore' });
      await pause(below(1_200));
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    let judgedDoors = 0;
    /** A life in which nothing is asked until what was left behind has ended. */
    const taken = async (life: number, withCodes: boolean) => {
      await pause(ON_THE_WAY);
      const before = judge.commands;
      const gateway = await GatewayProcess.start(box);
      closing.push(() => gateway.stop('SIGKILL'));
      const { api } = gateway;
      for (const deviceId of locks.keys()) await api.online(deviceId);
      const answered = load.doors.slice(judgedDoors).flatMap(({ attemptId }) => attemptId ?? []);
      await api.ended(answered).catch((error: unknown) => judge.says(life, `P1: ${error}`));
      if (judge.commands > before) judge.says(life, `P2: ${judge.commands - before} door commands came by themselves`);
      await load.repeatUnanswered(api);
      const ids = load.doors.slice(judgedDoors).flatMap(({ attemptId }) => attemptId ?? []);
      judge.doors(life, await api.ended(ids));
      judgedDoors = load.doors.length;
      if (withCodes) {
        await judge.codes(life, api, load);
      }
      return gateway;
    };

    for (let kill = 1; kill <= KILLS; kill++) {
      if (below(8) === 0) {
        await stillborn();
        continue;
      }
      const gateway = await taken(kill, kill % CODES_EVERY === 0);
      const loaded = load.run(gateway.api);
      await pause(below(900));
      gateway.signal('SIGKILL');
      await Promise.all([gateway.ended, loaded]);
      expect(judge.broken).toEqual([]);
    }
    const last = await taken(KILLS + 1, true);
    await load.deleteAll(last.api);
    await judge.codes(KILLS + 1, last.api, load);
    expect(judge.broken).toEqual([]);
    const left = [...locks.values()].flatMap(({ keypad }) => [...keypad.codes.values()]);
    const unanswered = load.pins.filter(({ deletedBy }) => deletedBy === undefined).map(({ pin }) => pin);
    expect(left.filter((pin) => !unanswered.includes(pin))).toEqual([]);
    console.log(`${KILLS} kills, seed ${SEED}: ${JSON.stringify({ ...judge.judged, pins: load.pins.length })}`);
  });
});
