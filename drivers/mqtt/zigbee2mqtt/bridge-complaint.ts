import { z } from 'zod';
import { oncePerPayload } from './bridge-directory.ts';
import { parseJson } from './codec.ts';

/**
 * Why the bridge could not do what it was asked.
 *
 * - `unknown_device`, `no_converter`, `slot_out_of_range`: it sent nothing to the device.
 * - `not_delivered`: the radio got no acknowledgement; the device may have acted all the same.
 * - `no_answer`: the device did not answer in time; it may have acted.
 * - `refused`: the device answered with a status that is none of success (ZCL, "Status enumerations").
 */
export type ComplaintReason =
  | 'unknown_device'
  | 'no_converter'
  | 'slot_out_of_range'
  | 'not_delivered'
  | 'no_answer'
  | 'refused'
  | 'other';

/** A line in the bridge's log about one device: the only place where a failed command is reported. */
export interface BridgeComplaint {
  readonly reason: ComplaintReason;
  readonly verb: 'set' | 'get' | undefined;
  /** The attribute, as in the payload: `state`, `pin_code`. */
  readonly key: string | undefined;
}

const logSchema = z.looseObject({ level: z.string(), message: z.string() });

/** The line, where it is one of an error: few are, and a bridge writes several for each command. */
const errorIn = oncePerPayload((payload): string | undefined => {
  const parsed = logSchema.safeParse(parseJson(payload));
  return parsed.success && parsed.data.level === 'error' ? parsed.data.message : undefined;
});

/**
 * Reads a line of `bridge/logging`. It counts only when it quotes exactly this name: names can contain each other.
 * The line itself may quote a payload, so it is never logged or shown.
 */
export function complaintAbout(friendlyName: string, payload: Buffer): BridgeComplaint | undefined {
  const line = errorIn(payload);
  if (!line?.includes(friendlyName)) return undefined;
  if (line.includes(`Entity '${friendlyName}' is unknown`))
    return { reason: 'unknown_device', verb: undefined, key: undefined };

  const converter = /No converter available for (?:'(set|get)' )?'([^']+)' on '/.exec(line);
  if (converter !== null && quotes(line, converter, friendlyName))
    return { reason: 'no_converter', verb: verbOf(converter[1]), key: converter[2] };

  const failed = /Publish '(set|get)' '([^']+)' to '/.exec(line);
  if (failed === null || !quotes(line, failed, friendlyName)) return undefined;
  const reason = reasonOf(line.slice(failed.index + failed[0].length + friendlyName.length));
  return { reason, verb: verbOf(failed[1]), key: failed[2] };
}

/** Whether the quoted text that follows the match is exactly the name. */
function quotes(line: string, match: RegExpExecArray, friendlyName: string): boolean {
  const rest = line.slice(match.index + match[0].length);
  return rest.startsWith(`${friendlyName}' failed`) || rest.startsWith(`${friendlyName}':`);
}

const verbOf = (text: string | undefined) => (text === 'set' || text === 'get' ? text : undefined);

/** The radio's words first: a line about a lost frame also prints its options, and among them a timeout. */
function reasonOf(text: string): ComplaintReason {
  if (/must be in range/i.test(text)) return 'slot_out_of_range';
  if (/delivery failed|no_?ack|no_?route|route_?error|channel_access_failure|data request failed/i.test(text))
    return 'not_delivered';
  const status = /Status '([A-Z_]+)'/.exec(text)?.[1];
  if (status !== undefined && status !== 'SUCCESS' && status !== 'TIMEOUT') return 'refused';
  return /timeout -|timed out|after \d+ ?ms|status 'timeout'/i.test(text) ? 'no_answer' : 'other';
}
