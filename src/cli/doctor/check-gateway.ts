import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { z } from 'zod';
import type { GatewayTarget } from '../../config/load.ts';
import type { ApiConnection } from '../api-connection.ts';
import { CommandError } from '../exit.ts';
import { devicesPage } from '../wire.ts';
import { renewal } from './check-files.ts';
import { bad, type Finding, ok, quoted, warning } from './finding.ts';
import type { Patient } from './patient.ts';
import type { Listener, Surroundings } from './surroundings.ts';

const ANSWER_PATIENCE_MS = 5_000;
const NOTICE_DAYS = 21;
const DAY_MS = 86_400_000;

/** Whether the gateway runs, and if not, who has its port. */
export async function checkPort({ target, config }: Patient, world: Surroundings): Promise<Finding[]> {
  if (target === undefined) return [];
  const found = [await checkListener(target, world)];
  for (const broker of config?.mqtt ?? []) {
    if (broker.kind !== 'embedded' || broker.port === 0) continue;
    const holder = world.listener(broker.port);
    if (holder !== undefined && found[0]?.verdict !== 'ok')
      found.push(held(`port ${broker.port} of the broker ${broker.name}`, holder, 'another port under embedded'));
  }
  return found;
}

async function checkListener(target: GatewayTarget, world: Surroundings): Promise<Finding> {
  const { port } = target.http;
  if (port === 0)
    return warning('port', 'The configuration takes any free port, so that nobody knows where it listens.');
  const health = await askHealth(target);
  if (health === 'ok') return ok('port', `The gateway answers on port ${port}.`);
  if (health === 'not ready')
    return bad(
      'service',
      'The gateway runs and accepts nothing: the disk that holds the state is full.',
      'journalctl --vacuum-size=100M',
    );
  const holder = world.listener(port);
  if (holder !== undefined) return held(`port ${port}`, holder, 'http.port');
  const unit = await world.unit();
  const how = unit === undefined ? '' : ` (systemd: ${unit.state})`;
  return bad(
    'service',
    `The gateway does not run${how}: nobody listens on port ${port}.`,
    'systemctl restart strikeplate',
  );
}

function held(what: string, { name, pid, unit }: Listener, setting: string): Finding {
  const who = name ?? 'another program';
  const run =
    unit !== undefined
      ? `systemctl disable --now ${quoted(unit)}`
      : pid !== undefined
        ? `kill ${pid}`
        : `fuser -k ${what.replace(/\D+/g, '')}/tcp`;
  return bad('port', `${who} has ${what}, and the gateway cannot listen there. Stop it, or set ${setting}.`, run);
}

function askHealth({ http: { host, port, tls } }: GatewayTarget): Promise<'ok' | 'not ready' | 'nobody'> {
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return new Promise((resolve) => {
    const request = (tls === undefined ? http : https).get(
      // It is this machine's own, whatever its certificate says.
      { host: everywhere[host] ?? host, port, path: '/health', timeout: ANSWER_PATIENCE_MS, rejectUnauthorized: false },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => {
          text = (text + part.toString()).slice(0, 1_000);
        });
        response.on('end', () => {
          const isOurs = text.includes('storage_unavailable') || /^\{"ok":true/.test(text);
          if (!isOurs) resolve('nobody');
          else resolve(response.statusCode === 200 ? 'ok' : 'not ready');
        });
        response.on('error', () => resolve('nobody'));
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve('nobody'));
  });
}

/** When the certificate ends, and whether it is for the name that clients use. */
export function checkCertificate({ config }: Patient, now: number): Finding[] {
  const tls = config?.http.tls;
  if (config === undefined || tls === undefined) return [];
  const certificate = new X509Certificate(readFileSync(tls.certFile));
  const days = Math.floor((Date.parse(certificate.validTo) - now) / DAY_MS);
  const { publicUrl, host } = config.http;
  const name = publicUrl !== undefined ? new URL(publicUrl).hostname : host;
  const isForIt = isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name);
  const isEverywhere = ['0.0.0.0', '::'].includes(name);
  return [
    days < NOTICE_DAYS
      ? warning(
          'certificate',
          `The certificate in ${tls.certFile} ends in ${days} days, on ${certificate.validTo}.`,
          renewal(tls.certFile, tls.keyFile),
        )
      : ok('certificate', `The certificate is good until ${certificate.validTo}.`),
    ...(isEverywhere || isForIt !== undefined
      ? []
      : [warning('certificate', `The certificate does not name ${name}: clients refuse it there.`)]),
  ];
}

/** More waiting events than a receiver that is well ever has. A guess. */
const MANY_WAITING = 100;

const webhooks = z.looseObject({ webhooks: z.array(z.looseObject({ webhook_id: z.string(), url: z.string() })) });

/** What the running gateway says of its devices and receivers. */
export async function checkGateway(api: ApiConnection, { version }: Patient): Promise<Finding[]> {
  try {
    const { devices } = await api.get('/devices/list', { limit: '500' }, devicesPage);
    const sick = devices.filter(({ properties }) => properties.strikeplate_metadata.health !== 'online');
    return [
      ...(sick.length === 0 ? [ok('devices', `${devices.length} devices, all online.`)] : []),
      ...sick.map(({ display_name, properties }) => {
        const { slug, health, health_reason } = properties.strikeplate_metadata;
        const hint = hintIn(properties);
        const says = `${display_name} is ${health}${health_reason === null ? '' : ` (${health_reason})`}.${hint === '' ? '' : ` ${hint}`}`;
        return (health === 'misconfigured' ? bad : warning)(
          'devices',
          says,
          `strikeplate attempts list --device ${quoted(slug)}`,
        );
      }),
      ...(await checkWebhooks(api)),
      ...(await checkRunning(api, version)),
    ];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [bad('devices', `The gateway could not be asked: ${error.message}`, 'strikeplate keys list')];
  }
}

const problems = z.looseObject({ strikeplate_metadata: z.looseObject({ health_hint: z.string().nullish() }) });
const hintIn = (properties: unknown) => problems.safeParse(properties).data?.strikeplate_metadata.health_hint ?? '';

async function checkWebhooks(api: ApiConnection): Promise<Finding[]> {
  const { webhooks: receivers } = await api.get('/webhooks/list', {}, webhooks);
  if (receivers.length === 0) return [];
  const waiting = Number(/^strikeplate_webhook_queue (\d+)/m.exec(await api.text('/metrics'))?.[1] ?? 0);
  const [first] = receivers;
  if (waiting < MANY_WAITING || first === undefined)
    return [ok('webhooks', `${receivers.length} receivers, ${waiting} events wait.`)];
  const names = receivers.map(({ url }) => new URL(url).origin).join(', ');
  return [
    warning(
      'webhooks',
      `${waiting} events wait for their receivers (${names}): one of them does not take them.`,
      `curl -sS -o /dev/null -w '%{http_code}\\n' -X POST ${quoted(new URL(first.url).origin)}`,
    ),
  ];
}

/** After an upgrade without a restart what is installed is not what runs. */
async function checkRunning(api: ApiConnection, version: string): Promise<Finding[]> {
  const description = z.looseObject({ info: z.looseObject({ version: z.string() }) });
  const { info } = await api.get('/openapi.json', {}, description);
  if (info.version === version) return [];
  return [
    warning(
      'versions',
      `Strikeplate ${info.version} runs, and ${version} is installed.`,
      'systemctl restart strikeplate',
    ),
  ];
}
