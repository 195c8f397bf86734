import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { drivers } from '../../drivers/index.ts';
import { defineProgram } from '../../src/cli/program.ts';
import { simulators } from '../../src/simulation/index.ts';
import { filterProblem, matches } from '../../src/transports/mqtt/topic-filter.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { blocksRunBy, named, printedInline, read, repository } from '../kit/documents/printed-blocks.ts';
import { type TypedCommand, typedCommands } from '../kit/documents/shell-words.ts';
import { apiKey, httpFixture } from '../kit/gateway/http-fixture.ts';
import { monitorFixture } from '../kit/gateway/monitor-fixture.ts';

/*
 * Every command that a document prints: ours are taken by the parser of the command line with every option and value, files
 * are put where it says, requests are sent, and of other programs what they are given is looked up here. test/peers types the
 * installer's and the operator's commands on a whole box.
 */

const box = mkdtempSync(join(tmpdir(), 'strikeplate-printed-'));
// What somebody types, and what setup made before.
for (const file of ['dev/stdin', 'etc/strikeplate/ca.pem']) {
  mkdirSync(dirname(join(box, file)), { recursive: true });
  writeFileSync(join(box, file), 'secret\n');
}
afterAll(() => rmSync(box, { recursive: true, force: true }));

/** As a command would be run, with nothing done. @throws what the command line says of it */
async function parsed(args: readonly string[]): Promise<void> {
  const terminal = new RecordedTerminal('/');
  const stop = () => ({ requested: new Promise<string>(() => undefined) });
  const program = defineProgram(
    { terminal, catalogues: { drivers, simulators }, version: '0.0.0', stop },
    () => undefined,
  );
  const withoutWork = (command: Command): void => {
    command.action(() => undefined);
    for (const below of command.commands) withoutWork(below);
  };
  for (const command of program.commands) withoutWork(command);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    const isVersion = error instanceof Error && 'exitCode' in error && error.exitCode === 0;
    if (!isVersion) throw new Error(`${args.join(' ')}: ${terminal.errors}`, { cause: error });
  }
}

const { version, scripts, dependencies, devDependencies } = JSON.parse(read('package.json')) as {
  version: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const isHere = (file: string) => expect(existsSync(join(repository, file)), file).toBe(true);

/** Places of a box, below a folder; what comes with the package stands in the repository. */
const placed = (path: string): string => {
  if (path.startsWith('/usr/share/doc/strikeplate/'))
    return path.replace('/usr/share/doc/strikeplate', join(repository, 'docs'));
  if (path === '/opt/strikeplate') return repository;
  if (path.startsWith('/opt/strikeplate/')) return join(repository, path.slice('/opt/strikeplate/'.length));
  return path.startsWith('/') ? join(box, path) : path;
};

/** `install` and `cp`, carried out: without owners, who are nobody here. */
function putInPlace(program: string, words: readonly string[]): void {
  const args = words.flatMap((word, at) => {
    if (['-o', '-g'].includes(word) || ['-o', '-g'].includes(words[at - 1] ?? '')) return [];
    // What the shell would name.
    if (word.includes('*'))
      return execFileSync('sh', ['-c', `echo ${word}`], { cwd: repository, encoding: 'utf8' })
        .trim()
        .split(' ');
    return placed(word);
  });
  const target = args.at(-1) ?? '';
  const folder = target.endsWith('/') ? target : dirname(target);
  if (folder.startsWith(box)) mkdirSync(folder, { recursive: true });
  const to = target.startsWith(box) ? target : join(box, 'here', basename(target));
  mkdirSync(dirname(to), { recursive: true });
  execFileSync(program, [...args.slice(0, -1), to], { cwd: repository });
}

const units = ['mosquitto', 'prometheus', 'bluetooth', 'dbus'];
const packages = ['strikeplate', 'strikeplate-dbus', 'strikeplate-zwave'];

/** What each program may be given. */
const programs: Readonly<Record<string, (words: readonly string[], command: TypedCommand) => unknown>> = {
  strikeplate: parsed,
  npm: ([verb = '', ...rest]) => {
    if (verb === 'run') expect(scripts).toHaveProperty([rest[0] ?? '']);
    else if (verb === 'install')
      for (const name of rest.filter((word) => !word.startsWith('-')))
        expect({ ...dependencies, ...devDependencies, strikeplate: version }).toHaveProperty([
          name.replace(/(?<=.)@[\d.]+$/, ''),
        ]);
    else
      expect([verb, ...rest].join(' ')).toMatch(/^(ci( --dry-run)?|test|start( -- --config FILE)?|prune --omit=dev)$/);
  },
  npx: ([program = '', ...rest], { env }) => {
    if (program === 'strikeplate') return parsed(rest);
    if (program === 'tsx') return isHere(rest[0] ?? '');
    expect([program, rest[0]]).toEqual(['vitest', 'run']);
    const files = rest.filter((word) => word.endsWith('.ts'));
    for (const file of files) isHere(file);
    const texts =
      files.map(read).join('\n') + read('test/kit/seeded-properties.ts') + read('test/kit/seeded-random.ts');
    for (const name of Object.keys(env)) expect(texts).toContain(name);
    return undefined;
  },
  apt: ([verb, file = '']) => {
    expect(verb).toBe('install');
    const [, name = '', of, kind] = /^\.\/([\w-]+)_([\d.]+)_(amd64|all)\.deb$/.exec(file) ?? [];
    expect([packages.includes(name), of, kind === 'all']).toEqual([true, version, name !== 'strikeplate']);
  },
  systemctl: ([verb = '', ...rest]) => {
    if (verb === 'daemon-reload') return;
    expect(['start', 'stop', 'restart', 'reload', 'status', 'enable', 'edit']).toContain(verb);
    const [unit = ''] = rest.filter((word) => word !== '--now');
    if (!units.includes(unit)) isHere(`systemd/${unit}.service`);
    if (verb === 'reload' && unit === 'strikeplate')
      expect(read('systemd/strikeplate.service')).toContain('ExecReload=');
  },
  journalctl: (words) => {
    expect(words.slice(0, 2)).toEqual([
      '-t',
      /^SyslogIdentifier=(.+)$/m.exec(read('systemd/strikeplate.service'))?.[1],
    ]);
    expect(words.slice(2).join(' ')).toMatch(/^(-p warning --since today|-n \d+)?$/);
  },
  'systemd-sysusers': (words) => expect(words).toEqual([]),
  'systemd-tmpfiles': (words) => {
    expect(words).toEqual(['--create', 'strikeplate.conf']);
    expect(existsSync(join(box, 'etc/tmpfiles.d/strikeplate.conf'))).toBe(true);
  },
  install: (words) => putInPlace('install', words),
  cp: (words) => putInPlace('cp', words),
  ln: ([, from = '', to]) => {
    expect(to).toBe('/usr/local/bin/strikeplate');
    expect(from).toBe(
      `/opt/strikeplate/${(JSON.parse(read('package.json')) as { bin: { strikeplate: string } }).bin.strikeplate.replace('./', '')}`,
    );
  },
  cd: ([folder]) => expect(folder).toBe('/opt/strikeplate'),
  docker: (words) => {
    // In a sentence the file is left out: it is the one that the page is about.
    const [compose, ...given] =
      words[1] === '-f' ? words : ['compose', '-f', 'container/compose.yaml', ...words.slice(1)];
    const [flag, file = '', verb = '', ...rest] = given;
    expect([compose, flag]).toEqual(['compose', '-f']);
    expect(['run', 'up', 'exec', 'kill']).toContain(verb);
    if (verb === 'up') return undefined;
    if (verb === 'kill') {
      expect((parse(read(file)) as { services: object }).services).toHaveProperty([rest.at(-1) ?? '']);
      return undefined;
    }
    const [service = '', program = '', ...args] = rest.filter((word, at) => at > 0 || word !== '--rm');
    expect((parse(read(file)) as { services: object }).services).toHaveProperty([service]);
    return programs[program]?.(args, { env: {}, words: [program, ...args] });
  },
  sudo: ([flag, user, program = '', ...rest]) => {
    expect([flag, user]).toEqual(['-u', 'strikeplate']);
    return programs[program]?.(rest, { env: {}, words: [program, ...rest] });
  },
  mosquitto_passwd: (words) => {
    const files = words.filter((word) => word.startsWith('/'));
    expect(['/mosquitto/config/passwd', '/etc/mosquitto/strikeplate.passwd']).toEqual(expect.arrayContaining(files));
    expect(words.join(' ')).toMatch(/^(-c )?-b \S+ \w+ \S+$/);
  },
  mosquitto_sub: async (words) => {
    const filters = words.filter((_, at) => words[at - 1] === '-t');
    expect(filters.length).toBeGreaterThan(0);
    const topics = await publishedTopics();
    for (const filter of filters) {
      expect(filterProblem(filter)).toBeUndefined();
      const asHere = filter.replace(/[0-9a-f]{8}-…/, 'front');
      expect(
        topics.filter((topic) => matches(asHere, topic)),
        filter,
      ).not.toEqual([]);
    }
  },
  mosquitto_pub: (words) => {
    const [topic, message] = ['-t', '-m'].map((flag) => words[words.indexOf(flag) + 1] ?? '');
    let filled = 0;
    return toGateway(
      topic,
      (message ?? '').replaceAll('$()', () => (filled++ === 0 ? 'a-made-up-uuid' : '{now}')),
    );
  },
  promtool: ([check, rules, file = '']) => {
    expect([check, rules]).toEqual(['check', 'rules']);
    expect(Object.keys(parse(readFileSync(placed(file), 'utf8')) as object)).toEqual(['groups']);
  },
  curl: (words) => sent(words),
  grep: (words) => expect(words).toEqual(['--line-buffered', 'offline']),
  cat: ([file]) => expect(file).toBe('container/strikeplate/mqtt.pw'),
  export: (words) => expect(words.map((word) => word.split('=')[0])).toEqual(['SEAM_ENDPOINT', 'SEAM_API_KEY']),
  // Programs of the system, in the one way in which they are needed.
  openssl: (words) => expect(words).toEqual(['rand', '-base64', '18']),
  df: (words) => expect(words).toEqual(['-h', '/var/lib/strikeplate']),
  uuidgen: (words) => expect(words).toEqual([]),
  date: (words) => expect(words).toEqual(['-Is']),
  bluetoothctl: (words) => expect(words.join(' ')).toMatch(/^(power on|pair ADDRESS)$/),
};

let topics: Promise<readonly string[]> | undefined;
/** What a gateway publishes. */
function publishedTopics(): Promise<readonly string[]> {
  topics ??= (async () => {
    const { publisher, clock, core } = await monitorFixture();
    publisher.connect();
    await clock.advance(60_000);
    await core.stop(0);
    return [...new Set(publisher.said.map(({ topic }) => topic)), 'strikeplate/box7/attempts/last/front'];
  })();
  return topics;
}

/** A command over MQTT, given to a gateway that takes them. */
async function toGateway(topic: string | undefined, message: string): Promise<void> {
  const { publisher, clock, core } = await monitorFixture({ commands: true });
  publisher.connect();
  await clock.advance(1_000);
  const now = new Date(clock.wallTime()).toISOString();
  const later = new Date(clock.wallTime() + 3_600_000).toISOString();
  const payload = message
    .replace('{now}', now)
    .replace(/[0-9a-f]{8}-…/, 'front')
    .replace(/(?<="ends_at":")[^"]*/, later);
  expect(topic).toBe('strikeplate/box7/command');
  publisher.others(String(topic), payload);
  await clock.advance(500);
  expect(publisher.json('strikeplate/box7/command/answers').at(-1), payload).toMatchObject({ status: 'accepted' });
  await core.stop(0);
}

/** A request as curl would send it, to a server in this process. */
async function sent(words: readonly string[]): Promise<void> {
  const url = words.find((word) => word.startsWith('http')) ?? '';
  const after = (flag: string) => words[words.indexOf(flag) + 1] ?? '';
  const { server, gateway } = httpFixture({ holdMs: 0 });
  const { pathname, search } = new URL(url);
  const headers = Object.fromEntries(
    words.filter((_, at) => words[at - 1] === '-H').map((header) => header.replace('$KEY', apiKey).split(': ')),
  );
  if (words.includes('-N')) {
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    const stop = new AbortController();
    const answer = await fetch(`${address}${pathname}${search}`, { headers, signal: stop.signal });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/event-stream'),
    ]);
    stop.abort();
    return;
  }
  const body = words.includes('-d') ? after('-d').replace('…', gateway.deviceList[0]?.deviceId ?? '') : undefined;
  const method = (words.includes('-X') ? after('-X') : 'GET') as 'GET' | 'POST';
  const answer = await server.inject({
    method,
    url: `${pathname}${search}`,
    headers,
    ...(body !== undefined && { payload: body }),
  });
  expect(answer.statusCode, answer.body).toBe(200);
}

describe('what a document has somebody type', () => {
  const typed = blocksRunBy('test/house/printed-commands.test.ts').filter(({ language }) => language === 'sh');
  it.each(typed.map((block) => [named(block), block] as const))('%s', async (_, { text }) => {
    const commands = typedCommands(text);
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const [program = '', ...words] = command.words;
      const take = programs[program];
      if (take === undefined) throw new Error(`Nobody here knows what ${program} takes.`);
      await take(words, command);
    }
  });

  it('names commands in its sentences that are there, with options that they have', async () => {
    expect(printedInline.length).toBeGreaterThan(40);
    const problems: string[] = [];
    for (const { document, command } of printedInline) {
      // A command may be named for itself, without what it is given.
      const [{ words, env } = { words: [], env: {} }] = typedCommands(command.replace(/ …$/, ''));
      const [program = '', ...given] = words;
      const take = async () => programs[program]?.(given, { words, env });
      await take().catch((error: Error) => {
        if (!/missing required argument|argument missing|required option/.test(error.message))
          problems.push(`${document}: ${command}: ${error.message}`);
      });
    }
    expect(problems).toEqual([]);
  });
});

describe('what a document has Home Assistant publish', () => {
  const actions = blocksRunBy('test/house/printed-commands.test.ts').filter(({ language }) => language === 'yaml');
  it.each(actions.map((block) => [named(block), block] as const))('%s', async (_, { text }) => {
    const { action, data } = parse(text) as { action: string; data: { topic: string; payload: string } };
    expect(action).toBe('mqtt.publish');
    await toGateway(
      data.topic,
      data.payload.replace('{{ utcnow().isoformat() }}', '{now}').replaceAll(/\{\{.*?\}\}/g, '12345678'),
    );
  });
});
