import { GatewayError } from '../../../src/contract/index.ts';
import type { ApiKeyAdministration, ShownApiKey } from '../../../src/http/key-administration.ts';
import type { AuditReader } from '../../../src/http/routes/administration.ts';
import type { Configuration } from '../../../src/http/routes/configuration.ts';
import type { PersonalDataService } from '../../../src/http/routes/personal-data.ts';
import type { AuditWriter } from '../../../src/http/serve-route.ts';
import type { AuditEntry } from '../../../src/model/audit.ts';
import type { Onboarding } from '../../../src/model/onboarding.ts';
import type { ReloadReport } from '../../../src/model/reload.ts';

const noSuchKey = () => new GatewayError('api_key_not_found', 'There is no such API key.');

/** Keys that open nothing, and an audit log that is chained to nothing. */
export function fakeOwnServices() {
  const keys: ShownApiKey[] = [];
  const entries: Omit<AuditEntry, 'at'>[] = [];
  const get = (id: string) => {
    const found = keys.find(({ record }) => record.id === id);
    if (found === undefined) throw noSuchKey();
    return found;
  };
  const keyAdministration: ApiKeyAdministration = {
    list: () => keys,
    get,
    create: async ({ name, scopes = ['read'], devices }) => {
      const id = `key_${keys.length + 1}`;
      const record = { id, name, scopes: [...scopes], created_at: '2026-05-01T00:00:00.000Z', hash: 'f'.repeat(64) };
      keys.push({ record: { ...record, ...(devices && { devices: [...devices] }) }, lastUsedAt: undefined });
      return { id, key: `seam_gw1_${id}` };
    },
    update: async (id) => {
      get(id);
    },
    rotate: async (id) => ({ id: get(id).record.id, key: `seam_gw1_${id}_again` }),
    revoke: async (id) => {
      keys.splice(keys.indexOf(get(id)), 1);
    },
  };
  const audit: AuditReader & AuditWriter = {
    head: undefined,
    before: () =>
      entries.map((entry, index) => ({
        seq: index + 1,
        text: JSON.stringify({ n: index + 1, at: 0, ...entry }),
        name: undefined,
        hash: '0'.repeat(64),
      })),
    write: async (entry) => {
      entries.push(entry);
    },
    append: (entry) => {
      entries.push(entry);
    },
  };
  const nothing = { userIdentities: 0, accessGrants: 0, accessCodes: 0, attempts: 0, events: 0, auditEntries: 0 };
  const personalData: PersonalDataService = { forget: async () => ({ ...nothing, others: 0, revokedKeys: 0 }) };
  const report: ReloadReport = {
    configSha256: '0'.repeat(64),
    devices: { added: [], removed: [], changed: ['front'] },
    links: [],
    isMonitorChanged: false,
    needsRestart: [],
  };
  const configuration: Configuration = {
    current: {
      file: '/etc/strikeplate/gateway.yaml',
      configSha256: '0'.repeat(64),
      sections: { gateway: { id: 'lobby' } },
    },
    ready: async () => undefined,
    reload: async () => report,
    devices: () => [{ id: 'front', name: 'Front door', driver: 'mqtt/zigbee2mqtt', link: { mqtt: 'main' } }],
    change: async () => report,
  };
  const noOnboarding = () => new GatewayError('onboarding_not_found', 'There is no such onboarding.');
  const onboarding: Onboarding = {
    start: async ({ kind, deviceId }) => ({
      ...{ onboardingId: 'onboarding_1', kind, radio: 'ble/radio', deviceId, status: 'running', step: 'starting' },
      ...{ message: 'It begins.', startedAt: 0, endsAt: 0, endedAt: undefined, question: undefined, found: [] },
      error: undefined,
    }),
    answer: () => {
      throw noOnboarding();
    },
    cancel: async () => {
      throw noOnboarding();
    },
    get: () => {
      throw noOnboarding();
    },
    list: () => [],
  };
  return { keyAdministration, audit, personalData, entries, configuration, onboarding };
}
