import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { upload } from './pictures.ts';
import { adminKey, discard, expectProblem, startService, type Running } from './support.ts';

let service: Running;
let anonymous: Running['api'];

beforeAll(async () => {
  service = await startService({ ADMIN_KEY: adminKey, BACKUP_CRON: '0 3 * * *' });
  anonymous = service.as(null);
});
afterAll(() => discard(service));

describe('GET /api/health', () => {
  test('tells an anonymous caller what a monitor needs and no more', async () => {
    await upload(service);
    const res = await anonymous.get('/api/health');
    expect(res.status).toBe(200);
    expect(res.headers['cache-control']).toBe('no-store');
    expect(res.body).toEqual({
      status: expect.stringMatching(/^(ok|warn)$/),
      persistence: { writable: true, durable: expect.any(String), warning: res.body.persistence.warning },
      version: '0.0.0-test',
    });
    expect(['disk', 'volume', 'vault', 'database', 'ephemeral', 'unknown']).toContain(
      res.body.persistence.durable,
    );
  });

  test('tells a caller with a key everything, and the numbers are those of the library', async () => {
    const media = await upload(service);
    const backup = (await service.api.post('/api/backup')).body;
    const { body } = await service.api.get('/api/health');
    expect(body).toMatchObject({
      persistence: {
        writable: true,
        durable: expect.any(String),
        platform: expect.any(String),
        freeBytes: expect.any(Number),
        durability: 'disk',
      },
      catalog: { engine: 'sqlite', media: backup.media, bytes: backup.bytes },
      backup: {
        last: backup,
        nextAt: expect.stringMatching(/T\d\d:00:00\.000Z$/),
        uploadsSince: 0,
        every: 0,
      },
      vaults: [{ name: 'local', reachable: true, pendingChanges: 0 }],
      drill: null,
      jobs: { waiting: 0, running: 0, failed: 0 },
      version: '0.0.0-test',
      uptimeSeconds: expect.any(Number),
    });
    expect(body.persistence).toHaveProperty('warning');
    expect(Object.keys(body.vaults[0]).sort()).toEqual([
      'lagSeconds',
      'name',
      'pendingBytes',
      'pendingChanges',
      'reachable',
    ]);
    await service.api.delete(`/api/media/${media.id}?purge=true`);
    expect((await service.api.get('/api/health')).body.catalog.media).toBe(backup.media - 1);
  });

  test('counts uploads since the last backup, and what the vault has not got yet', async () => {
    await service.api.post('/api/backup');
    await upload(service);
    await upload(service);
    const { body } = await service.api.get('/api/health');
    expect(body.backup.uploadsSince).toBe(2);
    expect(body.vaults[0].pendingChanges).toBe(2);
  });

  test('answers HEAD, and no other method', async () => {
    expect((await anonymous.head('/api/health')).status).toBe(200);
    for (const path of ['/api/health', '/api/live', '/api/ready']) {
      const res = await anonymous.post(path);
      expectProblem(res, 'method-not-allowed');
      expect(res.headers['allow']).toBe('GET, HEAD');
    }
  });

  test('is fail with 503 when uploads cannot be kept, and ok again when they can', async () => {
    const broken = await startService();
    const uploads = join(broken.dir, 'uploads');
    try {
      await rename(uploads, `${uploads}-away`);
      const res = await broken.api.get('/api/health');
      expect(res.status).toBe(503);
      expect(res.body).toMatchObject({ status: 'fail', persistence: { writable: false } });
      expect(res.text).not.toContain(broken.dir);
      const stranger = await broken.as(null).get('/api/health').set('X-Forwarded-For', '203.0.113.1');
      expect(stranger.body).toMatchObject({ status: 'fail', persistence: { writable: false } });
      expect(stranger.body).not.toHaveProperty('failure');
    } finally {
      await rename(`${uploads}-away`, uploads);
      await discard(broken);
    }
  });

  test('is warn with 200 while damaged bytes are known that cannot be healed', async () => {
    const media = await upload(service);
    await writeFile(join(service.dir, 'uploads', media.sha256[0]!, media.sha256), 'damaged');
    expectProblem(await service.api.get(media.url), 'damaged');
    const { status, body } = await service.api.get('/api/health');
    expect({ status, is: body.status }).toEqual({ status: 200, is: 'warn' });
    expect(body.warnings.join(' ')).toContain(media.sha256);
  });
});

describe('/api/live and /api/ready', () => {
  test('say ok while it serves', async () => {
    for (const path of ['/api/live', '/api/ready']) {
      const res = await anonymous.get(path);
      expect({ status: res.status, body: res.body }).toEqual({ status: 200, body: { status: 'ok' } });
    }
  });

  test('while it recovers it lives, is not ready, and everything else is 503 with Retry-After', async () => {
    service.pretend('recovering');
    try {
      expect((await anonymous.get('/api/live')).status).toBe(200);
      expect((await anonymous.get('/api/ready')).status).toBe(503);
      const health = await anonymous.get('/api/health');
      expect(health.status).toBe(503);
      expect(health.body).toMatchObject({
        status: 'fail',
        persistence: { writable: false, durable: 'unknown' },
      });
      const calls = [
        () => anonymous.post('/api/uploads').attach('file', Buffer.from('x'), 'x.jpg'),
        () => anonymous.get('/api/media'),
        () => anonymous.get('/media/x'),
        () => anonymous.post('/api/backup'),
        () => anonymous.post('/api/restore/latest'),
        () => anonymous.get('/api/keys'),
      ];
      for (const call of calls) {
        const res = await call();
        expectProblem(res, 'recovering');
        expect(Number(res.headers['retry-after'])).toBeGreaterThan(0);
      }
    } finally {
      service.pretend('serving');
    }
  });

  test('while it stops it is not ready and asks each client to go', async () => {
    service.pretend('stopping');
    try {
      expect((await anonymous.get('/api/ready')).status).toBe(503);
      const res = await anonymous.get('/api/live');
      expect(res.status).toBe(200);
      expect(res.headers['connection']).toBe('close');
    } finally {
      service.pretend('serving');
    }
  });
});
