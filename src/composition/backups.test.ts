import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeJournal } from '../backup/journal.ts';
import type { BackupConfig } from '../config/loaded-config.ts';
import { recordLog } from '../driver-testing/recorded-log.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import type { AuditEntry } from '../model/audit.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { Backups } from './backups.ts';

const hour = 3_600_000;
const config: BackupConfig = { folder: '/backups', passphraseFile: '/secret', everyMs: 24 * hour, keep: 3 };

function schedule({ withConfig = true } = {}) {
  const stateDir = mkdtempSync(join(tmpdir(), 'strikeplate-backups-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  const clock = new SimulatedClock();
  const store = new MemoryStore({ clock });
  const recorded = recordLog();
  const made: number[] = [];
  const world = { fails: false };
  const told: string[] = [];
  const audit = {
    entry: (entry: Omit<AuditEntry, 'at'>) => {
      told.push(`${entry.kind} ${entry.by.kind}`);
      return { kind: 'fact_put', name: 'told', value: String(told.length) } as const;
    },
  };
  const make = async () => {
    if (world.fails) throw new Error('no space left on device');
    made.push(clock.wallTime());
    writeJournal(stateDir, { kind: 'made', at: clock.wallTime(), by: 'schedule', bytes: 1, sha256: 'a' });
  };
  const begin = async () => {
    const backups = new Backups({
      stateDir,
      config: withConfig ? config : undefined,
      make,
      ...{ clock, log: recorded.logger, audit, store },
    });
    await backups.start();
    return backups;
  };
  return { stateDir, clock, made, world, told, begin, recorded };
}

describe('backups that the gateway makes by itself', () => {
  it('come daily, also over restarts, and each stands in the audit log', async () => {
    const { clock, made, told, begin } = schedule();
    const first = await begin();
    await clock.advance(hour);
    expect(made).toHaveLength(1);
    await first.close();
    const second = await begin();
    await clock.advance(22 * hour);
    expect(made).toHaveLength(1);
    await clock.advance(2 * hour);
    expect(made).toHaveLength(2);
    expect(told).toEqual(['backup_made schedule', 'backup_made schedule']);
    await second.close();
    await clock.advance(100 * hour);
    expect(made).toHaveLength(2);
  });

  it('are tried again in an hour when one fails, and the log says why', async () => {
    const { clock, made, world, begin, recorded } = schedule();
    world.fails = true;
    await begin();
    await clock.advance(2.5 * hour);
    expect(recorded.lines.filter(({ why }) => why === 'no space left on device')).toHaveLength(3);
    world.fails = false;
    await clock.advance(hour);
    expect(made).toHaveLength(1);
  });

  it('do not wait for years when the clock was set back', async () => {
    const { clock, made, begin } = schedule();
    await begin();
    await clock.advance(hour);
    clock.setWallTime(clock.wallTime() - 1_000 * 24 * hour);
    await clock.advance(hour);
    expect(made).toHaveLength(2);
  });

  it('are not made unless the configuration says so; those of people stand in the audit log', async () => {
    const { clock, made, told, begin, stateDir } = schedule({ withConfig: false });
    await begin();
    writeJournal(stateDir, { kind: 'made', at: clock.wallTime(), by: 'cli', bytes: 1, sha256: 'a' });
    await clock.advance(48 * hour);
    expect(made).toEqual([]);
    expect(told).toEqual(['backup_made cli']);
  });
});
