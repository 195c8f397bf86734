import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Clock, GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { onceAsked } from '../../wire/once-asked.ts';
import { changeRoute, methodsOf, type Route, readRoute } from '../route.ts';
import { assertScope, keyOf } from '../serve-route.ts';

export function workspaceRoutes(): Route[] {
  return [
    readRoute({
      path: '/workspaces/get',
      summary: 'Get the workspace: this gateway',
      scopes: [],
      params: z.object({}),
      answer: () => z.object({ workspace: workspaceSchema() }),
      respond: (_params, { gateway }) => ({ workspace: workspace(gateway) }),
    }),
    readRoute({
      path: '/workspaces/list',
      summary: 'List workspaces: this gateway alone',
      scopes: [],
      params: z.object({}),
      answer: () => z.object({ workspaces: z.array(workspaceSchema()) }),
      respond: (_params, { gateway }) => ({ workspaces: [workspace(gateway)] }),
    }),
  ];
}

const workspaceSchema = onceAsked(() =>
  z
    .object({
      workspace_id: z.string(),
      name: z.string(),
      company_name: z.string(),
      is_sandbox: z.boolean(),
      is_suspended: z.boolean(),
      connect_partner_name: z.string().nullable(),
      connect_webview_customization: z.object({}),
      is_publishable_key_auth_enabled: z.boolean(),
      organization_id: z.string().nullable(),
    })
    .meta({ id: 'workspace' }),
);

type Workspace = z.output<ReturnType<typeof workspaceSchema>>;

/** The gateway as the one workspace there is. */
function workspace({ identity, sandbox }: Pick<Gateway, 'identity' | 'sandbox'>): Workspace {
  return {
    workspace_id: identity.workspaceId,
    name: identity.name,
    company_name: identity.name,
    is_sandbox: sandbox.isWhole,
    is_suspended: false,
    connect_partner_name: null,
    connect_webview_customization: {},
    is_publishable_key_auth_enabled: false,
    organization_id: null,
  };
}

/** Our own: a box without a battery may wake up in the past, and codes must neither end nor begin by such a clock. */
export function clockRoutes(): Route[] {
  const answer = () => z.object({ clock: clockSchema() });
  return [
    readRoute({
      path: '/clock/get',
      summary: 'Get what the clock shows, and whether it can be believed',
      scopes: ['read'],
      params: z.object({}),
      answer,
      respond: (_params, { gateway }) => ({ clock: wireClock(gateway) }),
    }),
    changeRoute('create', {
      path: '/clock/confirm',
      summary: 'Say that the clock is right, so that schedules go on',
      scopes: ['control'],
      whole: true,
      params: z.strictObject({}),
      answer,
      change: async (_params, _origin, { gateway }) => {
        await gateway.time.confirm();
        return { answer: () => ({ clock: wireClock(gateway) }) };
      },
    }),
  ];
}

/** Our own: whether the box's clock can be believed. */
const clockSchema = onceAsked(() =>
  z
    .object({
      time: z.string().describe('What the clock shows.'),
      time_zone: z.string(),
      is_confirmed: z.boolean().describe('False: codes are neither written nor removed by their times. Doors go on.'),
      in_doubt_since: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .meta({ id: 'clock' }),
);

function wireClock({ clock, time, identity }: Gateway): z.output<ReturnType<typeof clockSchema>> {
  const { confidence } = time;
  return {
    time: isoTime(clock.wallTime()),
    time_zone: identity.timeZone,
    is_confirmed: confidence.confirmed,
    in_doubt_since: confidence.confirmed ? null : isoTime(confidence.since),
    reason: confidence.confirmed ? null : confidence.reason,
  };
}

export const openPaths = ['/health', '/openapi.json'] as const;
const open = { config: { open: true } };

/**
 * What answers without a key: `/health`, which says nothing but whether commands are accepted, and the API description,
 * which is the same at every gateway and which the official client's `getOpenapiSchema` fetches without a key.
 */
export function serveOpenRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.route({
    ...open,
    method: [...methodsOf.read],
    url: '/health',
    handler: () => {
      const { ready } = gateway;
      if (!ready.ok) throw new GatewayError('storage_unavailable', ready.reason);
      return { ok: true };
    },
  });
  let description: Promise<Description> | undefined;
  app.route({
    ...open,
    method: [...methodsOf.read],
    url: '/openapi.json',
    handler: async (request, reply) => {
      description ??= readDescription(gateway.identity.version);
      const { body, tag } = await description;
      reply.header('etag', tag).header('cache-control', 'public, max-age=3600');
      if (isKnownTag(request.headers['if-none-match'], tag)) return reply.status(304).send();
      return reply.type('application/json; charset=utf-8').send(body);
    },
  });
}

interface Description {
  /** Bytes: they are sent as they are, however often. */
  readonly body: Buffer;
  readonly tag: string;
}

/** The file is made, and kept up to date, by openapi.test.ts: making it here would take a quarter of a second of loop. */
async function readDescription(version: string): Promise<Description> {
  const description = JSON.parse(await readFile(new URL('../openapi.json', import.meta.url), 'utf8'));
  description.info.version = version;
  const body = Buffer.from(JSON.stringify(description));
  return { body, tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

/** RFC 9110, section 13.1.2; a weak tag of the same text is the same. */
function isKnownTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((known) => known.trim().replace(/^W\//, '') === tag);
}

/** Counts in a format that a monitoring system reads. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export const metricsPath = '/metrics';
export const metricsMethods = ['GET'] as const;
/** How long one counting is answered again, in milliseconds. */
const SHARED_FOR_MS = 1_000;

/**
 * `GET /metrics`: not part of the Seam API, and text. Its key needs the scope `metrics`, or `read`, which shows more.
 * The counts are those of all devices together.
 */
export function serveMetrics(app: FastifyInstance, metrics: MetricsText, clock: Clock): void {
  let last: { readonly at: number; readonly text: Promise<string> } | undefined;
  app.route({
    method: [...metricsMethods],
    url: metricsPath,
    handler: async (request, reply) => {
      assertScope(keyOf(request), { scopes: ['metrics', 'read'], path: metricsPath, whole: true });
      const at = clock.now();
      // Counting costs as much as there are devices and labels: who asks more often gets the same again.
      if (last === undefined || at - last.at >= SHARED_FOR_MS) last = { at, text: metrics.text() };
      return reply.type(metrics.contentType).send(await last.text);
    },
  });
}
