import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send, type Shown } from '../support/api.ts';
import { filesIn } from '../support/folder.ts';
import { bring, expectExactly, expectProblem } from '../support/kept.ts';
import { canMount, canRun, mountSmallDisk, run, type SmallDisk } from '../support/mounts.ts';
import { makePictures, type Pictures } from '../support/pictures.ts';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const onSmallDisk = canMount() ? test : test.skip;
const withLockedFiles = canRun('chattr', '-i', tmpdir()) ? test : test.skip;

let dir: string;
let dataDir: string;
let disk: SmallDisk | undefined;
let service: Service | undefined;
let pictures: Pictures;
let kept: Map<string, Shown>;
let env: Record<string, string>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-catalog-'));
  dataDir = join(dir, 'data');
  env = { BACKUP_EVERY: '0' };
  kept = new Map();
  pictures = await makePictures('catalog');
});
afterEach(async () => {
  await service?.kill();
  disk?.unmount();
  disk = undefined;
  await rm(dir, { recursive: true, force: true });
});

describe('A catalog that cannot be written', () => {
  onSmallDisk(
    'as its own disk is full refuses uploads with 507 and works again by itself (skipped without root)',
    async () => {
      disk = mountSmallDisk(join(dir, 'catalog'), 4 * 1024 * 1024);
      env['DATABASE_PATH'] = join(disk.dir, 'catalog.db');
      const { url } = await startWithUploads();
      const filler = await disk.fill(0);
      for (const how of ['form', 'raw', 'slow'] as const)
        expectProblem(await bring(url, kept, pictures.large(), how), 507, 'no-space');
      await expectFailing(url);
      await rm(filler);
      await expectWorking(url);
    },
    60_000,
  );

  withLockedFiles(
    'as the disk refuses to refuses uploads with 503 and works again by itself (skipped without root and chattr)',
    async () => {
      const { url } = await startWithUploads();
      const files = ['catalog.db', 'catalog.db-wal'].map((name) => join(dataDir, name));
      run('chattr', '+i', ...files);
      try {
        for (const how of ['form', 'raw', 'slow'] as const)
          expectProblem(await bring(url, kept, pictures.large(), how), 503, 'unavailable');
        await expectFailing(url);
      } finally {
        run('chattr', '-i', ...files);
      }
      await expectWorking(url);
    },
    60_000,
  );
});

describe('A catalog on a disk of its own', () => {
  onSmallDisk(
    'is rebuilt when it is lost, and replaced by a restore (skipped without root)',
    async () => {
      disk = mountSmallDisk(join(dir, 'catalog'), 8 * 1024 * 1024);
      env['DATABASE_PATH'] = join(disk.dir, 'catalog.db');
      const { url } = await startWithUploads();
      const backup = await send(url, 'POST', '/api/backup');
      const backedUp = new Map(kept);
      await bring(url, kept, pictures.small());
      for (const name of await filesIn(disk.dir)) await rm(join(disk.dir, name));
      await restart();
      await expectExactly(service!.url, dataDir, kept);

      const restored = await send(service!.url, 'POST', `/api/restore/${backup.body.name}`);
      expect([restored.status, restored.body.restored]).toEqual([200, backup.body.name]);
      await expectExactly(service!.url, dataDir, backedUp);
      await restart();
      await expectExactly(service!.url, dataDir, backedUp);
    },
    60_000,
  );
});

describe('A catalog that is removed under a running service', () => {
  test.each([
    ['before any backup', 0],
    ['when the journal no longer reaches back to the first upload', 4],
  ])(
    '%s makes it refuse uploads, and loses nothing',
    async (_when, backups) => {
      const { url } = await startWithUploads();
      for (let made = 0; made < backups; made++) {
        expect((await send(url, 'POST', '/api/backup')).status).toBe(201);
        expect((await bring(url, kept, pictures.small())).status).toBe(201);
      }
      for (const name of ['catalog.db', 'catalog.db-wal', 'catalog.db-shm']) await rm(join(dataDir, name));
      expectProblem(await bring(url, kept, pictures.small()), 503, 'unavailable');
      for (let more = 0; more < 5; more++) {
        const { status } = await bring(url, kept, pictures.small()); // a 201 is remembered, and must then hold
        expect([201, 503]).toContain(status);
      }
      await restart();
      await expectExactly(service!.url, dataDir, kept);
    },
    60_000,
  );
});

async function startWithUploads(): Promise<Service> {
  service = await startService({ dataDir, env, logFile: join(dir, 'service.log') });
  for (let at = 0; at < 5; at++) await bring(service.url, kept, pictures.small());
  expect(kept.size).toBe(5);
  return service;
}

async function restart(): Promise<void> {
  await service!.kill();
  service = await startService({ dataDir, env, logFile: join(dir, 'service.log') });
}

async function expectFailing(url: string): Promise<void> {
  await until('503', async () => (await send(url, 'GET', '/api/health')).status === 503, 10_000);
  const { body } = await send(url, 'GET', '/api/health');
  expect([body.status, body.persistence.writable]).toEqual(['fail', false]);
}

/** Without a restart, and after one: exactly what was acknowledged is there, before the fault and after it. */
async function expectWorking(url: string): Promise<void> {
  expect((await bring(url, kept, pictures.small())).status).toBe(201);
  await until('200', async () => (await send(url, 'GET', '/api/health')).status === 200, 10_000);
  await expectExactly(url, dataDir, kept);
  await restart();
  await expectExactly(service!.url, dataDir, kept);
}
