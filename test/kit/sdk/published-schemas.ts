import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

/**
 * The answers and events of the published OpenAPI document (`source` in seam-schemas.json names the package and its
 * version), without descriptions. What has no schema there is judged by the gateway's own description.
 */
interface Published {
  readonly source: string;
  readonly answers: Readonly<Record<string, Schema>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

type Schema = { readonly [keyword: string]: unknown };

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));

/** One way in which something differs from its schema: where, and how, in the words of docs/http-api.md. */
export interface Difference {
  /** The object's kind and the members that lead there: `device.errors.error_code`. */
  readonly at: string;
  readonly how: 'other value' | 'missing' | 'other form';
  /** What was there; never an access code. */
  readonly found: string;
}

/** Compiles schemas as they are asked for: most test files see a few. */
export class PublishedSchemas {
  readonly #published = read('./seam-schemas.json') as Published;
  readonly #own = read('../../../src/http/openapi.json') as OwnDescription;
  readonly #validators = new Map<string, ValidateFunction | undefined>();
  #ajv: Ajv | undefined;

  get source(): string {
    return this.#published.source;
  }

  /** @returns undefined when neither document has the path */
  answer(path: string, body: unknown): readonly Difference[] | undefined {
    const schema = this.#published.answers[path];
    if (schema) return this.#judge(`seam ${path}`, () => converted(schema, 'published'), body, namesIn(schema));
    const own = this.#own.paths[this.#ownPath(path) ?? ''];
    const first = own && Object.values(own)[0]?.responses['200']?.content?.['application/json']?.schema;
    return first && this.#judge(`own ${path}`, () => converted(first, 'own'), body, namesIn(first));
  }

  event(event: Readonly<Record<string, unknown>>): readonly Difference[] | undefined {
    const type = String(event.event_type);
    const variants = (this.#published.components.schemas.event?.oneOf ?? []) as readonly Schema[];
    const schema = variants.find((variant) => typesOf(variant).includes(type));
    return schema && this.#judge(`event ${type}`, () => converted(schema, 'published'), event, new Map(), type);
  }

  #judge(
    key: string,
    schema: () => Schema,
    value: unknown,
    names: ReadonlyMap<string, string>,
    prefix?: string,
  ): readonly Difference[] {
    let validate = this.#validators.get(key);
    if (!validate) {
      this.#ajv ??= this.#newAjv();
      validate = this.#ajv.compile(schema());
      this.#validators.set(key, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).flatMap((error) => differenceOf(error, names, prefix));
  }

  #newAjv(): Ajv {
    const ajv = new Ajv({
      ...{ allErrors: true, strict: false, discriminator: true, verbose: true, validateFormats: true },
      // Each is compiled for a few values: what makes the code itself fast costs more than it saves.
      ...{ inlineRefs: false, code: { optimize: false } },
    });
    ajv.addFormat('date-time', (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text));
    // Test doors and fakes have short ids; the product's are made by one function.
    for (const format of ['uuid', 'uri', 'email', 'float', 'double', 'int32', 'date']) ajv.addFormat(format, true);
    // Each under a name of its own: a part of a larger one is compiled anew for each that refers to it.
    for (const [document, { schemas }] of [
      ['published', this.#published.components],
      ['own', this.#own.components],
    ] as const)
      for (const [name, schema] of Object.entries(schemas))
        ajv.addSchema(converted(schema, document), `${document}:${name}`);
    return ajv;
  }

  #ownPath(path: string): string | undefined {
    return Object.keys(this.#own.paths).find((pattern) =>
      new RegExp(`^${pattern.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );
  }
}

interface OwnDescription {
  readonly paths: Readonly<
    Record<string, Record<string, { responses: Record<string, { content?: Record<string, { schema: Schema }> }> }>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const typesOf = ({ properties }: Schema): readonly string[] =>
  ((properties as Record<string, { enum?: readonly string[] }> | undefined)?.event_type?.enum ?? []) as string[];

/**
 * OpenAPI 3.0 as JSON Schema: `null` belongs to the values of what may be null; several forms are tried by their
 * discriminator, or each in turn.
 */
function converted(schema: unknown, document: string): Schema {
  return convert(schema, document) as Schema;
}

function convert(value: unknown, document: string): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, document));
  if (typeof value !== 'object' || value === null) return value;
  const made: Record<string, unknown> = {};
  for (const [keyword, member] of Object.entries(value)) {
    if (keyword === '$ref') made.$ref = String(member).replace('#/components/schemas/', `${document}:`);
    else if (keyword === 'oneOf' && !('discriminator' in value)) made.anyOf = convert(member, document);
    else if (keyword === 'exclusiveMinimum' && member === true) made.exclusiveMinimum = (value as Schema).minimum;
    else if (keyword === 'enum' && (value as Schema).nullable === true) made.enum = [...(member as unknown[]), null];
    else if (keyword !== 'nullable' || 'type' in value) made[keyword] = convert(member, document);
  }
  return made;
}

/** What kind of object stands under each member of an answer: `devices` holds `device`. */
function namesIn(schema: Schema, prefix = ''): Map<string, string> {
  const names = new Map<string, string>();
  for (const [member, part] of Object.entries((schema.properties ?? {}) as Record<string, Schema>)) {
    const reference = part.$ref ?? (part.items as Schema | undefined)?.$ref;
    // Digits that were chosen and not kept are called like an access code there, and are none.
    if (typeof reference === 'string' && member !== 'generated_code')
      names.set(`${prefix}${member}`, reference.split('/').at(-1) ?? member);
    if (member === 'batch') for (const [inner, name] of namesIn(part, 'batch.')) names.set(inner, name);
  }
  return names;
}

function differenceOf(error: ErrorObject, names: ReadonlyMap<string, string>, prefix?: string): Difference[] {
  const steps = error.instancePath.split('/').filter((step) => step !== '' && !/^\d+$/.test(step));
  const { keyword, params, data } = error;
  // What each form misses is told by the line that says that none fits.
  if (error.schemaPath.includes('/anyOf/')) return [];
  const missing = keyword === 'required' ? [String(params.missingProperty)] : [];
  const tag = keyword === 'discriminator' ? [String(params.tag)] : [];
  const all = [...steps, ...missing, ...tag];
  const depth = all[0] === 'batch' ? 2 : 1;
  const name = names.get(all.slice(0, depth).join('.'));
  const at = [...(prefix === undefined ? [] : [prefix]), ...(name ? [name, ...all.slice(depth)] : all)].join('.');
  const found = keyword === 'discriminator' ? String(params.tagValue) : wordOf(data);
  const how =
    missing.length > 0
      ? 'missing'
      : ['enum', 'discriminator', 'anyOf'].includes(keyword)
        ? 'other value'
        : 'other form';
  return [{ at, how, found }];
}

/** Shows no digits that could be a code. */
function wordOf(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return /\d{4}/.test(value) ? 'a text' : `"${value}"`;
  if (typeof value === 'object' && 'action_type' in value) return `${value.action_type}`;
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** The differences that docs/http-api.md names, as `at` and `how`. */
export function knownDifferences(): ReadonlySet<string> {
  const text = readFileSync(new URL('../../../docs/http-api.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split('### Beside the published schema');
  const rows = [...section.matchAll(/^\| `([a-z_.*]+)` \| (other value|missing|other form) \|/gm)];
  return new Set(rows.map(([, at, how]) => `${at} ${how}`));
}
