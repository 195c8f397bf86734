import { describe, expect, test } from 'vitest';
import { describeApi } from '../../test/kit/describe-api.ts';
import { fakeOwnServices } from '../../test/kit/fake-own-services.ts';
import { httpFixture } from '../../test/kit/http-fixture.ts';
import { SimulatedClock } from '../../test/kit/simulated-clock.ts';
import { methodsOf } from './route.ts';
import { gatewayRoutes } from './routes/index.ts';

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

  test('has every route under every method, and every reference leads somewhere', async () => {
    const { server } = httpFixture();
    const description = (await server.inject({ method: 'GET', url: '/openapi.json' })).json();
    for (const { path, kind } of routes) {
      const operations = description.paths[path.replace(/:(\w+)/, '{$1}')];
      expect(Object.keys(operations).sort()).toEqual(methodsOf[kind].map((method) => method.toLowerCase()).sort());
      for (const operation of Object.values<{ responses: object }>(operations))
        expect(Object.keys(operation.responses)).toEqual(['200', 'default']);
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
