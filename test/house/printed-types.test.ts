import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { blocksRunBy, named, repository } from '../kit/documents/printed-blocks.ts';

/* TypeScript that is printed in pieces, compiled with what stands around each piece. */

const folder = mkdtempSync(join(tmpdir(), 'strikeplate-printed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a reader has at hand at that place. */
const around: Readonly<Record<string, readonly [before: string, after: string]>> = {
  'src/driver-kit/README.md': [
    `import type { CommandContext, GatewayError, LockOutcome, MqttLink, OpenContext } from 'strikeplate/driver';
import { type Claim, doorOutcome, EvidenceBook, observedPermit, type Plan, type Traits } from 'strikeplate/driver-kit';
type Complaint = 'lost' | 'refused';
declare const message: Buffer;
declare function claimsOf(message: Buffer): readonly Claim[];
declare function complained(device: string, complaint: Complaint): GatewayError;
declare const reason: Complaint;
declare const traits: Traits;
declare const plan: Plan;
declare const link: MqttLink;
declare const [topic, payload, get, name, device]: string[];
export async function operate(ctx: OpenContext & CommandContext): Promise<LockOutcome> {
`,
    '}\n',
  ],
};

describe('printed TypeScript', () => {
  it.each(blocksRunBy('test/house/printed-types.test.ts').map((block) => [named(block), block] as const))(
    '%s is sound to the compiler',
    (_, { document, text }) => {
      const [before = '', after = ''] = around[document] ?? [];
      writeFileSync(join(folder, 'printed.ts'), before + text + after);
      const compilerOptions = {
        ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, types: ['node'] },
        ...{ target: 'es2023', module: 'nodenext', typeRoots: [join(repository, 'node_modules/@types')] },
        paths: {
          'strikeplate/driver': [join(repository, 'src/contract/index.ts')],
          'strikeplate/driver-kit': [join(repository, 'src/driver-kit/index.ts')],
        },
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['printed.ts'] }));
      const tsc = join(repository, 'node_modules/typescript/bin/tsc');
      const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
      expect([stdout, status]).toEqual(['', 0]);
    },
  );
});
