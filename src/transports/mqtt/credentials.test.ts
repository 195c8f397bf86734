import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCredentials } from './credentials.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('readCredentials', () => {
  it('reads the password without the newline an editor adds, spaces kept', async () => {
    const passwordFile = await file('pw', ' hunter2 \n');
    const { password } = await readCredentials('main', { passwordFile });
    expect(password?.reveal()).toBe(' hunter2 ');
  });

  it('reads TLS material and gives none when none is named', async () => {
    const caFile = await file('ca.pem', 'CA');
    expect((await readCredentials('main', { caFile })).tls).toEqual({ ca: Buffer.from('CA') });
    expect(await readCredentials('main', {})).toEqual({});
  });

  it('names every problem at once', async () => {
    await mkdir(join(folder, 'folder'));
    const reading = readCredentials('main', {
      passwordFile: join(folder, 'gone'),
      caFile: join(folder, 'folder'),
      certFile: await file('cert', '\n'),
    });
    await expect(reading).rejects.toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    const message = await reading.catch((error: Error) => error.message);
    expect(message).toContain('mqtt.main.password_file');
    expect(message).toContain('there is no such file');
    expect(message).toContain('this is a directory');
    expect(message).toContain('the file is empty');
    expect(message).toContain('cert_file and key_file go together');
  });
});
