// The OpenAPI documents hold every route that a service answers, and are what OpenAPI 3.1 says they are. That the files are
// up to date is seen to in docs.test.ts.
import type { RouteOptions } from 'fastify';
import { expect, test } from 'vitest';
import {
  documents,
  openApiDocuments,
  type Operation,
  pathOf,
  type ServedRoutes,
  withServers,
} from '../docs/openapi.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'patch'];

test('routes are documented, or refuse', async () => {
  await withServers(async (servers) => {
    const made = openApiDocuments(servers, '1');
    for (const [file, { service, has }] of Object.entries(documents)) {
      const served = servers.get(service)!;
      const asked = served.routes.flatMap(({ url, method }) =>
        has(url) ? [method].flat().map((each) => ({ url, method: each })) : [],
      );
      expect(asked.length).toBeGreaterThan(20);
      for (const { url, method } of asked) {
        // What a HEAD answers is what a GET does, and what an OPTIONS, which methods there are.
        if (method === 'HEAD' || method === 'OPTIONS') continue;
        if (made[file]!.paths[pathOf(url)]?.[method.toLowerCase()] !== undefined) continue;
        expect({ url, method, status: await statusOf(served, method, url) }).toEqual({
          url,
          method,
          status: 'refused',
        });
      }
    }
  });
});

async function statusOf({ app }: ServedRoutes, method: string, url: RouteOptions['url']): Promise<string> {
  const path = pathOf(url).replace(/\{\w+\}|\*/g, 'x');
  const { statusCode } = await app.inject({
    method: method as 'GET',
    url: path,
    ...(path.startsWith('/connectors/') ? { payload: [] } : {}),
  });
  return statusCode >= 400 && statusCode < 500 ? 'refused' : String(statusCode);
}

test('documents are OpenAPI 3.1', async () => {
  const made = await withServers(async (servers) => openApiDocuments(servers, '1.2.3'));
  for (const { openapi, info, servers, paths } of Object.values(made)) {
    expect(openapi).toMatch(/^3\.1\.\d+$/);
    expect(info.title).not.toBe('');
    expect(info.version).toBe('1.2.3');
    for (const { url } of servers) expect(URL.canParse(url)).toBe(true);
    const operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
    );
    expect(operations.length).toBeGreaterThan(20);
    // Paths that differ only in the names of what varies would be the same.
    const shapes = Object.keys(paths).map((path) => path.replace(/\{\w+\}/g, '{}'));
    expect(new Set(shapes).size).toBe(shapes.length);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, method, operation } of operations) verifyOperation(path, method, operation);
  }
});

function verifyOperation(path: string, method: string, operation: Operation): void {
  const { summary, parameters = [], requestBody, responses } = operation;
  expect(path).toMatch(/^\/(?:[^{}?#]|\{\w+\})*$/);
  expect(METHODS).toContain(method);
  expect(summary).toMatch(/^[A-Z].*\.$/);
  const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
  expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  const names = parameters.map(({ name, in: place }) => `${place} ${name}`);
  expect(new Set(names).size).toBe(names.length);
  for (const { schema } of parameters) expect(Object.keys(schema)).toContain('type');
  if (requestBody !== undefined) expect(Object.keys(requestBody.content).length).toBeGreaterThan(0);
  expect(Object.keys(responses).filter((status) => !/^[1-5]\d\d$|^default$/.test(status))).toEqual([]);
  for (const { description } of Object.values(responses)) expect(description).not.toBe('');
}
