import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RestoreStep } from '../../src/backups/restore.ts';
import { bytesOf, listAll, send, sendJson, upload, type Shown } from '../support/api.ts';
import { differences } from '../support/face.ts';
import { litterIn } from '../support/folder.ts';
import { makePictures, sha256 } from '../support/pictures.ts';
import { startService, type Service } from '../support/service.ts';
import { untilNothing } from '../support/until.ts';

type Listed = ReadonlyMap<string, Shown>;

let dir: string;
let before: Listed;
let backup: { name: string; listed: Listed };
let service: Service | undefined;
let copies = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-restore-'));
  await prepare(join(dir, 'prepared'));
});
afterEach(() => service?.kill());
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('A restore that is killed', () => {
  const stepsBeforeTheCommit: RestoreStep[] = ['safety-backup', 'first-snapshot', 'begin-timeline'];
  test.each(stepsBeforeTheCommit)('before %s shows the old state', async (step) => {
    const dataDir = await dieBefore(step);
    await expectState(dataDir, before);
  });

  const stepsAfterTheCommit: RestoreStep[] = ['replace-catalog', 'done'];
  test.each(stepsAfterTheCommit)('before %s shows the new state', async (step) => {
    const dataDir = await dieBefore(step);
    await expectState(dataDir, backup.listed);
  });

  test.each([
    ['the WAL', ['catalog.db-wal', 'catalog.db-shm']],
    ['the whole catalog', ['catalog.db-wal', 'catalog.db-shm', 'catalog.db']],
  ])('when %s was moved aside shows the new state', async (_what, moved) => {
    const dataDir = await dieBefore('replace-catalog');
    for (const name of moved)
      await rename(join(dataDir, name), join(dir, `${name}-${copies}`)).catch(onlyIfThere);
    await expectState(dataDir, backup.listed);
  });

  test('before the commit can be repeated, and undone', async () => {
    const dataDir = await dieBefore('begin-timeline');
    const { url } = await start(dataDir);
    const restored = await send(url, 'POST', `/api/restore/${backup.name}`);
    expect(restored.status).toBe(200);
    expect(differences(backup.listed, await listAll(url))).toEqual([]);
    expect((await send(url, 'POST', `/api/restore/${restored.body.previous}`)).status).toBe(200);
    expect(differences(before, await listAll(url))).toEqual([]);
  });
});

/** A library that has changed in every way since its backup, at rest. */
async function prepare(dataDir: string): Promise<void> {
  const { url, stop } = await start(dataDir);
  const pictures = await makePictures('restore');
  const bring = async (count: number) => {
    for (let at = 0; at < count; at++)
      await upload(url, [{ ...pictures.small(), name: `${at}.jpg` }], { how: 'form' });
  };
  await bring(12);
  const made = await send(url, 'POST', '/api/backup');
  backup = { name: made.body.name, listed: await listAll(url) };
  const [purged, trashed, edited] = [...backup.listed.keys()];
  await send(url, 'DELETE', `/api/media/${purged}?purge=true`);
  await send(url, 'DELETE', `/api/media/${trashed}`);
  await sendJson(url, 'PATCH', `/api/media/${edited}`, { name: 'another.jpg', tags: ['new'] });
  await bring(6);
  before = await listAll(url);
  expect(differences(before, backup.listed)).not.toEqual([]);
  await send(url, 'POST', '/api/backup'); // every blob is in the vault from here on
  await stop();
}

async function start(dataDir: string): Promise<Service> {
  service = await startService({ dataDir, logFile: `${dataDir}.log` });
  return service;
}

/** A copy of the prepared folder in which a restore died before that step. */
async function dieBefore(step: RestoreStep): Promise<string> {
  const dataDir = join(dir, `copy-${++copies}`);
  await cp(join(dir, 'prepared'), dataDir, { recursive: true, preserveTimestamps: true });
  const script = fileURLToPath(new URL('../support/restore-and-die.ts', import.meta.url));
  const child = spawn(process.execPath, [script, backup.name, step], {
    env: { DATA_DIR: dataDir },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  return dataDir;
}

/** The service starts, shows exactly this state with all its bytes, tidies up, and works on. */
async function expectState(dataDir: string, state: Listed): Promise<void> {
  const { url } = await start(dataDir);
  const listed = await listAll(url);
  expect(differences(state, listed)).toEqual([]);
  for (const shown of listed.values()) {
    const { status, bytes } = await bytesOf(url, shown.id);
    expect([status, sha256(bytes)]).toEqual([200, shown.sha256]);
  }
  const blobs = new Set([...listed.values()].map((shown) => shown.sha256));
  await untilNothing(() => litterIn(dataDir, blobs), 10_000);
  for (const { name } of (await send(url, 'GET', '/api/backups')).body.items)
    expect([name, (await send(url, 'POST', `/api/backups/${name}/verify`)).status]).toEqual([name, 200]);
  const another = (await makePictures('after')).small();
  expect((await upload(url, [{ ...another, name: 'after.jpg' }], { how: 'raw' })).status).toBe(201);
}

function onlyIfThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error; // a catalog that was closed in order has no WAL
}
