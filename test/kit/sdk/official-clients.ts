import { readFileSync } from 'node:fs';
import { SeamHttp } from '@seamapi/http';
import { SeamHttp as EarlierSeamHttp } from 'seam-http-1';

const versionOf = (name: string): string => {
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return String(JSON.parse(readFileSync(file, 'utf8')).version);
};

/**
 * The two clients that people have: the newest, and the one that `npm install seam` brings on Node.js 20 (seam 1.160.0).
 * The earlier one sends POST for everything, and calls without parameters with an empty form.
 */
export const officialClients = [
  { version: versionOf('@seamapi/http'), connect: (at: Connection): SeamHttp => new SeamHttp({ ...at }) },
  {
    version: versionOf('seam-http-1'),
    // Its types need a package of 65 MB. Its calls have the names of the newest one's.
    connect: (at: Connection): SeamHttp => new EarlierSeamHttp({ ...at }) as unknown as SeamHttp,
  },
] as const;

interface Connection {
  readonly apiKey: string;
  readonly endpoint: string;
}

/** The client's own call for a route: `/access_codes/create` is `accessCodes.create`. */
export const callFor = (path: string): string =>
  path
    .slice(1)
    .split('/')
    .map((part) => part.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()))
    .join('.');

/** Whether the client has a call of that name. */
export const hasCall = (client: SeamHttp, name: string): boolean =>
  typeof name.split('.').reduce<unknown>((at, part) => Reflect.get(Object(at), part), client) === 'function';

/** The same client, and by which of its calls each path was asked. */
export function withCallsNoted(client: SeamHttp): {
  readonly client: SeamHttp;
  readonly calls: ReadonlyMap<string, ReadonlySet<string>>;
} {
  const calls = new Map<string, Set<string>>();
  let latest = '';
  client.client.interceptors.request.use((request) => {
    const path = new URL(request.url ?? '', 'http://client').pathname;
    calls.set(path, (calls.get(path) ?? new Set()).add(latest));
    return request;
  });
  const noted = <Part extends object>(part: Part, prefix: string): Part =>
    new Proxy(part, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof name === 'symbol' || name === 'client' || typeof member !== 'object' || member === null) {
          if (typeof member !== 'function' || name === 'client') return member;
          return (...args: unknown[]) => {
            if (prefix !== '') latest = `${prefix}${String(name)}`;
            return Reflect.apply(member, target, args);
          };
        }
        return /^SeamHttp/.test(member.constructor.name) ? noted(member, `${prefix}${name}.`) : member;
      },
    });
  return { client: noted(client, ''), calls };
}
