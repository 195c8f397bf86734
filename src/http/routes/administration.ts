import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { AuditRecord } from '../../model/audit.ts';
import { permissionScopes } from '../../model/permission.ts';
import type { AuditHead } from '../../model/store.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { onceAsked } from '../../wire/once-asked.ts';
import type { ApiKeyAdministration, ShownApiKey } from '../key-administration.ts';
import { mismatchedCursor, pageOf, pageParameters, paginationSchema } from '../page.ts';
import { moment, oneLine } from '../plain-parameters.ts';
import { type Caller, changeRoute, type Route, readRoute } from '../route.ts';

const path = '/strikeplate/api_keys';
const scopes = z.array(z.enum(permissionScopes)).min(1);
const devices = z.array(z.string()).min(1).max(1_000);
const spaces = z.array(z.string()).min(1).max(200);
const name = oneLine.trim().min(1).max(60);
const byId = z.strictObject({ api_key_id: z.string() });

export const apiKeySchema = onceAsked(() =>
  z
    .object({
      api_key_id: z.string(),
      name: z.string(),
      scopes: z.array(z.enum(permissionScopes)),
      device_ids: z
        .array(z.string())
        .nullable()
        .describe('Null: where `space_ids` is null too, all devices and what concerns the whole gateway.'),
      space_ids: z.array(z.string()).nullable().describe('It is for the doors that are in these spaces at any moment.'),
      created_at: z.string(),
      expires_at: z.string().nullable(),
      last_used_at: z.string().nullable(),
      previous_until: z.string().nullable().describe('Until when the key before the last rotation is taken.'),
    })
    .meta({ id: 'api_key' }),
);

const made = () =>
  z.object({
    api_key: apiKeySchema(),
    token: z.string().describe('The key itself: shown this once, and kept nowhere.'),
  });

const wireApiKey = ({ record, lastUsedAt }: ShownApiKey): z.output<ReturnType<typeof apiKeySchema>> => ({
  api_key_id: record.id,
  name: record.name,
  scopes: [...record.scopes],
  device_ids: record.devices === undefined ? null : [...record.devices],
  space_ids: record.spaces === undefined ? null : [...record.spaces],
  created_at: record.created_at,
  expires_at: record.expires_at ?? null,
  last_used_at: lastUsedAt === undefined ? null : isoTime(lastUsedAt),
  previous_until: record.previous?.until ?? null,
});

/** @throws GatewayError `device_not_found` */
function assertDevices({ gateway }: Caller, ids: readonly string[]): void {
  for (const id of ids)
    if (gateway.devices.get(id) === undefined)
      throw new GatewayError('device_not_found', `There is no device ${id} at this gateway. See /devices/list.`);
}

/** @throws GatewayError `space_not_found` */
function assertSpaces({ gateway }: Caller, ids: readonly string[]): void {
  for (const id of ids)
    if (gateway.spaces.get(id) === undefined)
      throw new GatewayError('space_not_found', `There is no space ${id} at this gateway. See /spaces/list.`);
}

const admin = { scopes: ['admin'], whole: true } as const;

const createApiKeyRoute = (keys: ApiKeyAdministration) =>
  changeRoute('create', {
    path: `${path}/create`,
    summary: 'Make an API key',
    ...admin,
    params: z.strictObject({
      name,
      scopes: scopes.optional().describe('All but admin unless told.'),
      device_ids: devices.optional().describe('The devices it is for; no others exist for it.'),
      space_ids: spaces
        .optional()
        .describe('The same by spaces: a door that joins one joins it, one that leaves, leaves.'),
      expires_at: moment.optional(),
    }),
    answer: made,
    change: async ({ name, scopes, device_ids, space_ids, expires_at }, _origin, caller) => {
      assertDevices(caller, device_ids ?? []);
      assertSpaces(caller, space_ids ?? []);
      const expiresAt = expires_at === undefined ? undefined : Date.parse(expires_at);
      const { id, key } = await keys.create({ name, scopes, devices: device_ids, spaces: space_ids, expiresAt });
      return { answer: () => ({ api_key: wireApiKey(keys.get(id)), token: key }) };
    },
  });

const getApiKeyRoute = (keys: ApiKeyAdministration) =>
  readRoute({
    path: `${path}/get`,
    summary: 'Get an API key, without the key itself',
    ...admin,
    params: byId,
    answer: () => z.object({ api_key: apiKeySchema() }),
    respond: ({ api_key_id }) => ({ api_key: wireApiKey(keys.get(api_key_id)) }),
  });

const listApiKeysRoute = (keys: ApiKeyAdministration) =>
  readRoute({
    path: `${path}/list`,
    summary: 'List API keys, oldest first',
    ...admin,
    params: z.object({}),
    answer: () => z.object({ api_keys: z.array(apiKeySchema()) }),
    respond: () => ({ api_keys: keys.list().map(wireApiKey) }),
  });

const updateApiKeyRoute = (keys: ApiKeyAdministration) =>
  changeRoute('update', {
    path: `${path}/update`,
    summary: 'Change what an API key may do, where, and until when',
    ...admin,
    params: z.strictObject({
      api_key_id: z.string(),
      name: name.optional(),
      scopes: scopes.optional(),
      device_ids: devices.nullable().optional().describe('Null: no devices by name; with no spaces either, all.'),
      space_ids: spaces.nullable().optional().describe('Null: no spaces; with no devices by name either, all.'),
      expires_at: moment.nullable().optional().describe('Null: it does not end.'),
    }),
    answer: () => z.object({ api_key: apiKeySchema() }),
    change: async ({ api_key_id, name, scopes, device_ids, space_ids, expires_at }, _origin, caller) => {
      assertDevices(caller, device_ids ?? []);
      assertSpaces(caller, space_ids ?? []);
      const expiresAt = typeof expires_at === 'string' ? Date.parse(expires_at) : expires_at;
      await keys.update(api_key_id, { name, scopes, devices: device_ids, spaces: space_ids, expiresAt });
      return { answer: () => ({ api_key: wireApiKey(keys.get(api_key_id)) }) };
    },
  });

const rotateApiKeyRoute = (keys: ApiKeyAdministration) =>
  changeRoute('create', {
    path: `${path}/rotate`,
    summary: 'Give an API key another secret; the old one is taken for some time longer',
    ...admin,
    params: z.strictObject({
      api_key_id: z.string(),
      overlap_seconds: z.number().int().min(0).max(7_776_000).optional().describe('A day unless told.'),
    }),
    answer: made,
    change: async ({ api_key_id, overlap_seconds = 86_400 }) => {
      const { id, key } = await keys.rotate(api_key_id, overlap_seconds * 1_000);
      return { answer: () => ({ api_key: wireApiKey(keys.get(id)), token: key }) };
    },
  });

const revokeApiKeyRoute = (keys: ApiKeyAdministration) =>
  changeRoute('delete', {
    path: `${path}/revoke`,
    summary: 'Take an API key away: it is refused from now on, and its event streams end',
    ...admin,
    params: byId,
    answer: () => z.object({}),
    change: async ({ api_key_id }) => {
      await keys.revoke(api_key_id);
      return { answer: () => ({}) };
    },
  });

/** Our own: keys, while the gateway runs. */
export function apiKeyRoutes(keys: ApiKeyAdministration): Route[] {
  return [
    createApiKeyRoute(keys),
    getApiKeyRoute(keys),
    listApiKeysRoute(keys),
    updateApiKeyRoute(keys),
    rotateApiKeyRoute(keys),
    revokeApiKeyRoute(keys),
  ];
}

/** The audit log, as far as it is read. */
export interface AuditReader {
  /** Newest first: those before `seq`. */
  before(seq: number | undefined, limit: number): readonly AuditRecord[];
  readonly head: AuditHead | undefined;
}

const entrySchema = onceAsked(() =>
  z
    .looseObject({
      seq: z.number(),
      at: z.string(),
      kind: z.string(),
      by: z.looseObject({ kind: z.string() }),
      name: z.string().optional().describe('Absent where there is none, or where it was forgotten.'),
      hash: z.string().describe('HMAC-SHA256 over the hash before, the number and the entry.'),
    })
    .meta({ id: 'audit_entry' }),
);

function wireEntry({ seq, text, name, hash }: AuditRecord): z.output<ReturnType<typeof entrySchema>> {
  const { n: _, at, ...entry } = JSON.parse(text) as { n: number; at: number; kind: string; by: { kind: string } };
  const [, shown] = name === undefined ? [] : (JSON.parse(name) as [string, string]);
  return { seq, ...entry, at: isoTime(at), ...(shown !== undefined && { name: shown }), hash };
}

/** Our own: who asked for what, from where, with which key, and what became of it. */
export function auditRoutes(audit: AuditReader): Route[] {
  return [
    readRoute({
      path: '/strikeplate/audit/list',
      summary: 'List the audit log, newest first',
      scopes: ['admin'],
      whole: true,
      params: z.object({ ...pageParameters }),
      answer: () =>
        z.object({
          audit_entries: z.array(entrySchema()),
          head: z.object({ seq: z.number(), hash: z.string() }).nullable().describe('The newest entry there is.'),
          pagination: paginationSchema(),
        }),
      respond: (params, { url }) => {
        const { items, pagination } = pageOf(
          { route: '/strikeplate/audit/list', url, params },
          (after, count) => audit.before(after === undefined ? undefined : seqOf(after), count),
          ({ seq }) => String(seq),
        );
        return { audit_entries: items.map(wireEntry), head: audit.head ?? null, pagination };
      },
    }),
  ];
}

function seqOf(position: string): number {
  if (!/^\d{1,15}$/.test(position)) throw mismatchedCursor();
  return Number(position);
}
