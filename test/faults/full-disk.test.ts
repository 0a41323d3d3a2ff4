import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send, sendJson, type HowToSend, type Shown } from '../support/api.ts';
import { filesIn } from '../support/folder.ts';
import { bring, expectExactly, expectProblem } from '../support/kept.ts';
import { canMount, mountSmallDisk, type SmallDisk } from '../support/mounts.ts';
import { makePictures, type Pictures } from '../support/pictures.ts';
import { startService, type Service } from '../support/service.ts';
import { until, untilNothing } from '../support/until.ts';

const onSmallDisk = canMount() ? test : test.skip;
const diskBytes = 16 * 1024 * 1024;

let dir: string;
let disk: SmallDisk | undefined;
let service: Service | undefined;
let pictures: Pictures;
let kept: Map<string, Shown>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-full-'));
  kept = new Map();
  pictures = await makePictures('full');
});
afterEach(async () => {
  await service?.kill();
  disk?.unmount();
  disk = undefined;
  await rm(dir, { recursive: true, force: true });
});

describe('A full disk', () => {
  onSmallDisk(
    'refuses uploads with 507, keeps what it took, leaves nothing half, and takes more when there is room (skipped without root)',
    async () => {
      const { url, filler } = await startOnFullDisk();
      await expectRefused(url, 'form');
      await expectRefused(url, 'raw');
      await expectRefused(url, 'slow');
      await expectExactly(url, dataDir(), kept);

      await rm(filler);
      expect((await bring(url, kept, pictures.large())).status).toBe(201);
      expect((await bring(url, kept, pictures.small())).status).toBe(201);
      await expectExactly(url, dataDir(), kept);
    },
    60_000,
  );

  onSmallDisk(
    'filled by uploads themselves keeps all that were acknowledged, also after a restart and without its catalog (skipped without root)',
    async () => {
      const { url } = await start();
      await fillWithUploads(url);
      await expectExactly(url, dataDir(), kept);
      await service!.kill();
      disk!.grow(2 * diskBytes);
      await expectExactly((await startAgain()).url, dataDir(), kept);

      await service!.kill();
      for (const name of await filesIn(dataDir()))
        if (name.startsWith('catalog.db')) await rm(join(dataDir(), name));
      await expectExactly((await startAgain()).url, dataDir(), kept); // all of it was in the journal, too
      expect((await bring(service!.url, kept, pictures.large())).status).toBe(201);
    },
    90_000,
  );

  onSmallDisk(
    'is no obstacle to a restart: what was kept is served, and uploads go on when there is room (skipped without root)',
    async () => {
      await fillWithUploads((await start()).url);
      await disk!.fill(0);
      await service!.kill();
      const { url } = await startAgain();
      await expectExactly(url, dataDir(), kept);
      await expectRefused(url, 'form');
      disk!.grow(2 * diskBytes);
      expect((await bring(url, kept, pictures.large())).status).toBe(201);
    },
    60_000,
  );

  onSmallDisk(
    'takes no edit of which only a part fits into the journal (skipped without root)',
    async () => {
      const { url } = await start({ DATABASE_PATH: join(dir, 'catalog.db') }); // where there is room
      const { id } = (await bring(url, kept, pictures.small())).body as Shown;
      await disk!.fill(0);
      let acknowledged: string | null = null;
      for (let length = 500; length < 10_000; length += 500) {
        const description = 'd'.repeat(length);
        const { status } = await sendJson(url, 'PATCH', `/api/media/${id}`, { description });
        if (status === 200) acknowledged = description;
        else expect(status).toBe(507);
      }
      await service!.kill();
      disk!.grow(2 * diskBytes);
      const again = await startAgain(); // without that catalog: the journal alone must tell
      const { body } = await send(again.url, 'GET', `/api/media/${id}`);
      expect(body.description?.length).toBe(acknowledged?.length);
    },
    60_000,
  );

  onSmallDisk(
    'fails the health check until there is room (skipped without root)',
    async () => {
      const { url, filler } = await startOnFullDisk(0);
      await until('503', async () => (await send(url, 'GET', '/api/health')).status === 503, 10_000);
      const { body } = await send(url, 'GET', '/api/health');
      expect([body.status, body.persistence.writable]).toEqual(['fail', false]);
      await rm(filler);
      await until('200', async () => (await send(url, 'GET', '/api/health')).status === 200, 10_000);
      expect((await send(url, 'GET', '/api/health')).body.persistence.writable).toBe(true);
    },
    60_000,
  );

  onSmallDisk(
    'refuses a backup with 507 and leaves nothing of it, wherever the room ends (skipped without root)',
    async () => {
      const { url } = await start();
      for (let at = 0; at < 5; at++) await bring(url, kept, pictures.small());
      let refused = 0;
      for (let leaveBytes = 0; leaveBytes <= 256 * 1024; leaveBytes += 8 * 1024) {
        const before = await filesIn(join(dataDir(), 'backups'));
        const listed = (await send(url, 'GET', '/api/backups')).body.items.length;
        const filler = await disk!.fill(leaveBytes);
        const answer = await send(url, 'POST', '/api/backup');
        await rm(filler);
        if (answer.status === 201) continue;
        refused += 1;
        expectProblem(answer, 507, 'no-space');
        expect((await send(url, 'GET', '/api/backups')).body.items).toHaveLength(listed);
        await untilNothing(() => newSince(before), 5000); // other copies may have been under way when the first failed
      }
      expect(refused).toBeGreaterThan(3);
      await expectExactly(url, dataDir(), kept);
      const made = await send(url, 'POST', '/api/backup');
      expect(made.status).toBe(201);
      expect((await send(url, 'POST', `/api/backups/${made.body.name}/verify`)).status).toBe(200);
    },
    90_000,
  );
});

const dataDir = () => join(dir, 'data');

async function start(env: Record<string, string> = {}): Promise<Service> {
  disk = mountSmallDisk(dataDir(), diskBytes);
  return startAgain(env);
}

async function startAgain(more: Record<string, string> = {}): Promise<Service> {
  const env = { BACKUP_EVERY: '0', ...more };
  service = await startService({ dataDir: dataDir(), env, logFile: join(dir, 'service.log') });
  return service;
}

/** With a few uploads in it, and then hardly any room. */
async function startOnFullDisk(leaveBytes = 16_000): Promise<{ url: string; filler: string }> {
  const { url } = await start();
  for (let at = 0; at < 5; at++) await bring(url, kept, pictures.small());
  await bring(url, kept, pictures.large());
  return { url, filler: await disk!.fill(leaveBytes) };
}

async function expectRefused(url: string, how: HowToSend['how']): Promise<void> {
  expectProblem(await bring(url, kept, pictures.large(), how), 507, 'no-space');
}

/** Several clients at once, until each has been refused a few times. */
async function fillWithUploads(url: string): Promise<void> {
  const client = async (index: number) => {
    for (let refused = 0; refused < 5;) {
      const answer = await bring(url, kept, index === 0 ? pictures.large() : pictures.small());
      if (answer.status === 201) continue;
      expectProblem(answer, 507, 'no-space');
      refused += 1;
    }
  };
  await Promise.all([0, 1, 2, 3].map(client));
  expect(kept.size).toBeGreaterThan(5);
}

/** Files in backups/ that were not there before; copies of blobs that fitted are of use to the next backup. */
async function newSince(before: readonly string[]): Promise<string[]> {
  const files = await filesIn(join(dataDir(), 'backups'));
  return files.filter(
    (file) => !before.includes(file) && !file.startsWith('blobs/') && !file.includes('/journal/'),
  );
}
