import type { SeamHttp } from '@seamapi/http';
import { pino } from 'pino';
import { expect } from 'vitest';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/server.ts';
import { permissionScopes } from '../../../src/model/permission.ts';
import { frontDoor, hall } from '../gateway/fake-devices.ts';
import { FakeGateway } from '../gateway/fake-gateway.ts';
import { apiKey, keyWith } from '../gateway/http-fixture.ts';
import { officialClients, withCallsNoted } from './official-clients.ts';

export const { deviceId: device_id } = frontDoor;
export const sensor = { device_id: hall.deviceId };
export const night = { starts_daily_at: '22:00:00[Europe/Zurich]', ends_daily_at: '07:00:00[Europe/Zurich]' };
export const stay = { starts_at: '2026-05-02T14:00:00Z', ends_at: '2026-05-05T10:00:00Z' };

/** A gateway without devices behind it, and an official client that calls it. */
export class SeamSite {
  readonly gateway: FakeGateway;
  readonly endpoint: string;
  readonly #server: HttpServer;
  seam: SeamHttp;
  /** What was answered, by route. */
  answered: Map<string, unknown[]>;
  /** What was asked of it last. */
  readonly requests = new Map<string, Record<string, unknown>>();
  /** By which of the client's calls. */
  calls: ReadonlyMap<string, ReadonlySet<string>>;

  private constructor(gateway: FakeGateway, server: HttpServer, endpoint: string) {
    this.gateway = gateway;
    this.#server = server;
    this.endpoint = endpoint;
    ({ seam: this.seam, calls: this.calls, answered: this.answered } = this.#connected(officialClients[0]));
  }

  static async open(): Promise<SeamSite> {
    const gateway = new FakeGateway(new SimulatedClock());
    gateway.outcome = () => ({ status: 'success', result: {} });
    const server = createHttpServer({
      gateway,
      keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
      holdMs: 0,
      log: pino({ level: 'silent' }),
    });
    return new SeamSite(gateway, server, await server.listen({ host: '127.0.0.1', port: 0 }));
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** From now on this client calls. */
  connect(official: (typeof officialClients)[number]): void {
    ({ seam: this.seam, calls: this.calls, answered: this.answered } = this.#connected(official));
  }

  #connected({ connect: client }: (typeof officialClients)[number]) {
    const { endpoint } = this;
    const { client: seam, calls } = withCallsNoted(client({ apiKey, endpoint }));
    const answered = new Map<string, unknown[]>();
    seam.client.interceptors.response.use((response) => {
      const { url = '', data, params } = response.config;
      const path = new URL(url, endpoint).pathname;
      const asked = typeof data === 'string' ? JSON.parse(data || '{}') : (params ?? {});
      this.requests.set(path, asked as Record<string, unknown>);
      answered.set(path, [...(answered.get(path) ?? []), response.data]);
      return response;
    });
    return { seam, calls, answered };
  }

  readonly newCode = (more: object = {}) => this.seam.accessCodes.create({ device_id, ...more });
  readonly newThreshold = () =>
    this.seam.noiseSensors.noiseThresholds.create({ ...sensor, ...night, noise_threshold_decibels: 60 });
  readonly aBackupCode = async () => {
    const { access_code_id } = await this.newCode({ code: '1234', use_backup_access_code_pool: true });
    const made = this.gateway.accessCodes.get(access_code_id);
    if (made === undefined) throw new Error('the code should be there');
    this.gateway.accessCodes.backups.push({
      ...made,
      accessCodeId: 'spare',
      backup: { pulledFor: undefined },
      useBackupPool: false,
    });
    return { access_code_id };
  };
  readonly aFoundCode = (slot = 1) => {
    const digits = Buffer.from(`${slot}${slot}${slot}${slot}`);
    const createdAt = Date.UTC(2026, 3, slot);
    this.gateway.accessCodes.found.push({
      accessCodeId: `found-${slot}`,
      deviceId: device_id,
      slot,
      name: undefined,
      sealedCode: digits,
      createdAt,
    });
    return { access_code_id: `found-${slot}` };
  };
  readonly aPerson = () => this.seam.userIdentities.create({ full_name: 'Ana', user_identity_key: 'guest-7' });
  readonly idOfPerson = async () => {
    const { user_identity_id } = await this.aPerson();
    return { user_identity_id };
  };
  readonly aSpace = () => this.seam.spaces.create({ name: 'Flat 7', space_key: 'flat-7', device_ids: [device_id] });
  readonly aGrant = async (more: object = {}) =>
    this.seam.accessGrants.create({
      ...(await this.idOfPerson()),
      device_ids: [device_id],
      requested_access_methods: [{ mode: 'code' }],
      access_grant_key: 'booking-7',
      ...stay,
      ...more,
    });
  readonly aMethod = async (more: object = {}) => {
    const { access_method_ids } = await this.aGrant(more);
    return { access_method_id: access_method_ids[0] ?? '' };
  };
  readonly anEvent = () => {
    const { eventId } = this.gateway.happen({ eventType: 'device.connected', deviceId: device_id });
    return { event_id: eventId };
  };
  readonly aWebhook = () =>
    this.seam.webhooks.create({ url: 'https://example.com/hook', event_types: ['lock.locked'] });
  readonly setAside = () => this.seam.devices.update({ device_id, is_managed: false });

  /** Made to happen to a device that is played, and to none that is not. */
  readonly simulated = async (event: string, asked: PromiseLike<unknown>): Promise<void> => {
    await expect(asked).rejects.toMatchObject({ code: 'unsupported_action', statusCode: 400 });
    this.gateway.sandbox.played.add(device_id);
    expect(await this.seam.devices.get({ device_id })).toMatchObject({ can_simulate_connection: true });
    await this.seam.client.post(`/devices/simulate/${event}`, { device_id });
    expect(this.gateway.sandbox.happened).toEqual([event]);
  };
}
