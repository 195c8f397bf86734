import { z } from 'zod';
import type { ConfigurableSimulator } from './loaded-config.ts';
import { configSchema } from './schema.ts';
import { type ConfigurableLink, isConfigurableLink, linkSections, peerLinkSections } from './schema-links.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** By id. */
type Owners = ReadonlyMap<string, ConfigurableSimulator & { readonly title?: string }>;

/**
 * The configuration's JSON Schema (2020-12), for editors: made of the same schemas that the gateway validates with,
 * each driver's settings included.
 */
export function configJsonSchema(drivers: Owners, simulators: Owners): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: 'input' });
  const { properties } = schema;
  describeOwners(properties?.devices, 'driver', drivers, linkSections);
  describeOwners(properties?.simulation, 'simulator', simulators, peerLinkSections);
  // A section whose lines are all commented out is one that was left out.
  for (const [name, section] of Object.entries(properties ?? {}))
    if (typeof section === 'object' && section.type !== undefined && !schema.required?.includes(name))
      Object.assign(section, { type: [section.type, 'null'] });
  // Where nothing comes from outside, these are all there are.
  const known = (key: string, owners: Owners) => ({ items: { properties: { [key]: { enum: [...owners.keys()] } } } });
  schema.if = { required: ['drivers'] };
  schema.else = { properties: { devices: known('driver', drivers), simulation: known('simulator', simulators) } };
  return { title: 'Strikeplate gateway configuration', ...schema };
}

/** Says, for each driver (or simulator), what `link` and `settings` beside its name look like. */
function describeOwners(
  list: unknown,
  key: 'driver' | 'simulator',
  owners: Owners,
  links: Readonly<Record<ConfigurableLink, z.ZodObject>>,
): void {
  const entry = (list as JsonSchema).items as JsonSchema;
  const name = (entry.properties as Record<string, JsonSchema>)[key] as JsonSchema;
  name.examples = [...owners.keys()];
  entry.allOf = [...owners].map(([id, owner]) => {
    const settings = inlined(owner.settings);
    const link = isConfigurableLink(owner.link) ? inlined(links[owner.link]) : undefined;
    if (owner.title !== undefined) settings.description ??= owner.title;
    return {
      if: { properties: { [key]: { const: id } }, required: [key] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        properties: { settings, ...(link && { link }) },
        ...((settings.required?.length ?? 0) > 0 && { required: ['settings'] }),
      },
    };
  });
}

function inlined(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
