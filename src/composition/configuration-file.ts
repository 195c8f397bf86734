import { chmod, chown, readFile, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TextDecoder } from 'node:util';
import { type Clock, GatewayError, sleep } from '../contract/index.ts';
import { syncFolder } from '../store/sync-folder.ts';

/** A draft older than this was left by a process that died: changing the file takes far less. */
const STALE_DRAFT_MS = 30_000;

/** How long another change of the file is waited for. */
const TURN_PATIENCE_MS = 5_000;
const TURN_CHECK_MS = 50;

/** Somebody with an editor may save while a change is judged; more often than this in a row nobody does. */
const MOST_TRIES = 20;

/**
 * Replaces the configuration file by what `change` makes of its text. The new text is written beside it, on disk before
 * it takes the name, so that a reader sees all of the one or all of the other. The name of the draft is one that only one
 * process can create: changes come one after the other. What somebody saved meanwhile is not lost: `change` is then asked
 * again, with that.
 *
 * @param change throws where nothing is to be changed
 * @returns the text before and after
 * @throws GatewayError `unsupported_action` where this process may not write it; `still_in_use`, `storage_unavailable`
 */
export async function changeConfigurationFile(
  named: string,
  clock: Clock,
  change: (text: string) => Promise<string>,
): Promise<{ readonly before: string; readonly after: string }> {
  // An administrator may keep it elsewhere, behind a link: the link stays.
  const file = await realpath(named).catch(() => named);
  const draft = `${file}.new`;
  await makeDraft(draft, file, clock);
  try {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const old = await readFile(file);
      const before = decode(old, named);
      const after = await change(before);
      await writeFile(draft, after, { flag: 'w', flush: true });
      await asTheOldOne(draft, file);
      if (!old.equals(await readFile(file))) continue;
      await rename(draft, file);
      syncFolder(dirname(file));
      return { before, after };
    }
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw inWords(error, file);
  }
  await unlink(draft).catch(() => undefined);
  throw new GatewayError('still_in_use', `Nothing was changed: ${file} changes all the time. Try again.`);
}

/** With its byte order mark, which stays. */
function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new GatewayError('invalid_input', `Nothing was changed: ${file} is not a text in UTF-8.`);
  }
}

async function makeDraft(draft: string, file: string, clock: Clock): Promise<void> {
  const until = clock.now() + TURN_PATIENCE_MS;
  for (;;) {
    try {
      await writeFile(draft, '', { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw inWords(error, file);
    }
    const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: clock.wallTime() }));
    if (clock.wallTime() - mtimeMs > STALE_DRAFT_MS) await unlink(draft).catch(() => undefined);
    else if (clock.now() > until)
      throw new GatewayError('still_in_use', `Nothing was changed: another command is changing ${file}. Try again.`);
    else await sleep(clock, TURN_CHECK_MS);
  }
}

/** Owner and mode stay; where only root may give a file away, at least its group does. */
async function asTheOldOne(draft: string, file: string): Promise<void> {
  const { uid, gid, mode } = await stat(file);
  const isRoot = process.getuid?.() === 0;
  await chown(draft, isRoot ? uid : -1, gid).catch((error: unknown) => {
    if (isRoot) throw error;
  });
  await chmod(draft, mode & 0o7777);
}

function inWords(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof GatewayError || code === undefined) return error;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new GatewayError(
      'unsupported_action',
      `Nothing was changed: this process may not write ${file} and beside it. As root on the gateway's box: strikeplate devices --help`,
      { cause: error },
    );
  if (code === 'ENOENT')
    return new GatewayError('invalid_input', `Nothing was changed: there is no ${file}. Make one: strikeplate setup`, {
      cause: error,
    });
  return new GatewayError('storage_unavailable', `Nothing was changed: ${file} cannot be written (${String(code)}).`, {
    cause: error,
  });
}
