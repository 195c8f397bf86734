import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { auditAnchorFact, auditHeadFact, auditKeyFact, openChainKey } from '../audit/audit-log.ts';
import { verifyChain } from '../audit/verify-chain.ts';
import { readTarget } from '../config/load.ts';
import { readKey } from '../store/key-file.ts';
import { SqliteReader } from '../store/sqlite-reader.ts';
import { Vault } from '../store/vault.ts';
import type { Commands } from './commands.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

/** `strikeplate audit`. */
export function defineAuditCommands({ program, terminal, done }: Commands): void {
  const audit = program.command('audit').description('check the audit log');
  audit
    .command('verify')
    .description('say whether the audit log is as it was written, and name the first link that is broken')
    .option('-c, --config <file>', 'the configuration')
    .option('--json', 'print JSON')
    .option('--head <seq:hash>', 'what was told elsewhere, such as on the retained topic audit/head', place)
    .action(async (options) => done(await verifyAudit(terminal, options)));
}

function place(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new InvalidArgumentError('It must be a number and 64 hexadecimal digits, with a colon between.');
}

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly head?: { readonly seq: number; readonly hash: string };
}

/** Reads the database beside a gateway that may be running, and changes nothing. */
export async function verifyAudit(terminal: Terminal, options: Options): Promise<ExitCode> {
  const choice = chooseConfig(terminal, options.config, { orSite: true });
  const { store } = await readTarget(choice.file, {
    env: terminal.env,
    ...(choice.stateDir !== undefined && { stateDir: choice.stateDir }),
  });
  if (!existsSync(store.path)) throw new CommandError('failed', `There is no database ${store.path}.`);
  const key = readKey(store.keyFile);
  if (key === undefined)
    throw new CommandError('failed', `The store's key ${store.keyFile} is missing: the chain cannot be checked.`);
  const reader = new SqliteReader(store.path);
  try {
    const sealed = reader.unverifiedFact(auditKeyFact);
    if (sealed === undefined)
      throw new CommandError(
        'failed',
        `The database ${store.path} has no audit log, or its key was taken out. It is kept from the first start of this version on.`,
      );
    const verdict = verifyChain({
      key: openChainKey(Vault.with(key, noRandomness), sealed),
      after: (seq, limit) => reader.auditAfter(seq, limit),
      head: reader.unverifiedFact(auditHeadFact),
      anchor: reader.unverifiedFact(auditAnchorFact),
      told: options.head,
    });
    if (options.json) terminal.out(json(verdict));
    else if (verdict.broken === undefined) {
      const { good, head, forgotten } = verdict;
      terminal.out(
        `${good} entries hang together, up to ${head === undefined ? 'none' : `${head.seq}:${head.hash}`}.` +
          (forgotten > 0 ? ` ${forgotten} names were forgotten.` : ''),
      );
    } else {
      const { seq, why } = verdict.broken;
      terminal.err(`The audit log is broken at ${seq}: ${why}. ${verdict.good} entries before it hang together.`);
    }
    return verdict.broken === undefined ? exitCodes.ok : exitCodes.failed;
  } finally {
    reader.close();
  }
}

function noRandomness(): never {
  throw new Error('verifying seals nothing');
}
