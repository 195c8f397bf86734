import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiConnection } from './api-connection.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

/** How often it is asked where an onboarding is, in milliseconds. */
const POLL_MS = 300;

const findingAnswer = z.looseObject({
  address: z.string(),
  what: z.string(),
  driver: z.string().nullable(),
  note: z.string().nullable(),
  configured_as: z.string().nullable(),
  configuration: z.array(z.string()),
});

const onboardingAnswer = z.looseObject({
  onboarding_id: z.string(),
  status: z.enum(['running', 'succeeded', 'failed', 'cancelled']),
  step: z.string(),
  message: z.string(),
  seconds_left: z.number(),
  question: z.object({ name: z.string(), text: z.string(), is_secret: z.boolean() }).nullable(),
  found: z.array(findingAnswer),
});
export type OnboardingAnswer = z.output<typeof onboardingAnswer>;
type FindingAnswer = z.output<typeof findingAnswer>;

const one = z.object({ onboarding: onboardingAnswer });
type Api = Pick<ApiConnection, 'get' | 'post'>;
const path = '/strikeplate/onboarding';

interface FollowOptions {
  readonly json?: boolean | undefined;
  /** Also devices that no driver knows. */
  readonly all?: boolean | undefined;
}

/**
 * Has the running gateway begin an onboarding, tells of it as it goes, asks what it asks, and prints what it found. Told
 * to stop, it has the gateway put the radio back first.
 */
export async function onboard(
  terminal: Terminal,
  api: Api,
  request: Readonly<Record<string, unknown>>,
  options: FollowOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { onboarding } = await api.post(`${path}/start`, request, one);
  const ended = await follow(terminal, api, onboarding, signal);
  if (options.json) terminal.out(json(ended));
  else tellFound(terminal, ended, options);
  if (ended.status === 'succeeded') {
    if (!options.json) terminal.err(ended.message);
    const isScan = String(request.kind).endsWith('_scan');
    return isScan && !ended.found.some(({ driver }) => driver !== null) ? exitCodes.notFound : exitCodes.ok;
  }
  throw new CommandError('failed', ended.message);
}

async function follow(
  terminal: Terminal,
  api: Api,
  begun: OnboardingAnswer,
  signal: AbortSignal,
): Promise<OnboardingAnswer> {
  const { onboarding_id } = begun;
  let now = begun;
  let told = '';
  try {
    while (now.status === 'running') {
      if (now.message !== told) {
        told = now.message;
        terminal.progress?.(undefined);
        terminal.err(told);
      }
      if (now.question !== null) await answer(terminal, api, onboarding_id, now.question);
      else terminal.progress?.(`${heard(now)}${now.seconds_left} s left, Ctrl-C ends it`);
      await sleep(POLL_MS, undefined, { signal });
      now = (await api.get(`${path}/get`, { onboarding_id }, one)).onboarding;
    }
    return now;
  } catch (error) {
    // Nobody looks any more: the radio is the doors' again at once.
    await api.post(`${path}/cancel`, { onboarding_id }, one).catch(() => undefined);
    throw signal.aborted ? signal.reason : error;
  } finally {
    terminal.progress?.(undefined);
  }
}

const heard = ({ found }: OnboardingAnswer): string => (found.length === 0 ? '' : `${found.length} heard, `);

async function answer(
  terminal: Terminal,
  api: Api,
  onboarding_id: string,
  { name, text, is_secret: secret }: NonNullable<OnboardingAnswer['question']>,
): Promise<void> {
  terminal.progress?.(undefined);
  const given = await terminal.ask?.(`${text}:`, { secret });
  if (given === undefined)
    throw new CommandError(
      'usage',
      `Nobody can be asked here for: ${text}. Give it beforehand: --answer-file ${name}=FILE`,
    );
  try {
    await api.post(`${path}/answer`, { onboarding_id, answers: { [name]: given.trim() } }, one);
  } catch (error) {
    // What was mistyped is asked for again.
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.failed) throw error;
    terminal.err(error.message.replace(/^invalid_input: /, ''));
  }
}

function tellFound(terminal: Terminal, { found }: OnboardingAnswer, { all = false }: FollowOptions): void {
  const known = found.filter(({ driver }) => driver !== null);
  for (const finding of known) terminal.out(`# ${inWords(finding)}`);
  for (const line of merged(known)) terminal.out(line);
  const strangers = found.filter(({ driver }) => driver === null);
  if (all) for (const finding of strangers) terminal.out(`# ${inWords(finding)}`);
  else if (strangers.length > 0)
    terminal.err(`${strangers.length} other${strangers.length === 1 ? ' was' : 's were'} heard; --all lists them.`);
}

function inWords({ what, driver, address, note, configured_as: slug }: FindingAnswer): string {
  const place = slug === null ? '' : `, in the configuration as ${slug}`;
  const hint = slug === null && note !== null ? `: ${note}` : '';
  return `${what}${driver === null ? '' : ` (${driver})`}, ${address}${place}${hint}`;
}

/** Each finding has its lines under the sections that it needs; a file has each section once. */
function merged(found: readonly FindingAnswer[]): readonly string[] {
  const sections = new Map<string, string[]>();
  for (const { configuration } of found) {
    let section: string[] = [];
    for (const line of configuration) {
      if (!line.startsWith(' ')) {
        section = sections.get(line) ?? [];
        sections.set(line, section);
      } else if (line.startsWith('  - ') || line.startsWith('    ') || !section.includes(line)) section.push(line);
    }
  }
  return [...sections].flatMap(([name, lines]) => [name, ...lines]);
}
