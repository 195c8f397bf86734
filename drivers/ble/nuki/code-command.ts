import {
  type AccessCodeRules,
  type CodeCommandContext,
  type CodeWrite,
  GatewayError,
  type SlotReading,
} from '../../../src/contract/index.ts';
import { notCleared } from '../../../src/driver-kit/code-sentences.ts';
import type { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Claim, Goal, Verdict } from '../../../src/driver-kit/evidence/claims.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { commands, errorCodes, statusCodes } from './catalogue.ts';
import { isShown, listCodes, pinOf, readingOf } from './code-list.ts';
import { asUtc, limitsOf, lockTimeAt, sameLimits } from './code-times.ts';
import type { NukiMessage } from './codec.ts';
import { addKeypadCode, removeKeypadCode, type SecurityPin, updateTime } from './codec-commands.ts';
import { type KeypadCode, readKeypadCodeId, readStatus } from './codec-replies.ts';
import { type NukiConnection, REPLY_MS } from './connection.ts';
import { askStates, type DeviceSession, onConnection } from './device-session.ts';
import { CHANGE_MARGIN_MS, changePlan, nukiTraits } from './evidence.ts';
import { refusal } from './failures.ts';

/** Nuki, "Keypad": six digits from 1 to 9 that do not begin with 12. */
export const codeRules: AccessCodeRules = {
  lengths: [6],
  digits: '123456789',
  refuse: (code) => (code.reveal().startsWith('12') ? 'A Nuki Keypad takes no code that begins with 12.' : undefined),
  slots: 'device',
  nativeSchedule: true,
  readCost: 'battery',
};

/** A lock whose clock is off by more than this has it set before it is given times to keep, in milliseconds. A guess. */
const CLOCK_TOLERANCE_MS = 60_000;
/** What codes are changed with. The judge of doors has a book of its own: a door may go first in the middle of this. */
export interface KeypadAccess extends DeviceSession {
  readonly codes: EvidenceBook<GatewayError>;
}

/** The lock's own numbers for codes; we call them slots. */
export async function setCode(access: KeypadAccess, ctx: CodeCommandContext, write: CodeWrite): Promise<SlotReading> {
  const pin = pinOf(access);
  const { settings, deviceName } = access;
  const code = Number(write.code.reveal());
  const limits = limitsOf(write.schedule, settings.code_time_zone);
  if (limits !== undefined) {
    await keepTime(access, ctx, pin);
    await ctx.letDoorsPass();
  }
  let stored: KeypadCode | undefined;
  const change: CodeChange = {
    message: (challenge) => addKeypadCode({ code, name: write.label, limits }, challenge, pin),
    command: commands.addKeypadCode,
    goal: 'ours',
    // An earlier try, or one whose answer was lost, may have stored it all the same: the list tells.
    isOpen: ({ type }) => type === 'duplicate_code_on_device',
    look: (codes, codeId) => {
      const found = codes.find((one) => (codeId === undefined ? one.name === write.label : one.codeId === codeId));
      if (found === undefined) return { value: codes.some((one) => one.code === code) ? 'duplicate' : 'free' };
      const isAsWritten = (found.code === code || !isShown(found)) && found.enabled && sameLimits(found.limits, limits);
      stored = isAsWritten ? found : undefined;
      // Our label is in no other entry: what carries it is of this write.
      return isAsWritten ? { value: 'ours', cause: 'this_command' } : { value: 'otherwise' };
    },
    missed: (value) =>
      value === 'duplicate'
        ? refusal(deviceName, errorCodes.codeAlreadyExists)
        : new GatewayError(
            'code_not_stored',
            value === 'free'
              ? `${deviceName} was read after the code was written, and does not hold it.`
              : `${deviceName} holds the code otherwise than it was written.`,
          ),
  };
  await judged(access, ctx, pin, change);
  if (stored === undefined) throw change.missed('free', undefined);
  return readingOf(stored);
}

export async function clearCode(access: KeypadAccess, ctx: CodeCommandContext, slot: number): Promise<void> {
  const pin = pinOf(access);
  await judged(access, ctx, pin, {
    message: (challenge) => removeKeypadCode(slot, challenge, pin),
    command: commands.removeKeypadCode,
    goal: 'free',
    // Nobody has seen which error a lock gives for a code it does not hold: the list tells, unless it is closed to us.
    isOpen: ({ type }) => type !== 'authentication_failed' && type !== 'device_busy',
    look: (codes) => ({ value: codes.some((one) => one.codeId === slot) ? 'held' : 'free' }),
    missed: (_, refused) => refused ?? notCleared(access.deviceName, slot),
  });
}

interface CodeChange {
  message(challenge: Uint8Array): NukiMessage;
  readonly command: number;
  /** What the list must show. */
  readonly goal: string;
  /** A refusal after which the list may still show what was asked for. */
  isOpen(refused: GatewayError): boolean;
  look(codes: readonly KeypadCode[], codeId: number | undefined): Pick<Claim, 'value' | 'cause'>;
  /** The list was seen, and shows something else. */
  missed(value: string, refused: GatewayError | undefined): GatewayError;
}

/** What the lock answered to a change; nothing yet: only reading tells. */
interface Answer {
  isThere: boolean;
  codeId: number | undefined;
  refused: GatewayError | undefined;
}

/**
 * Sends one change on a connection of its own, and reads the list until it tells what became of it.
 * @throws GatewayError unless it was seen to be done
 */
async function judged(
  access: KeypadAccess,
  ctx: CodeCommandContext,
  pin: SecurityPin,
  change: CodeChange,
): Promise<void> {
  const { codes: book, clock, deviceName } = access;
  const about = 'code';
  const goal: Goal = { proof: [{ about, value: change.goal }] };
  const answer: Answer = { isThere: false, codeId: undefined, refused: undefined };
  let lastError: unknown;
  const verdict = await book.judge({
    ...{
      goal,
      traits: nukiTraits,
      plan: changePlan,
      ctx,
      marginMs: CHANGE_MARGIN_MS,
      between: () => ctx.letDoorsPass(),
    },
    send: async (observe, said) => {
      const options = { priority: 'code', signal: ctx.signal, by: ctx.sendBy, log: ctx.log } as const;
      await onConnection(access, options, async (connection) => {
        const message = change.message(await connection.challenge());
        const permit = observedPermit(await ctx.pointOfNoReturn(), observe);
        await connection.act(permit, message);
        said({ said: 'acknowledged', at: clock.now() });
        await awaitAnswer(access, connection, change.command, answer).catch((error: unknown) => {
          lastError = error;
        });
      });
      const { refused } = answer;
      if (refused !== undefined && !change.isOpen(refused)) said({ word: 'refused', reason: refused });
      else book.reachable();
    },
    ask: async (_about, signal) => {
      try {
        const seen = change.look(await listCodes(access, { ...ctx, signal }, pin), answer.codeId);
        if (answer.isThere && seen.value !== change.goal)
          book.said({ word: 'refused', reason: change.missed(seen.value, answer.refused) });
        return [{ about, at: clock.now(), ...seen }];
      } catch (error) {
        lastError = error;
        // It counts wrong PINs, and a list that is closed stays so.
        const isClosed = error instanceof GatewayError && error.delivery === 'refused' && error.type !== 'device_busy';
        if (isClosed) book.said({ word: 'refused', reason: unread(deviceName, error) });
        throw error;
      }
    },
  });
  assertDone(verdict, change, answer, () => unread(deviceName, lastError));
}

function assertDone(
  verdict: Verdict<GatewayError>,
  change: CodeChange,
  { refused }: Answer,
  unknown: () => GatewayError,
): void {
  switch (verdict.end) {
    case 'confirmed':
    case 'unconfirmed':
      return;
    case 'refused':
      throw verdict.reason ?? unknown();
    case 'not_reached':
      throw change.missed(verdict.value, refused);
    case 'answered':
    case 'stuck':
    case 'unknown':
      throw unknown();
  }
}

const unread = (deviceName: string, cause: unknown): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    `The codes of ${deviceName} were being changed when it could not be asked any more. What it holds now is not known.` +
      (cause instanceof GatewayError ? ` ${cause.message}` : ''),
    { cause },
  );

async function awaitAnswer(
  { clock, deviceName }: DeviceSession,
  connection: NukiConnection,
  asked: number,
  answer: Answer,
): Promise<void> {
  const until = clock.now() + REPLY_MS;
  while (!answer.isThere) {
    const arrival = await connection.next(until);
    if (arrival === undefined) return;
    if (arrival.kind === 'error') {
      const { command, code } = arrival.report;
      if (command !== asked && command !== 0) continue;
      answer.refused = refusal(deviceName, code);
      answer.isThere = true;
      return;
    }
    const { command, payload } = arrival.message;
    // Whether a COMPLETE follows the id is not documented; nothing depends on it.
    if (command === commands.keypadCodeId) answer.codeId = readKeypadCodeId(payload).codeId;
    answer.isThere =
      command === commands.keypadCodeId ||
      (command === commands.status && readStatus(payload) === statusCodes.complete);
  }
}

/** Times on a code are worth as much as the lock's clock. */
function keepTime(access: DeviceSession, ctx: CodeCommandContext, pin: SecurityPin): Promise<void> {
  const { clock, deviceName } = access;
  return onConnection(
    access,
    { priority: 'code', signal: ctx.signal, by: ctx.sendBy, log: ctx.log },
    async (connection) => {
      const { time } = await askStates(access, connection);
      const off = asUtc(time) - clock.wallTime();
      if (Math.abs(off) <= CLOCK_TOLERANCE_MS) return;
      ctx.log.info({ offMs: off }, `${deviceName}: the lock’s clock is set`);
      const challenge = await connection.challenge();
      await connection.ask(updateTime(lockTimeAt(clock.wallTime(), 'UTC'), challenge, pin), commands.status);
    },
  );
}
