import { GatewayError, type ReadContext, Secret, type SlotReading } from '../../../src/contract/index.ts';
import { commands, statusCodes } from './catalogue.ts';
import { requestKeypadCodes, type SecurityPin } from './codec-commands.ts';
import { type KeypadCode, readKeypadCode, readKeypadCodeCount, readStatus } from './codec-replies.ts';
import { type NukiConnection, REPLY_MS } from './connection.ts';
import { credentialsOf, type DeviceSession, onConnection } from './device-session.ts';
import { refusal, silent } from './failures.ts';

/** Codes asked for at a time, so that a door of another lock on the same adapter waits half a second at most. */
const PAGE = 20;

export async function readCode(access: DeviceSession, ctx: ReadContext, slot: number): Promise<SlotReading> {
  const stored = (await listCodes(access, ctx, pinOf(access))).find((one) => one.codeId === slot);
  return stored === undefined ? { slot, occupied: false } : readingOf(stored);
}

export async function readCodes(access: DeviceSession, ctx: ReadContext): Promise<readonly SlotReading[]> {
  return (await listCodes(access, ctx, pinOf(access))).map(readingOf);
}

/** Six digits, or it does not show them. */
export const isShown = ({ code }: KeypadCode): boolean => /^[1-9]{6}$/.test(String(code));

export const readingOf = (stored: KeypadCode): SlotReading => ({
  slot: stored.codeId,
  occupied: true,
  ...(isShown(stored) && { code: new Secret(String(stored.code)) }),
  label: stored.name,
});

/** @throws GatewayError `misconfigured` */
export function pinOf(access: DeviceSession): SecurityPin {
  const { pin } = credentialsOf(access);
  if (pin !== undefined) return pin;
  throw new GatewayError(
    'misconfigured',
    `${access.deviceName} gives out its codes only for its security PIN, which was not told when it was paired. Pair ` +
      'it again, with the PIN that is set in the vendor’s app.',
  );
}

/** A list that changes while it is read is read again so often. A guess. */
const READS = 3;

/** All codes the lock holds. @throws GatewayError when it does not tell them all */
export async function listCodes(access: DeviceSession, ctx: ReadContext, pin: SecurityPin): Promise<KeypadCode[]> {
  for (let read = 1; read <= READS; read++) {
    const codes = await listOnce(access, ctx, pin);
    if (codes !== undefined) return codes;
  }
  throw new GatewayError(
    'device_busy',
    `The codes of ${access.deviceName} changed while they were read, ${READS} times. Try again in a moment.`,
  );
}

/**
 * Pages are counted, and between two of them somebody may delete a code with the maker's app: then one that is still there
 * moves up and stands on neither. So each page begins with the last code of the page before.
 * @returns undefined for a list that changed meanwhile
 */
async function listOnce(access: DeviceSession, ctx: ReadContext, pin: SecurityPin): Promise<KeypadCode[] | undefined> {
  const codes: KeypadCode[] = [];
  for (;;) {
    const last = codes.at(-1);
    const offset = Math.max(0, codes.length - 1);
    const page = await onConnection(
      access,
      { priority: 'code', signal: ctx.signal, log: ctx.log },
      async (connection) => listPage(access, connection, offset, pin),
    );
    if (last !== undefined && page[0]?.codeId !== last.codeId) return undefined;
    codes.push(...(last === undefined ? page : page.slice(1)));
    if (page.length < PAGE) return codes;
  }
}

async function listPage(
  { clock, deviceName }: DeviceSession,
  connection: NukiConnection,
  offset: number,
  pin: SecurityPin,
): Promise<KeypadCode[]> {
  await connection.send(requestKeypadCodes(offset, PAGE, await connection.challenge(), pin));
  const codes: KeypadCode[] = [];
  let announced: number | undefined;
  for (;;) {
    const arrival = await connection.next(clock.now() + REPLY_MS);
    const isOver = arrival === undefined || isComplete(arrival);
    if (isOver) {
      // A lock that announced nothing, or more than it told, must not pass for one that holds fewer codes.
      if (isWhole(codes.length, announced, offset)) return codes;
      throw silent(deviceName, 'while listing its codes');
    }
    if (arrival.kind === 'error') {
      const { command, code } = arrival.report;
      if (command === commands.requestKeypadCodes || command === 0) throw refusal(deviceName, code);
      continue;
    }
    const { command, payload } = arrival.message;
    if (command === commands.keypadCodeCount) announced = readKeypadCodeCount(payload);
    else if (command === commands.keypadCode) codes.push(readKeypadCode(payload));
  }
}

const isComplete = (arrival: NonNullable<Awaited<ReturnType<NukiConnection['next']>>>): boolean =>
  arrival.kind === 'message' &&
  arrival.message.command === commands.status &&
  readStatus(arrival.message.payload) === statusCodes.complete;

/** Whether the count is of the page or of all codes is not documented. */
function isWhole(told: number, announced: number | undefined, offset: number): boolean {
  if (announced === undefined) return told > 0;
  // There is none there any more: whoever asked for that page sees that the list is another.
  if (offset > 0 && told === 0 && announced <= offset) return true;
  const rest = announced > offset ? announced - offset : announced;
  return told >= Math.min(PAGE, offset === 0 ? announced : rest);
}
