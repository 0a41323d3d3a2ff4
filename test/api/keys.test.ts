import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adminKey, discard, expectProblem, filesIn, startService, type Running } from './support.ts';

let service: Running;

beforeAll(async () => {
  service = await startService({ ADMIN_KEY: adminKey });
});
afterAll(() => discard(service));

const add = (body: object) => service.api.post('/api/keys').send(body);
const shown = async (id: string) =>
  (await service.api.get('/api/keys')).body.items.find((key: { id: string }) => key.id === id) as Record<
    string,
    unknown
  >;

describe('POST /api/keys', () => {
  test('makes a key and shows it this one time', async () => {
    const res = await add({
      name: 'phone',
      scopes: ['upload', 'read'],
      expiresAt: '2099-01-31T12:00:00+01:00',
    });
    expect(res.status).toBe(201);
    expect(res.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(res.body).toEqual({
      id: expect.stringMatching(/^key_/),
      name: 'phone',
      scopes: ['upload', 'read'],
      createdAt: expect.stringMatching(/Z$/),
      expiresAt: '2099-01-31T11:00:00.000Z',
      key: expect.stringMatching(/^hf_[0-9a-z]{40}$/),
    });
    expect(await shown(res.body.id)).toEqual({ ...res.body, key: undefined, lastUsedAt: null });
  });

  test('keeps nothing from which the key could be told', async () => {
    const { key } = (await add({ name: 'secret', scopes: ['read'] })).body;
    await service.api.post('/api/backup');
    for (const file of await filesIn(service.dir)) {
      const content = await readFile(join(service.dir, file)).catch(() => Buffer.alloc(0));
      expect({ file, found: content.includes(key) }).toEqual({ file, found: false });
    }
    expect(JSON.stringify(service.log)).not.toContain(key);
  });

  test.each<[object, string]>([
    [{ scopes: ['read'] }, 'name'],
    [{ name: '', scopes: ['read'] }, 'name'],
    [{ name: 'x'.repeat(101), scopes: ['read'] }, 'name'],
    [{ name: 'a\u0007', scopes: ['read'] }, 'name'],
    [{ name: 'x' }, 'scopes'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: ['root'] }, 'scopes.0'],
    [{ name: 'x', scopes: 'read' }, 'scopes'],
    [{ name: 'x', scopes: ['read'], expiresAt: 'soon' }, 'expiresAt'],
    [{ name: 'x', scopes: ['read'], expiresAt: 5 }, 'expiresAt'],
    [{ name: 'x', scopes: ['read'], key: 'mine' }, 'key'],
  ])('refuses %j and names the member', async (body, member) => {
    const res = await add(body);
    expectProblem(res, 'malformed');
    expect(JSON.stringify(res.body.wrong)).toContain(member);
  });

  test('without a body is refused', async () => {
    expectProblem(await service.api.post('/api/keys'), 'malformed');
  });
});

describe('A key', () => {
  test('says when it was last used', async () => {
    const { id, key } = (await add({ name: 'used', scopes: ['read'] })).body;
    const before = Date.now();
    await service.as(key).get('/api/media');
    expect(Date.parse(String((await shown(id))['lastUsedAt']))).toBeGreaterThanOrEqual(before);
  });

  test('that has expired opens nothing', async () => {
    const expired = (await add({ name: 'old', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' })).body;
    expectProblem(await service.as(expired.key).get('/api/media'), 'unauthorized');
    expect(await shown(expired.id)).toMatchObject({ expiresAt: '2020-01-01T00:00:00.000Z' });
  });

  test('opens nothing from the moment it is revoked, and after a restart', async () => {
    const [revoked, kept] = [
      (await add({ name: 'a', scopes: ['read'] })).body,
      (await add({ name: 'b', scopes: ['read'] })).body,
    ];
    expect((await service.as(revoked.key).get('/api/media')).status).toBe(200);
    const res = await service.api.delete(`/api/keys/${revoked.id}`);
    expect({ status: res.status, text: res.text }).toEqual({ status: 204, text: '' });
    expectProblem(await service.as(revoked.key).get('/api/media'), 'unauthorized');
    expect(await shown(revoked.id)).toBeUndefined();
    expectProblem(await service.api.delete(`/api/keys/${revoked.id}`), 'not-found');
    await service.stop();
    service = await startService({ ADMIN_KEY: adminKey }, service.dir);
    expectProblem(await service.as(revoked.key).get('/api/media'), 'unauthorized');
    expect((await service.as(kept.key).get('/api/media')).status).toBe(200);
  });

  test('that does not exist cannot be revoked', async () => {
    for (const id of ['key_x', '..%2f..', '%00', 'admin'])
      expectProblem(await service.api.delete(`/api/keys/${id}`), 'not-found');
  });
});

test('ADMIN_KEY opens everything and is in no list', async () => {
  const { body } = await service.api.get('/api/keys');
  expect(JSON.stringify(body)).not.toContain(adminKey);
  expect(body.items.map(({ id }: { id: string }) => id)).not.toContain('admin');
});
