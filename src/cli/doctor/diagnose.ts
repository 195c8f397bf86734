import type { ApiConnection } from '../api-connection.ts';
import { CommandError } from '../exit.ts';
import { checkBrokers } from './check-brokers.ts';
import { checkConfiguration } from './check-configuration.ts';
import { checkBackup, checkDatabase, checkFiles, checkKeys } from './check-files.ts';
import { checkGateway } from './check-gateway.ts';
import { checkPairing, checkRadio, checkSerial } from './check-hardware.ts';
import { checkClock, checkDisk, checkMemory, checkNode, checkVersions } from './check-machine.ts';
import { checkCertificate, checkPort } from './check-network.ts';
import { bad, type Check, type Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Looks at everything a gateway needs, from the machine up to its doors. A check that fails itself says so and keeps none of
 * the others from being made.
 * @param connect to the running gateway; it is only called when it answers
 */
export async function diagnose(
  patient: Patient,
  world: Surroundings,
  connect: () => ApiConnection,
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
  await look('memory', () => checkMemory(world));
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
  if (answers && mayAsk) await look('devices', () => checkGateway(connected(connect), patient));
  return found;
}

function connected(connect: () => ApiConnection): ApiConnection {
  try {
    return connect();
  } catch (error) {
    if (error instanceof CommandError) throw new Error(error.message);
    throw error;
  }
}
