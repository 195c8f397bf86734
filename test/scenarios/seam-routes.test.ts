import { appendFileSync, readFileSync } from 'node:fs';
import { getOpenapiSchema } from '@seamapi/http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { methodsOf, type Route } from '../../src/http/route.ts';
import { streamPath } from '../../src/http/routes/event-stream.ts';
import { openPaths } from '../../src/http/routes/gateway.ts';
import { gatewayRoutes } from '../../src/http/routes/index.ts';
import { apiKey } from '../kit/gateway/http-fixture.ts';
import { callFor, hasCall, officialClients } from '../kit/sdk/official-clients.ts';
import { device_id, SeamSite } from '../kit/sdk/seam-site.ts';
import { accessCalls } from './seam-calls-access.ts';
import { deviceCalls } from './seam-calls-devices.ts';

/*
 * Each route of the gateway, and the call of the official client that drives it, in seam-calls-*.ts. A route without a row
 * fails.
 */

const rows = { ...deviceCalls, ...accessCalls };

let site: SeamSite;
const routes = (): readonly Route[] => gatewayRoutes(site.gateway.clock);

beforeEach(async () => {
  site = await SeamSite.open();
});

afterEach(() => site.close());

/** Routes that a client has no call for: ours, and what it does not know yet. They go by its connection. */
const withoutCall = (version: string): readonly string[] => [
  ...Object.keys(rows).filter((path) => /^\/(strikeplate|clock)\/|history$/.test(path)),
  '/devices/take_out_of_service',
  '/devices/put_into_service',
  '/noise_sensors/levels/list',
  '/access_codes/get_timeline',
  ...(version.startsWith('1.') ? ['/access_methods/unlock_door', '/locks/configure_auto_lock'] : []),
];

/** The client's own helper asks for one of these; it has no call for the other. */
const openRows: Readonly<Record<(typeof openPaths)[number], () => PromiseLike<unknown>>> = {
  '/health': () => site.seam.client.get('/health'),
  '/openapi.json': () => getOpenapiSchema(site.endpoint),
};

const fileText = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const parsedFile = (path: string): unknown => JSON.parse(fileText(path));

/** The table of Seam's routes in the document: a family, those that are here, and those that are not. */
function listed(document: string): { readonly here: string[]; readonly absent: string[] } {
  const named = (family: string, cell: string) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => `${family}${name}`);
  const families = [...document.matchAll(/^\| `(\/\w+\/)` \| (.*?) \| (.*?)\|$/gm)];
  const column = (at: 2 | 3) => families.flatMap((row) => named(row[1] ?? '', row[at] ?? '')).sort();
  return { here: column(2), absent: column(3) };
}

describe.each(officialClients)('the client $version', (official) => {
  beforeEach(() => site.connect(official));

  test.each(Object.keys(rows))('drives %s, which answers what it says', async (path) => {
    const own = callFor(path);
    if (!hasCall(site.seam, own)) expect(withoutCall(official.version)).toContain(path);
    await rows[path]?.(site);
    const route = routes().find((candidate) => candidate.path === path);
    if (route === undefined) throw new Error('there is no such route');
    const pattern = new RegExp(`^${path.replace(/:\w+/, '[^/]+')}$`);
    const answers = [...site.answered].flatMap(([asked, bodies]) => (pattern.test(asked) ? bodies : []));
    expect(answers.length).toBeGreaterThan(0);
    const answer = route.answer().extend({ ok: z.literal(true) });
    for (const body of answers) expect(answer.parse(body)).toEqual(body);
    if (hasCall(site.seam, own)) expect([...(site.calls.get(path) ?? [])]).toContain(own);
    const examples = process.env.STRIKEPLATE_API_EXAMPLES;
    if (examples !== undefined && official === officialClients[0]) {
      const [asked = path] = [...site.answered.keys()].filter((one) => pattern.test(one)).slice(-1);
      const example = [path.replace(/:(\w+)/, '{$1}'), { request: site.requests.get(asked), answer: answers.at(-1) }];
      appendFileSync(examples, `${JSON.stringify(example)}\n`);
    }
    const figures = process.env.STRIKEPLATE_ROUTE_FIGURES;
    if (figures !== undefined) {
      const call = hasCall(site.seam, own) ? own : null;
      appendFileSync(figures, `${JSON.stringify({ client: official.version, path, call })}\n`);
    }
  });
});

describe('every route', () => {
  test('has a row, and every row a route', () => {
    expect(Object.keys(rows).sort()).toEqual(
      routes()
        .map(({ path }) => path)
        .sort(),
    );
    expect(Object.keys(openRows)).toEqual([...openPaths]);
  });

  test('that Seam has is listed in docs/http-api.md, which lists no other as being here', () => {
    const { answers } = parsedFile('../kit/sdk/seam-schemas.json') as { answers: object };
    const { here, absent } = listed(fileText('../../docs/http-api.md'));
    const ours = routes().map(({ path }) => path);
    expect(here).toEqual(ours.filter((path) => path in answers).sort());
    expect(absent.filter((path) => ours.includes(path))).toEqual([]);
    expect(absent.length).toBeGreaterThan(20);
  });

  test('beside them is the stream of events, which the client has no call for', async () => {
    const hangUp = new AbortController();
    const headers = { authorization: `Bearer ${apiKey}` };
    const answer = await fetch(`${site.endpoint}${streamPath}`, { headers, signal: hangUp.signal });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    hangUp.abort();
  });

  test.each(Object.entries(openRows))('%s needs no key', async (_path, call) => {
    await call();
  });

  test('is described under every method it answers to', async () => {
    const description = (await getOpenapiSchema(site.endpoint)) as { paths: Record<string, object> };
    for (const { path, kind } of routes())
      expect([path, Object.keys(description.paths[path.replace(/:(\w+)/, '{$1}')] ?? {}).sort()]).toEqual([
        path,
        methodsOf[kind].map((method) => method.toLowerCase()).sort(),
      ]);
  });
});

/** The part of the client's paginator that is used here. */
interface Paginator<Cursor> {
  firstPage(): Promise<[readonly unknown[], { readonly hasNextPage: boolean; readonly nextPageCursor: Cursor }]>;
  nextPage(
    cursor: Cursor,
  ): Promise<[readonly unknown[], { readonly hasNextPage: boolean; readonly nextPageCursor: Cursor }]>;
}

describe('the client’s paginator', () => {
  /** Each list that the client can page through, with at least three objects. */
  const lists: Readonly<
    Record<string, () => Promise<{ readonly pages: (readonly unknown[])[]; readonly whole: unknown[] }>>
  > = {
    'devices.list': async () => ({
      pages: await pagesOf(site.seam.createPaginator(site.seam.devices.list({ limit: 1, custom_metadata_has: {} }))),
      whole: await site.seam.devices.list(),
    }),
    'devices.unmanaged.list': async () => {
      for (const device of site.gateway.devices.list())
        await site.seam.devices.update({ device_id: device.deviceId, is_managed: false });
      return {
        pages: await pagesOf(site.seam.createPaginator(site.seam.devices.unmanaged.list({ limit: 1 }))),
        whole: await site.seam.devices.unmanaged.list(),
      };
    },
    'accessCodes.list': async () => {
      for (const code of ['1111', '2222', '3333']) await site.newCode({ code });
      return {
        pages: await pagesOf(site.seam.createPaginator(site.seam.accessCodes.list({ device_id, limit: 1 }))),
        whole: await site.seam.accessCodes.list({ device_id }),
      };
    },
    'accessCodes.unmanaged.list': async () => {
      for (const slot of [1, 2, 3]) site.aFoundCode(slot);
      return {
        pages: await pagesOf(site.seam.createPaginator(site.seam.accessCodes.unmanaged.list({ device_id, limit: 1 }))),
        whole: await site.seam.accessCodes.unmanaged.list({ device_id }),
      };
    },
    'actionAttempts.list': async () => {
      for (let time = 0; time < 3; time++) await site.seam.locks.lockDoor({ device_id });
      return {
        pages: await pagesOf(site.seam.createPaginator(site.seam.actionAttempts.list({ device_id, limit: 1 }))),
        whole: await site.seam.actionAttempts.list({ device_id }),
      };
    },
  };

  async function pagesOf<Cursor>(paginator: Paginator<Cursor>): Promise<(readonly unknown[])[]> {
    const pages: (readonly unknown[])[] = [];
    let [page, pagination] = await paginator.firstPage();
    pages.push(page);
    while (pagination.hasNextPage) {
      [page, pagination] = await paginator.nextPage(pagination.nextPageCursor);
      pages.push(page);
    }
    expect(pagination).toMatchObject({ nextPageCursor: null, nextPageUrl: null });
    return pages;
  }

  test.each(Object.entries(lists))('walks through %s to the null cursor', async (_name, list) => {
    const { pages, whole } = await list();
    expect(whole).toHaveLength(3);
    expect(pages.map((page) => page.length)).toEqual([1, 1, 1]);
    expect(pages.flat()).toEqual(whole);
  });

  test('is told when a cursor comes with other parameters', async () => {
    const [, { nextPageCursor }] = await site.seam.createPaginator(site.seam.devices.list({ limit: 1 })).firstPage();
    const other = site.seam.createPaginator(site.seam.devices.list({ limit: 2 }));
    await expect(other.nextPage(nextPageCursor)).rejects.toMatchObject({
      code: 'mismatched_page_parameters',
      statusCode: 400,
    });
  });
});
