import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { upload } from './pictures.ts';
import { discard, expectProblem, startService, type Running } from './support.ts';
import { head, openWire } from './wire.ts';

let service: Running;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => discard(service));

describe('Without any key, in development, a request', () => {
  test('straight from this machine may do everything', async () => {
    const media = await upload(service);
    expect((await service.api.delete(`/api/media/${media.id}?purge=true`)).status).toBe(204);
    expect((await service.api.get('/api/keys')).body).toEqual({ items: [] });
    expect((await service.api.get('/api/health')).body).toHaveProperty('catalog');
  });

  test.each([
    ['X-Forwarded-For', '203.0.113.7'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Host', 'example.com'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Real-IP', '203.0.113.7'],
    ['Forwarded', 'for=203.0.113.7'],
    ['Via', '1.1 proxy'],
    ['Origin', 'https://evil.example'],
    ['Origin', 'null'],
    ['Origin', 'http://localhost.evil.example'],
    ['Sec-Fetch-Site', 'cross-site'],
    ['Sec-Fetch-Site', 'same-site'],
  ])('with %s: %s may do nothing', async (name, value) => {
    const res = await service.api.get('/api/media').set(name, value);
    expectProblem(res, 'unauthorized');
    expect(res.body.detail).toContain('ADMIN_KEY');
    expectProblem(await service.api.post('/api/uploads').set(name, value).send('x'), 'unauthorized');
    expect((await service.api.get('/api/health').set(name, value)).body).not.toHaveProperty('catalog');
  });

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '0.0.0.0',
    '10.0.0.1',
    'localhost:3000@evil',
    '',
  ])('to the host %j may do nothing: a name can be made to lead here', async (host) => {
    const wire = await openWire(service.port);
    wire.send(head('GET /api/media', { Host: host, Connection: 'close' }));
    expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 401 /);
    await wire.end();
  });

  test.each(['localhost', 'LOCALHOST:3000', '127.0.0.1:8080', '[::1]:3000'])(
    'to the host %s may',
    async (host) => {
      const wire = await openWire(service.port);
      wire.send(head('GET /api/media', { Host: host, Connection: 'close' }));
      expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 200 /);
      await wire.end();
    },
  );

  test('from a page of this very service may', async () => {
    const own = { Origin: service.url, 'Sec-Fetch-Site': 'same-origin' };
    expect((await service.api.get('/api/media').set(own)).status).toBe(200);
  });

  test('with a wrong key may do nothing, as its sender means to have one', async () => {
    expectProblem(await service.as('wrong').get('/api/media'), 'unauthorized');
  });
});

test('From the first key on a key is needed, and after the last was revoked it is not', async () => {
  const { body } = await service.api.post('/api/keys').send({ name: 'first', scopes: ['admin'] });
  expectProblem(await service.api.get('/api/media'), 'unauthorized');
  const admin = service.as(body.key);
  expect((await admin.get('/api/media')).status).toBe(200);
  expect((await admin.delete(`/api/keys/${body.id}`)).status).toBe(204);
  expect((await service.api.get('/api/media')).status).toBe(200);
});

test('In production a key is needed even when there is none', async () => {
  const production = await startService({ NODE_ENV: 'production' });
  try {
    expectProblem(await production.api.get('/api/media'), 'unauthorized');
    expect((await production.as(production.holdfast.localKey).get('/api/media')).status).toBe(200);
  } finally {
    await discard(production);
  }
});
