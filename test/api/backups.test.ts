import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { upload, video } from './pictures.ts';
import { discard, expectProblem, filesIn, startService, until, type Running } from './support.ts';

let service: Running;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => discard(service));

type Backup = { name: string; verified: { ok: boolean; level: string } | null; damaged?: string };

const make = () => service.api.post('/api/backup');
const list = async (): Promise<Backup[]> => (await service.api.get('/api/backups')).body.items;
const vaultFile = (path: string) => join(service.dir, 'backups', path);
const snapshotOf = async (name: string) =>
  vaultFile(JSON.parse(await readFile(vaultFile(`backups/${name}.json`), 'utf8')).snapshot.path as string);

describe('POST /api/backup', () => {
  test('is answered 201 with the backup and its place, done when answered', async () => {
    const first = await upload(service);
    const before = new Date().toISOString();
    const res = await make();
    expect(res.status).toBe(201);
    expect(res.headers['location']).toBe(`/api/backups/${res.body.name}`);
    expect(res.body).toEqual({
      name: expect.stringMatching(/^backup-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/),
      createdAt: expect.stringMatching(/Z$/),
      reason: 'request',
      media: 1,
      blobs: 1,
      bytes: first['size'],
      newBytes: expect.any(Number),
      catalogEngine: 'sqlite',
      timeline: 0,
      vaults: [{ name: 'local', stored: true, lagSeconds: 0 }],
      verified: { at: res.body.createdAt, ok: true, level: 'made' },
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(res.body.createdAt >= before).toBe(true);
    expect(res.body.newBytes).toBeGreaterThan(Number(first['size']));
    expect((await service.api.get(res.headers['location']!)).body).toEqual(res.body);
    expect(await filesIn(vaultFile('blobs'))).toEqual([expect.stringContaining(first.sha256)]);
  });

  test('copies only what is new: a second backup of the same state has the same digest and no blobs to write', async () => {
    const first = (await make()).body;
    const blobs = await filesIn(vaultFile('blobs'));
    const second = (await make()).body;
    expect(second.digest).toBe(first.digest);
    expect(second.media).toBe(first.media);
    const { snapshot } = JSON.parse(await readFile(vaultFile(`backups/${second.name}.json`), 'utf8'));
    expect(second.newBytes).toBe(snapshot.sizeBytes);
    expect(await filesIn(vaultFile('blobs'))).toEqual(blobs);
  });

  test('sent by many at once makes a backup for each that is answered 201, or is told that one is being made', async () => {
    const before = await list();
    const answers = await Promise.all(Array.from({ length: 6 }, make));
    const names = new Set(
      answers.filter(({ status }) => status === 201).map(({ body }) => body.name as string),
    );
    for (const res of answers.filter(({ status }) => status !== 201)) {
      expectProblem(res, 'busy');
      expect(Number(res.headers['retry-after'])).toBeGreaterThan(0);
    }
    const made = (await list()).filter(({ name }) => !before.some((old) => old.name === name));
    expect(new Set(made.map(({ name }) => name))).toEqual(names);
    expect(names.size).toBeGreaterThan(0);
    expect(names.size).toBeLessThan(6);
  });

  test('leaves nothing half-made behind', async () => {
    await make();
    expect(await readdir(vaultFile('incoming'))).toEqual([]);
    expect(await readdir(join(service.dir, '.holdfast/staging'))).toEqual([]);
  });

  test('holds what was uploaded before it was asked for, while uploads go on', async () => {
    const before = await upload(service);
    const during = Promise.all(Array.from({ length: 10 }, () => upload(service)));
    const backup = (await make()).body;
    await during;
    expect(backup.blobs).toBeGreaterThan(0);
    const dryRun = await service.api.post(`/api/restore/${backup.name}?dryRun=true`);
    expect(dryRun.body).toMatchObject({ restored: backup.name, media: backup.media });
    expect((await service.api.post(`/api/backups/${backup.name}/verify`)).status).toBe(200);
    expect(await filesIn(vaultFile('blobs'))).toContainEqual(expect.stringContaining(before.sha256));
  });
});

describe('GET /api/backups', () => {
  test('lists them newest first, each as its own GET gives it', async () => {
    const newest = (await make()).body;
    const items = await list();
    expect(items[0]).toEqual(newest);
    expect(items.map(({ name }) => name)).toEqual(
      items
        .map(({ name }) => name)
        .sort()
        .reverse(),
    );
    for (const item of items.slice(0, 3))
      expect((await service.api.get(`/api/backups/${item.name}`)).body).toEqual(item);
  });

  test('shows one whose manifest is damaged as damaged, and it can be deleted', async () => {
    const { name } = (await make()).body;
    await writeFile(vaultFile(`backups/${name}.json`), '{"format":1');
    expect((await list())[0]).toMatchObject({
      name,
      damaged: expect.stringMatching(/damaged/),
      verified: { ok: false },
    });
    expectProblem(await service.api.get(`/api/backups/${name}`), 'backup-damaged');
    expectProblem(await service.api.post(`/api/backups/${name}/verify`), 'backup-damaged');
    expect((await service.api.delete(`/api/backups/${name}`)).status).toBe(204);
    expect((await list()).map((one) => one.name)).not.toContain(name);
  });
});

describe('DELETE /api/backups/:name', () => {
  test('refuses the newest good one: a rebuild of the catalog begins with it', async () => {
    const [older, newest] = [(await make()).body.name, (await make()).body.name];
    expectProblem(await service.api.delete(`/api/backups/${newest}`), 'conflict');
    expect((await service.api.delete(`/api/backups/${older}`)).status).toBe(204);
    expect((await list())[0]!.name).toBe(newest);
  });

  test('removes it from the list, and the others still restore', async () => {
    const [one, two] = [(await make()).body.name, (await make()).body.name];
    expect((await service.api.delete(`/api/backups/${one}`)).status).toBe(204);
    expect((await list()).map(({ name }) => name)).not.toContain(one);
    expectProblem(await service.api.get(`/api/backups/${one}`), 'not-found');
    expectProblem(await service.api.delete(`/api/backups/${one}`), 'not-found');
    expectProblem(await service.api.post(`/api/restore/${one}`), 'not-found');
    expect((await service.api.post(`/api/restore/${two}?dryRun=true`)).status).toBe(200);
  });

  // Nothing removes a snapshot whose manifest was deleted by hand: backups/prune.ts looks at what it removed itself.
  test('lets its snapshot go, at the latest with the next backup', async () => {
    const { name } = (await make()).body;
    await make();
    const snapshot = await snapshotOf(name);
    await service.api.delete(`/api/backups/${name}`);
    await make();
    const left = await filesIn(vaultFile('timelines'));
    expect(left.filter((path) => snapshot.endsWith(path))).toEqual([]);
  });
});

describe('POST /api/backups/:name/verify', () => {
  test('reads everything and says so, also later', async () => {
    const { name } = (await make()).body;
    const res = await service.api.post(`/api/backups/${name}/verify`);
    expect(res.status).toBe(200);
    expect(res.body).toMatchObject({ name, verified: { ok: true, level: 'full' } });
    expect((await list())[0]!.verified).toMatchObject({ ok: true, level: 'full' });
  });

  test.each<[string, (name: string) => Promise<void>]>([
    ['a flipped byte in the snapshot', async (name) => flip(await snapshotOf(name))],
    [
      'a snapshot cut short',
      async (name) =>
        writeFile(await snapshotOf(name), (await readFile(await snapshotOf(name))).subarray(0, -9)),
    ],
    ['a snapshot that is gone', async (name) => rm(await snapshotOf(name))],
  ])('names %s, answers 422 and keeps what it found', async (_what, damage) => {
    const { name } = (await make()).body;
    await damage(name);
    const res = await service.api.post(`/api/backups/${name}/verify`);
    expectProblem(res, 'backup-damaged');
    expect(res.body.found).toEqual([expect.stringMatching(/snapshot/)]);
    expect((await service.api.get(`/api/backups/${name}`)).body.verified).toMatchObject({
      ok: false,
      level: 'full',
    });
  });

  test.each(['flipped', 'gone'])('names a blob that is %s', async (how) => {
    const { sha256 } = await upload(service);
    const { name } = (await make()).body;
    const file = (await filesIn(vaultFile('blobs'))).find((path) => path.includes(sha256))!;
    const content = await readFile(vaultFile(`blobs/${file}`));
    if (how === 'gone') await rm(vaultFile(`blobs/${file}`));
    else await flip(vaultFile(`blobs/${file}`));
    const res = await service.api.post(`/api/backups/${name}/verify`);
    expectProblem(res, 'backup-damaged');
    expect(res.body.found).toEqual([expect.stringContaining(sha256)]);
    await writeFile(vaultFile(`blobs/${file}`), content);
    expect((await service.api.post(`/api/backups/${name}/verify`)).status).toBe(200);
  });
});

test.each([
  'backup-2026-01-31T12-00-00-000Z',
  'latest',
  '..%2f..%2fcatalog',
  'backup-x',
  '%00',
  'x'.repeat(500),
])('A backup called %s is not found', async (name) => {
  expectProblem(await service.api.get(`/api/backups/${name}`), 'not-found');
  expectProblem(await service.api.delete(`/api/backups/${name}`), 'not-found');
  expectProblem(await service.api.post(`/api/backups/${name}/verify`), 'not-found');
});

describe('Backups by themselves', () => {
  test('are made after as many uploads as BACKUP_EVERY says, and health counts them', async () => {
    const counting = await startService({ BACKUP_EVERY: '10' });
    const all = async () => (await counting.api.get('/api/backups')).body.items;
    try {
      for (let count = 1; count <= 9; count += 1) await upload(counting);
      expect(await all()).toEqual([]);
      const health = (await counting.api.get('/api/health')).body.backup;
      expect(health).toMatchObject({ last: null, uploadsSince: 9, every: 10 });
      await upload(counting);
      await until(async () => (await all()).length === 1);
      expect((await all())[0]).toMatchObject({ reason: 'uploads', media: 10, blobs: 10 });
      expect((await counting.api.get('/api/health')).body.backup).toMatchObject({ uploadsSince: 0 });
      const form = counting.api.post('/api/uploads');
      for (let count = 1; count <= 10; count += 1) void form.attach('files', video(), 'v.mp4');
      await form;
      await until(async () => (await all()).length === 2);
      expect((await all())[0]).toMatchObject({ reason: 'uploads', media: 20 });
    } finally {
      await discard(counting);
    }
  });

  test('count uploads over a restart', async () => {
    let counting = await startService({ BACKUP_EVERY: '10' });
    try {
      for (let count = 1; count <= 6; count += 1) await upload(counting);
      await counting.stop();
      counting = await startService({ BACKUP_EVERY: '10' }, counting.dir);
      expect((await counting.api.get('/api/health')).body.backup.uploadsSince).toBe(6);
      for (let count = 7; count <= 10; count += 1) await upload(counting);
      await until(async () => (await counting.api.get('/api/backups')).body.items.length === 1);
    } finally {
      await discard(counting);
    }
  });
});

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = bytes[at]! ^ 0xff;
  await writeFile(file, bytes);
}
