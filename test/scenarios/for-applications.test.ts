import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SeamHttp } from '@seamapi/http';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../../src/contract/index.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';
import { day, hour, keypadHouse } from '../kit/locks/keypad-house.ts';
import { WebhookReceiver } from '../kit/sdk/webhook-receiver.ts';

/* docs/for-applications.md, run as it is printed: with the official client, on keypads that keep time. */

const printed = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'strikeplate-applications-'));
symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
const files: string[] = [];
for (const [, name = '', body = ''] of printed('docs/for-applications.md').matchAll(
  /^```ts (\S+)\n([\s\S]*?)^```$/gm,
)) {
  writeFileSync(join(folder, name), body);
  files.push(name);
}
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Bookings {
  listen(url: string): Promise<void>;
  create(stay: Record<string, unknown>): Promise<void>;
  leaveAt(booking: string, until: string): Promise<void>;
  cancel(booking: string): Promise<void>;
  heard(body: string, headers: Record<string, string>): Promise<void>;
  open(deviceId: string): Promise<string>;
}

let house: Awaited<ReturnType<typeof keypadHouse>>;
let server: HttpServer;
let endpoint: string;
let receiver: WebhookReceiver;

beforeEach(async () => {
  receiver = new WebhookReceiver(() => 0);
  house = await keypadHouse({ settings: { backupCodes: 1 }, webhookSender: receiver });
  await house.clock.advance(60_000);
  server = createHttpServer({
    gateway: house.core,
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 1_000,
    log: pino({ level: 'silent' }),
  });
  endpoint = await server.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await server.close();
  await house.core.stop(0);
});

const at = (ms: number) => new Date(house.clock.wallTime() + ms).toISOString();
const opens = (pin: string | undefined) =>
  ['front', 'side'].filter((slug) => pin !== undefined && house.keypad(slug).opens(pin));

test('from nothing to a PIN on two doors', async () => {
  vi.stubEnv('SEAM_API_KEY', apiKey);
  vi.stubEnv('SEAM_ENDPOINT', endpoint);
  const said = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import(join(folder, 'guest.ts'));
  const [, pin] = /^PIN (\d+), on all doors: (?:true|false)$/.exec(String(said.mock.calls[0]?.[0])) ?? [];
  await house.clock.advance(60_000);
  expect(opens(pin)).toEqual(['front', 'side']);
  const lines = printed('docs/for-applications.md').split('```ts guest.ts\n')[1]?.split('```')[0]?.trim().split('\n');
  expect(lines?.length).toBe(10);
});

test('what is printed is sound to the compiler, as an application with strict settings has it', () => {
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, noImplicitOverride: true, noEmit: true, skipLibCheck: true },
    ...{ target: 'es2023', module: 'nodenext', types: ['node'] },
  };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const check = (files: readonly string[]) => {
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    return spawnSync(process.execPath, [join(folder, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });
  };
  expect(files.length).toBeGreaterThan(1);
  expect(check(files)).toMatchObject({ stdout: '', stderr: '', status: 0 });
  // The compiler knows the client's types, or nothing would be sound or unsound to it.
  const guest = readFileSync(join(folder, 'guest.ts'), 'utf8');
  writeFileSync(join(folder, 'wrong.ts'), guest.replace("mode: 'code'", "mode: 'kode'"));
  const { status, stdout } = check(['wrong.ts']);
  expect(status).not.toBe(0);
  expect(stdout).toContain('kode');
});

describe('a booking system', () => {
  let bookings: Bookings;
  let told: string[];
  const pinIn = (text: string | undefined) => /: (\d{4,})$/.exec(text ?? '')?.[1];

  beforeEach(async () => {
    const module = (await import(join(folder, 'bookings.ts'))) as {
      Bookings: new (seam: SeamHttp, tell: (booking: string, text: string) => void) => Bookings;
    };
    told = [];
    bookings = new module.Bookings(new SeamHttp({ apiKey, endpoint }), (booking, text) => {
      told.push(`${booking} ${text}`);
    });
    await bookings.listen('https://bookings.example/doors');
  });

  /** Time passes, and what the gateway sent meanwhile is heard. */
  const pass = async (ms: number) => {
    await house.clock.advance(ms);
    for (const received of receiver.received.splice(0)) await hear(received.request);
  };
  /** The verifier asks the process what time it is: that is when the webhook was sent. */
  const hear = async ({
    body,
    headers,
  }: {
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  }) => {
    vi.spyOn(Date, 'now').mockReturnValue(Number(headers['svix-timestamp']) * 1_000);
    try {
      await bookings.heard(body, { ...headers });
    } finally {
      vi.restoreAllMocks();
    }
  };
  const stay = { booking: 'B-7', guest: 'Ana Meier', doors: ['front', 'side'] };

  test('lets a guest stay, longer, and shorter', async () => {
    await bookings.create({ ...stay, from: at(day), until: at(3 * day) });
    await bookings.create({ ...stay, from: at(day), until: at(3 * day) });
    await pass(day - 2 * hour);
    expect(told).toEqual([]);
    await pass(2 * hour);
    expect(told).toEqual([expect.stringMatching(/^B-7 Your PIN: \d{4,}$/)]);
    const pin = pinIn(told[0]);
    expect(opens(pin)).toEqual(['front', 'side']);
    await bookings.leaveAt('B-7', at(4 * day));
    await pass(3 * day);
    expect(opens(pin)).toEqual(['front', 'side']);
    await bookings.leaveAt('B-7', at(hour));
    await pass(2 * hour);
    expect(opens(pin)).toEqual([]);
    expect(told).toHaveLength(1);
  });

  test('takes a stay back', async () => {
    await bookings.create({ ...stay, from: at(0), until: at(day) });
    await pass(60_000);
    const pin = pinIn(told[0]);
    expect(opens(pin)).toEqual(['front', 'side']);
    await bookings.cancel('B-7');
    await pass(60_000);
    expect(opens(pin)).toEqual([]);
  });

  test('gives a guest the backup code of a lock that is dead to the gateway', async () => {
    house.keypad('side').reachable = false;
    await bookings.create({ ...stay, from: at(0), until: at(day) });
    await pass(hour);
    const backup = told.find((text) => text.includes(' at '));
    expect(backup).toMatch(/^B-7 Your PIN at .*: \d{4,}$/);
    expect(opens(pinIn(backup))).toEqual(['side']);
    const { access_methods } = (await (
      await fetch(`${endpoint}/access_methods/list?access_grant_key=B-7`, {
        headers: { authorization: `Bearer ${apiKey}` },
      })
    ).json()) as { access_methods: { code: string }[] };
    expect(access_methods.map(({ code }) => opens(code))).toEqual([['front'], ['side']]);
  });

  test('says what to do at a door that is stuck, and at one that opens', async () => {
    expect(await bookings.open('front')).toBe('It is open.');
    const lock = house.locks.get('front');
    if (!lock) throw new Error('the front door should be there');
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      throw new GatewayError('lock_jammed', 'front is stuck.', { delivery: 'acted' });
    };
    expect(await bookings.open('front')).toBe('The lock is stuck; somebody is on the way.');
  });

  test('believes nobody else', async () => {
    await bookings.create({ ...stay, from: at(0), until: at(day) });
    await house.clock.advance(60_000);
    const [first] = receiver.received;
    if (!first) throw new Error('a webhook should have come');
    const { body, headers } = first.request;
    const forged = body.replace('B-7', 'B-8');
    expect(forged).not.toBe(body);
    await expect(hear({ body: forged, headers })).rejects.toThrow('No matching signature');
    expect(told).toEqual([]);
    await hear({ body, headers });
    expect(told).toHaveLength(1);
  });
});
