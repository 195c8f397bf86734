import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { auditAnchorFact, auditHeadFact, auditKeyFact, openChainKey } from '../../../src/audit/audit-log.ts';
import { type ChainVerdict, verifyChain } from '../../../src/audit/verify-chain.ts';
import { readKey } from '../../../src/store/key-file.ts';
import { SqliteReader } from '../../../src/store/sqlite-reader.ts';
import { Vault } from '../../../src/store/vault.ts';

/** The files of a state directory that hold a text, in either of the encodings that SQLite and JSON write. */
export function filesThatHold(stateDir: string, text: string, { anyCase = false } = {}): string[] {
  const wanted = Buffer.from(anyCase ? text.toLowerCase() : text);
  return readdirSync(stateDir, { recursive: true })
    .map(String)
    .filter((name) => {
      const file = join(stateDir, name);
      if (!statSync(file).isFile()) return false;
      const bytes = readFileSync(file);
      return (anyCase ? Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1') : bytes).includes(wanted);
    });
}

/** What `strikeplate audit verify` would find, beside a gateway that runs. */
export function chainVerdict(stateDir: string): ChainVerdict {
  const reader = new SqliteReader(join(stateDir, 'strikeplate.db'));
  try {
    const vault = Vault.with(readKey(join(stateDir, 'store.key')) ?? Buffer.alloc(32), () => new Uint8Array());
    return verifyChain({
      key: openChainKey(vault, reader.unverifiedFact(auditKeyFact) ?? ''),
      after: (seq, limit) => reader.auditAfter(seq, limit),
      head: reader.unverifiedFact(auditHeadFact),
      anchor: reader.unverifiedFact(auditAnchorFact),
    });
  } finally {
    reader.close();
  }
}
