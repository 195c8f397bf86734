import { configJsonSchema } from '../config/json-schema.ts';
import type { Catalogues } from './catalogues.ts';

/** The text of config/gateway.schema.json: everything that this build can be told. */
export async function configSchemaText({ drivers, simulators }: Catalogues): Promise<string> {
  const schema = configJsonSchema(await loadAll(drivers), await loadAll(simulators));
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

async function loadAll<T>(catalogue: Readonly<Record<string, () => Promise<T>>>): Promise<Map<string, T>> {
  const loaded = await Promise.all(Object.entries(catalogue).map(async ([id, load]) => [id, await load()] as const));
  return new Map(loaded);
}
