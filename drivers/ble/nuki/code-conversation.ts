import {
  type AccessCodeRules,
  type CodeCommandContext,
  type CodeWrite,
  GatewayError,
  type ReadContext,
  Secret,
  type SlotReading,
  sleep,
} from '../../../src/contract/index.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { commands, errorCodes, statusCodes } from './catalogue.ts';
import { asUtc, limitsOf, lockTimeAt, sameLimits } from './code-times.ts';
import type { NukiMessage } from './codec.ts';
import { addKeypadCode, removeKeypadCode, requestKeypadCodes, type SecurityPin, updateTime } from './codec-commands.ts';
import { type KeypadCode, readKeypadCode, readKeypadCodeCount, readKeypadCodeId, readStatus } from './codec-replies.ts';
import { type Arrival, type Conversation, REPLY_MS } from './conversation.ts';
import { askStates, converse, credentialsOf, type DeviceAccess } from './device-access.ts';
import { refusal, silent } from './failures.ts';

/** Nuki, "Keypad": six digits from 1 to 9 that do not begin with 12. */
export const codeRules: AccessCodeRules = {
  lengths: [6],
  digits: '123456789',
  refuse: (code) => (code.reveal().startsWith('12') ? 'A Nuki Keypad takes no code that begins with 12.' : undefined),
  slots: 'device',
  nativeSchedule: true,
  readCost: 'battery',
};

/** Codes asked for at a time, so that a door of another lock on the same adapter waits half a second at most. */
const PAGE = 20;

/** A lock whose clock is off by more than this has it set before it is given times to keep, in milliseconds. A guess. */
const CLOCK_TOLERANCE_MS = 60_000;

/** Between two tries to read a change back, in milliseconds. A guess. */
const READ_AGAIN_MS = 2_000;
/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
const MARGIN_MS = 1_000;

/** The lock's own numbers for codes; we call them slots. */
export async function setCode(access: DeviceAccess, ctx: CodeCommandContext, write: CodeWrite): Promise<SlotReading> {
  const pin = pinOf(access);
  const { settings, deviceName } = access;
  const code = Number(write.code.reveal());
  const limits = limitsOf(write.schedule, settings.code_time_zone);
  if (limits !== undefined) {
    await keepTime(access, ctx, pin);
    await ctx.letDoorsPass();
  }
  const written = await change(access, ctx, (challenge) =>
    addKeypadCode({ code, name: write.label, limits }, challenge, pin),
  );
  // An earlier try, or one whose answer was lost, may have stored it all the same: the list tells.
  if (written.refused !== undefined && written.refused.type !== 'duplicate_code_on_device') throw written.refused;
  const stored = await readBack(access, ctx, pin);
  const { codeId } = written;
  const ours = stored.find((one) => (codeId === undefined ? one.name === write.label : one.codeId === codeId));
  if (ours?.code === code && ours.enabled && sameLimits(ours.limits, limits)) return readingOf(ours);
  if (ours === undefined && stored.some((one) => one.code === code))
    throw refusal(deviceName, errorCodes.codeAlreadyExists);
  throw new GatewayError(
    'code_not_stored',
    ours === undefined
      ? `${deviceName} was read after the code was written, and does not hold it. Try again.`
      : `${deviceName} holds the code otherwise than it was written. Delete it and create it again.`,
  );
}

export async function clearCode(access: DeviceAccess, ctx: CodeCommandContext, slot: number): Promise<void> {
  const pin = pinOf(access);
  const { refused } = await change(access, ctx, (challenge) => removeKeypadCode(slot, challenge, pin));
  // Nobody has seen which error a lock gives for a code it does not hold: the list tells, unless it is closed to us.
  if (refused?.type === 'authentication_failed' || refused?.type === 'device_busy') throw refused;
  const stored = await readBack(access, ctx, pin);
  if (!stored.some((one) => one.codeId === slot)) return;
  throw (
    refused ??
    new GatewayError(
      'state_not_reached',
      `${access.deviceName} said that it removed the code, and still holds it. Delete it again.`,
    )
  );
}

export async function readCode(access: DeviceAccess, ctx: ReadContext, slot: number): Promise<SlotReading> {
  const stored = (await listCodes(access, ctx, pinOf(access))).find((one) => one.codeId === slot);
  return stored === undefined ? { slot, occupied: false } : readingOf(stored);
}

export async function readCodes(access: DeviceAccess, ctx: ReadContext): Promise<readonly SlotReading[]> {
  return (await listCodes(access, ctx, pinOf(access))).map(readingOf);
}

const readingOf = ({ codeId, code, name }: KeypadCode): SlotReading => ({
  slot: codeId,
  occupied: true,
  code: new Secret(String(code)),
  label: name,
});

function pinOf(access: DeviceAccess): SecurityPin {
  const { pin } = credentialsOf(access);
  if (pin !== undefined) return pin;
  throw new GatewayError(
    'misconfigured',
    `${access.deviceName} gives out its codes only for its security PIN, which was not told when it was paired. Pair ` +
      'it again, with the PIN that is set in the vendor’s app.',
  );
}

/** What became of a change that left. Nothing said: only reading tells. */
interface Changed {
  readonly codeId?: number;
  readonly refused?: GatewayError;
}

/**
 * Sends one change on a connection of its own.
 * @throws GatewayError when it did not leave
 */
async function change(
  access: DeviceAccess,
  ctx: CodeCommandContext,
  build: (challenge: Uint8Array) => NukiMessage,
): Promise<Changed> {
  let hasLeft = false;
  try {
    return await converse(
      access,
      { priority: 'code', signal: ctx.signal, by: ctx.sendBy, log: ctx.log },
      async (conversation) => {
        const message = build(await conversation.challenge());
        const permit = observedPermit(await ctx.pointOfNoReturn(), {
          spent: () => {
            hasLeft = true;
          },
        });
        await conversation.act(permit, message);
        return awaitChange(access, conversation);
      },
    );
  } catch (error) {
    if (!hasLeft || ctx.signal.aborted) throw error;
    ctx.log.debug(
      { why: error instanceof Error ? error.message : 'unknown' },
      'a change is found out about by reading',
    );
    return {};
  }
}

async function awaitChange({ clock, deviceName }: DeviceAccess, conversation: Conversation): Promise<Changed> {
  const until = clock.now() + REPLY_MS;
  for (;;) {
    const arrival = await conversation.next(until);
    if (arrival === undefined) return {};
    if (arrival.kind === 'error') return { refused: refusal(deviceName, arrival.report.code) };
    const { command, payload } = arrival.message;
    // Whether a COMPLETE follows the id is not documented; nothing depends on it.
    if (command === commands.keypadCodeId) return { codeId: readKeypadCodeId(payload).codeId };
    if (command === commands.status && readStatus(payload) === statusCodes.complete) return {};
  }
}

/**
 * What the lock holds after a change, asked until it answers.
 * @throws GatewayError `outcome_unknown` when it does not in time
 */
async function readBack(access: DeviceAccess, ctx: CodeCommandContext, pin: SecurityPin): Promise<KeypadCode[]> {
  const { clock, deviceName } = access;
  for (;;) {
    try {
      await ctx.letDoorsPass();
      return await listCodes(access, ctx, pin);
    } catch (error) {
      const passing = error instanceof GatewayError && error.delivery === 'not_sent' && error.type !== 'misconfigured';
      if (
        !ctx.signal.aborted &&
        !access.closing.aborted &&
        passing &&
        clock.now() + READ_AGAIN_MS < ctx.deadline - MARGIN_MS
      ) {
        await sleep(clock, READ_AGAIN_MS, ctx.signal).catch(() => undefined);
        continue;
      }
      throw new GatewayError(
        'outcome_unknown',
        `The codes of ${deviceName} were being changed when it could not be asked any more. What it holds now is not ` +
          'known; it is looked at again when it can be reached.',
        { cause: error },
      );
    }
  }
}

/** All codes the lock holds. */
async function listCodes(access: DeviceAccess, ctx: ReadContext, pin: SecurityPin): Promise<KeypadCode[]> {
  const codes: KeypadCode[] = [];
  for (;;) {
    const page = await converse(access, { priority: 'code', signal: ctx.signal, log: ctx.log }, async (conversation) =>
      listPage(access, conversation, codes.length, pin),
    );
    codes.push(...page);
    if (page.length < PAGE) return codes;
  }
}

async function listPage(
  { clock, deviceName }: DeviceAccess,
  conversation: Conversation,
  offset: number,
  pin: SecurityPin,
): Promise<KeypadCode[]> {
  await conversation.send(requestKeypadCodes(offset, PAGE, await conversation.challenge(), pin));
  const codes: KeypadCode[] = [];
  let announced: number | undefined;
  for (;;) {
    const arrival = await conversation.next(clock.now() + REPLY_MS);
    if (arrival === undefined) {
      // A lock that announced nothing, or more than it sent, must not pass for one that holds fewer codes.
      if (announced === undefined || codes.length < Math.min(announced, PAGE))
        throw silent(deviceName, 'while listing its codes');
      return codes;
    }
    if (arrival.kind === 'error') throw refusal(deviceName, arrival.report.code);
    const end = endOfPage(arrival, codes, (count) => {
      announced = count;
    });
    if (end) return codes;
  }
}

/** Takes one message of a page; true when it was the last. */
function endOfPage(
  arrival: Extract<Arrival, { kind: 'message' }>,
  codes: KeypadCode[],
  announce: (count: number) => void,
): boolean {
  const { command, payload } = arrival.message;
  if (command === commands.keypadCodeCount) announce(readKeypadCodeCount(payload));
  else if (command === commands.keypadCode) codes.push(readKeypadCode(payload));
  return command === commands.status && readStatus(payload) === statusCodes.complete;
}

/** Times on a code are worth as much as the lock's clock. */
function keepTime(access: DeviceAccess, ctx: CodeCommandContext, pin: SecurityPin): Promise<void> {
  const { clock, deviceName } = access;
  return converse(
    access,
    { priority: 'code', signal: ctx.signal, by: ctx.sendBy, log: ctx.log },
    async (conversation) => {
      const { time } = await askStates(access, conversation);
      const off = asUtc(time) - clock.wallTime();
      if (Math.abs(off) <= CLOCK_TOLERANCE_MS) return;
      ctx.log.info({ offMs: off }, `${deviceName}: the lock’s clock is set`);
      const challenge = await conversation.challenge();
      await conversation.ask(updateTime(lockTimeAt(clock.wallTime(), 'UTC'), challenge, pin), commands.status);
    },
  );
}
