import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type GatewayTarget, loadConfig, readTarget } from '../../config/load.ts';
import type { LoadedConfig } from '../../config/loaded-config.ts';
import { ConfigError } from '../../config/problems.ts';
import type { ApiConnection } from '../api-connection.ts';
import type { Catalogues } from '../catalogues.ts';
import { chooseConfig } from '../config-choice.ts';
import { connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import { columnsOf, folded, json, type Terminal } from '../terminal.ts';
import { checkBrokers } from './check-brokers.ts';
import { checkBackup, checkConfiguration, checkDatabase, checkFiles, checkKeys } from './check-files.ts';
import { checkCertificate, checkGateway, checkPort } from './check-gateway.ts';
import {
  checkClock,
  checkDisk,
  checkMemory,
  checkNode,
  checkPairing,
  checkRadio,
  checkSerial,
  checkVersions,
} from './check-machine.ts';
import { bad, type Check, type Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import { type Surroundings, thisBox } from './surroundings.ts';

interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** Says of everything a gateway needs whether it is well, and the line to type where it is not. */
export async function doctor(
  terminal: Terminal,
  catalogues: Catalogues,
  version: string,
  options: DoctorOptions,
  world: Surroundings = thisBox,
): Promise<ExitCode> {
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  const patient = await patientOf(file, terminal, { ...catalogues, ...place }, version, world.now());
  const findings = await diagnose(patient, world, () => connect(terminal, { config: file }));
  const isWell = findings.every(({ verdict }) => verdict !== 'bad');
  if (options.json) {
    const made_at = new Date(world.now()).toISOString();
    terminal.out(json({ version, made_at, ok: isWell, findings }));
  } else for (const finding of findings) show(terminal, finding);
  return isWell ? exitCodes.ok : exitCodes.failed;
}

const words = { ok: 'ok  ', warning: 'WARN', bad: 'BAD ' } as const;

/** What a check says begins here, and goes on here where a line has no room for it. */
const saysAt = ' '.repeat(19);

function show(terminal: Terminal, { check, verdict, says, run }: Finding): void {
  for (const line of folded(`${words[verdict]} ${check.padEnd(13)} ${says}`, columnsOf(terminal), saysAt))
    terminal.out(line);
  // As it is typed, in one piece.
  if (run !== undefined) terminal.out(`${saysAt}  ${run}`);
}

async function patientOf(
  file: string,
  { env }: Terminal,
  catalogues: Catalogues & { readonly stateDir?: string },
  version: string,
  now: number,
): Promise<Patient> {
  let config: LoadedConfig | undefined;
  let problems: Patient['problems'] = [];
  try {
    config = await loadConfig(file, { ...catalogues, env, now });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems = error.problems;
  }
  let target: GatewayTarget | undefined;
  try {
    const { stateDir } = catalogues;
    target = await readTarget(file, { env, ...(stateDir !== undefined && { stateDir }) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  return { configFile: resolve(file), config, problems, target, version, ...userOf(target?.stateDir) };
}

/** The one whose the state is; where there is none yet, the unit's, or whoever asks. */
function userOf(stateDir: string | undefined): { user: string; uid: number } {
  const owner = stateDir === undefined ? undefined : statSync(stateDir, { throwIfNoEntry: false })?.uid;
  const id = (who: string, flag: string) => {
    try {
      return execFileSync('id', [flag, who], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return undefined;
    }
  };
  const uid = owner ?? Number(id('strikeplate', '-u') ?? process.getuid?.() ?? 0);
  return { uid, user: id(String(uid), '-un') ?? String(uid) };
}

/**
 * Looks at everything a gateway needs, from the machine up to its doors. A check that fails itself says so and keeps none of
 * the others from being made.
 * @param connect to the running gateway; it is only called when it answers
 */
async function diagnose(
  patient: Patient,
  world: Surroundings,
  connect: () => Promise<ApiConnection>,
): Promise<Finding[]> {
  const now = world.now();
  const found: Finding[] = [];
  const look = async (check: Check, how: () => Finding[] | Promise<Finding[]>) => {
    try {
      found.push(...(await how()));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      found.push(bad(check, `This could not be looked at: ${why}`));
    }
  };
  await look('node', () => checkNode(world));
  await look('clock', () => checkClock(world));
  await look('memory', () => checkMemory(patient.config?.devices.length ?? 0, world));
  await look('disk', () => checkDisk(patient, world));
  await look('configuration', () => checkConfiguration(patient));
  await look('versions', () => checkVersions(patient, world));
  await look('files', () => checkFiles(patient));
  await look('database', () => checkDatabase(patient));
  await look('keys', () => checkKeys(patient, now));
  await look('certificate', () => checkCertificate(patient, now));
  await look('backup', () => checkBackup(patient, now));
  await look('serial', () => checkSerial(patient, world));
  await look('radio', () => checkRadio(patient, world));
  await look('pairing', () => checkPairing(patient));
  await look('broker', () => checkBrokers(patient, world));
  await look('port', () => checkPort(patient, world));
  const answers = found.some(({ check, verdict }) => check === 'port' && verdict === 'ok');
  const mayAsk = !found.some(({ check, verdict }) => check === 'keys' && verdict !== 'ok');
  if (answers && mayAsk) await look('devices', async () => checkGateway(await connected(connect), patient));
  return found;
}

async function connected(connect: () => Promise<ApiConnection>): Promise<ApiConnection> {
  try {
    return await connect();
  } catch (error) {
    if (error instanceof CommandError) throw new Error(error.message);
    throw error;
  }
}
