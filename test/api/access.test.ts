import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { scopes, type Scope } from '../../src/core/key.ts';
import { upload } from './pictures.ts';
import { adminKey, discard, expectProblem, startService, type Running } from './support.ts';

type Method = 'get' | 'post' | 'patch' | 'delete';

/** Every route that needs a key, and the scope that opens it. Ids that do not exist: who may not must not learn even that. */
const nobody = '0'.repeat(26);
const backup = 'backup-2026-01-31T12-00-00-000Z';
const routes: [Method, string, Scope][] = [
  ['post', '/api/uploads', 'upload'],
  ['get', '/api/media', 'read'],
  ['get', `/api/media/${nobody}`, 'read'],
  ['post', `/api/media/${nobody}/sign`, 'read'],
  ['get', `/media/${nobody}`, 'read'],
  ['get', `/media/${nobody}/thumb`, 'read'],
  ['patch', `/api/media/${nobody}`, 'manage'],
  ['delete', `/api/media/${nobody}`, 'manage'],
  ['delete', `/api/media/${nobody}?purge=true`, 'manage'],
  ['post', `/api/media/${nobody}/untrash`, 'manage'],
  ['get', '/api/backups', 'backup'],
  ['get', `/api/backups/${backup}`, 'backup'],
  ['delete', `/api/backups/${backup}`, 'backup'],
  ['post', `/api/backups/${backup}/verify`, 'backup'],
  ['post', '/api/backup', 'backup'],
  ['post', `/api/restore/${backup}`, 'backup'],
  ['post', '/api/restore', 'backup'],
  ['get', '/api/keys', 'admin'],
  ['post', '/api/keys', 'admin'],
  ['delete', '/api/keys/key_nobody', 'admin'],
];

let service: Running;
const apis = {} as Record<Scope, Running['api']>;

beforeAll(async () => {
  service = await startService({ ADMIN_KEY: adminKey });
  for (const scope of scopes) {
    const { body } = await service.api.post('/api/keys').send({ name: scope, scopes: [scope] });
    apis[scope] = service.as(body.key);
  }
});
afterAll(() => discard(service));

describe.each(routes)('%s %s', (method, path, needed) => {
  test.each(scopes)(`with a key for %s`, async (scope) => {
    const res = await apis[scope][method](path);
    if (scope === needed || scope === 'admin') expect([401, 403]).not.toContain(res.status);
    else {
      expectProblem(res, 'forbidden');
      expect(res.body.detail).toContain(needed);
      expect(res.headers['www-authenticate']).toBeUndefined();
    }
  });

  test('without a key is 401, and says how to send one', async () => {
    const res = await service.as(null)[method](path);
    expectProblem(res, 'unauthorized');
    expect(res.headers['www-authenticate']).toMatch(/^Bearer\b/);
  });

  test('with a key that opens nothing is 401', async () => {
    for (const header of [
      'Bearer hf_unknown',
      'Bearer',
      'Basic dXNlcjpwYXNz',
      `Bearer ${adminKey}x`,
      'Bearer a b',
      adminKey,
    ]) {
      const res = await service.as(null)[method](path).set('Authorization', header);
      expectProblem(res, 'unauthorized');
    }
  });
});

test('A key with several scopes opens what each of them opens', async () => {
  const { body } = await service.api.post('/api/keys').send({ name: 'phone', scopes: ['upload', 'read'] });
  const api = service.as(body.key);
  const media = await upload({ api });
  expect((await api.get(media.url)).status).toBe(200);
  expectProblem(await api.delete(`/api/media/${media.id}`), 'forbidden');
});

test('The scheme of the header is taken in any case', async () => {
  const res = await service.as(null).get('/api/media').set('Authorization', `bearer ${adminKey}`);
  expect(res.status).toBe(200);
});

test('Health tells everything to any key, and little to none', async () => {
  expect((await apis.upload.get('/api/health')).body).toHaveProperty('catalog');
  expect((await service.as(null).get('/api/health')).body).not.toHaveProperty('catalog');
});
