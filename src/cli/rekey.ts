import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { pino } from 'pino';
import { auditKeyFact, endIn, openChainKey } from '../audit/audit-log.ts';
import { systemClock } from '../clock/system-clock.ts';
import { keyedPlaces } from '../composition/store.ts';
import { readTarget } from '../config/load.ts';
import { readKey } from '../store/key-file.ts';
import { finishRekeying, type RekeyStep, rekeyStore } from '../store/rekey.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { keyIdFact, Vault } from '../store/vault.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

/** Seals everything with a new store key, while no gateway runs. @param onStep for tests */
export async function rekey(
  terminal: Terminal,
  options: { readonly config?: string; readonly json?: boolean },
  onStep?: (step: RekeyStep) => void,
): Promise<ExitCode> {
  const choice = chooseConfig(terminal, options.config, { orSite: true });
  const target = await readTarget(choice.file, {
    env: terminal.env,
    ...(choice.stateDir !== undefined && { stateDir: choice.stateDir }),
  });
  const { path, keyFile } = target.store;
  if (!existsSync(path)) throw new CommandError('failed', `There is no database ${path}: nothing is sealed yet.`);
  // Refuses while a gateway runs: it has the key in memory.
  const store = await SqliteStore.open({
    path,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    const places = keyedPlaces(target);
    // A try before this one that was cut off.
    finishRekeying(places, store.read.fact(keyIdFact), randomBytes);
    const vault = await Vault.open({ keyFile, store, randomBytes });
    const chain = store.read.fact(auditKeyFact);
    const chainKey = chain === undefined ? undefined : openChainKey(vault, chain);
    if (chainKey !== undefined) await store.keepAudit(chainKey, endIn(store, chainKey));
    const unopened = await rekeyStore({
      store,
      places,
      randomBytes,
      audit: (details) => ({
        kind: 'audit_put',
        entry: { at: systemClock.wallTime(), kind: 'store_key_changed', by: { kind: 'cli' }, details },
      }),
      ...(onStep && { onStep }),
    });
    const keyId = Vault.with(readKey(keyFile) ?? Buffer.alloc(0), randomBytes).keyId;
    if (options.json) terminal.out(json({ key_file: keyFile, key_id: keyId, unopened }));
    else {
      terminal.out(`Everything is sealed with a new key, ${keyId}, in ${keyFile}.`);
      if (unopened > 0)
        terminal.err(`${unopened} secrets could not be opened with the old key, and stay as they were: unreadable.`);
      terminal.err('Back it up now. Copies of the database from before open with the old key alone.');
    }
    return exitCodes.ok;
  } finally {
    await store.close();
  }
}
