import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { fakeOwnServices } from '../../test/kit/gateway/fake-own-services.ts';
import { httpFixture } from '../../test/kit/gateway/http-fixture.ts';
import { answeredErrors, describeApi, errorStatuses } from '../../test/kit/sdk/describe-api.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { methodsOf } from './route.ts';
import { gatewayRoutes } from './routes/index.ts';

interface Tag {
  readonly name: string;
  readonly description: string;
}

interface ErrorResponse {
  readonly content: {
    readonly 'application/json': {
      readonly examples: Record<string, { readonly value: { readonly error: { readonly message: string } } }>;
    };
  };
}

const routes = gatewayRoutes(new SimulatedClock(), fakeOwnServices());

describe('the API description', () => {
  // A change of a route changes the file: `npx vitest run src/http/openapi.test.ts -u` writes it anew.
  test('is what the routes say', async () => {
    const description = `${JSON.stringify(await describeApi(routes), undefined, 2)}\n`;
    await expect(description).toMatchFileSnapshot('./openapi.json');
  });

  test('is served to anybody, with this gateway’s version', async () => {
    const { server, gateway: served } = httpFixture();
    const answer = await server.inject({ method: 'GET', url: '/openapi.json' });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.json().info).toMatchObject({ title: 'Strikeplate', version: served.identity.version });
  });

  test('is without fault to a strict validator, with a server, a word on each tag and each error by its name', async () => {
    const { server } = httpFixture();
    const description = (await server.inject({ method: 'GET', url: '/openapi.json' })).json();
    const validator = new Validator();
    expect(await validator.validate(structuredClone(description))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(description.servers).toMatchObject([{ url: '/' }]);
    const described = new Map(description.tags.map(({ name, description: words }: Tag) => [name, words]));
    const used = new Set<string>();
    for (const operations of Object.values<Record<string, { tags?: string[] }>>(description.paths))
      for (const { tags = [] } of Object.values(operations)) for (const tag of tags) used.add(tag);
    expect([...used].filter((tag) => !described.get(tag))).toEqual([]);
    const named = Object.values<ErrorResponse>(description.components.responses).flatMap(({ content }) =>
      Object.entries(content['application/json'].examples).map(([type, { value }]) => [type, value.error.message]),
    );
    expect(named.map(([type]) => type).sort()).toEqual(answeredErrors.map(([type]) => type).sort());
    for (const [, message] of named) expect(message).not.toBe('');
  });

  // Written anew by STRIKEPLATE_API_EXAMPLES=file npx vitest run test/scenarios/seam-routes.test.ts
  test('has an example of each route, from a run, that is as the route says', async () => {
    const { server } = httpFixture();
    const description = (await server.inject({ method: 'GET', url: '/openapi.json' })).json();
    const { examples } = description.components;
    const without = routes.flatMap(({ path, answer }) => {
      const example = examples[path.slice(1).replaceAll('/', '.').replace(':', '')];
      if (example === undefined) return [path];
      expect(
        answer()
          .extend({ ok: z.literal(true) })
          .parse(example.value),
      ).toEqual(example.value);
      return [];
    });
    expect(without.filter((path) => path !== '/strikeplate/onboarding/answer')).toEqual([]);
    const references = [...JSON.stringify(description).matchAll(/"#\/components\/(examples|responses)\/([\w.]+)"/g)];
    for (const [, kind = '', name = ''] of references) expect(description.components[kind]).toHaveProperty([name]);
  });

  test('has every route under every method, and every reference leads somewhere', async () => {
    const { server } = httpFixture();
    const description = (await server.inject({ method: 'GET', url: '/openapi.json' })).json();
    for (const { path, kind } of routes) {
      const operations = description.paths[path.replace(/:(\w+)/, '{$1}')];
      expect(Object.keys(operations).sort()).toEqual(methodsOf[kind].map((method) => method.toLowerCase()).sort());
      for (const operation of Object.values<{ responses: object }>(operations))
        expect(Object.keys(operation.responses)).toEqual(['200', ...errorStatuses.map(String), 'default']);
    }
    const references = [...JSON.stringify(description).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    expect(new Set(references)).toEqual(new Set(Object.keys(description.components.schemas)));
    expect(description.components.schemas).toHaveProperty('action_attempt');
    const ids = Object.values<Record<string, { operationId?: string }>>(description.paths).flatMap((operations) =>
      Object.values(operations).flatMap(({ operationId }) => operationId ?? []),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});
