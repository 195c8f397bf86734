import { z } from 'zod';
import type { ApiConnection } from '../api-connection.ts';
import { CommandError } from '../exit.ts';
import { devicesPage } from '../wire.ts';
import { bad, type Finding, ok, quoted, warning } from './finding.ts';
import type { Patient } from './patient.ts';

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
