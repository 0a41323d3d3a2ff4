import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { picture, upload } from './pictures.ts';
import {
  adminKey,
  allMedia,
  blobPath,
  discard,
  expectProblem,
  sha256,
  startService,
  stateOf,
  until,
  type Running,
} from './support.ts';

let service: Running;

beforeAll(async () => {
  service = await startService({ ADMIN_KEY: adminKey });
});
afterAll(() => discard(service));

const restore = (name: string, query = '') => service.api.post(`/api/restore/${name}${query}`);
const backup = async (): Promise<string> => (await service.api.post('/api/backup')).body.name;
const names = async () => (await allMedia(service, '')).map(({ name }) => name);

async function expectWhole(): Promise<void> {
  for (const media of await allMedia(service, '')) {
    const { body } = await service.api.get(media['url'] as string);
    expect(sha256(body)).toBe(media['sha256']);
  }
}

describe('POST /api/restore/:name', () => {
  test('brings back just the state of the backup, and says what it did', async () => {
    const [kept, edited, trashed] = [await upload(service), await upload(service), await upload(service)];
    await service.api.patch(`/api/media/${edited.id}`).send({ name: 'before.jpg', tags: ['old'] });
    const name = await backup();
    const before = await stateOf(service);

    await service.api.patch(`/api/media/${edited.id}`).send({ name: 'after.jpg', tags: ['new'] });
    await service.api.delete(`/api/media/${trashed.id}`);
    const later = await upload(service);
    const res = await restore(name);
    expect(res.status).toBe(200);
    expect(res.body).toEqual({
      restored: name,
      media: 3,
      missingBlobs: 0,
      previous: expect.stringMatching(/^backup-/),
    });

    const after = await stateOf(service);
    expect(after.live).toEqual(before.live);
    expect(after.trashed).toEqual(before.trashed);
    expectProblem(await service.api.get(`/api/media/${later.id}`), 'not-found');
    expectProblem(await service.api.get(later.url), 'not-found');
    expect((await service.api.get('/api/media?tag=new')).body.items).toEqual([]);
    expect((await service.api.get('/api/media?tag=old')).body.items).toHaveLength(1);
    expect((await service.api.get(kept.url)).status).toBe(200);
    await expectWhole();
  });

  test('is undone by restoring the one that is named as previous', async () => {
    const name = await backup();
    const later = await upload(service, undefined, 'later.jpg');
    const before = await stateOf(service);
    const { previous } = (await restore(name)).body;
    expect(await names()).not.toContain('later.jpg');
    const undone = await restore(previous);
    expect(undone.body).toMatchObject({ restored: previous, media: before.live.length });
    const after = await stateOf(service);
    expect(after.live).toEqual(before.live);
    expect(sha256((await service.api.get(later.url)).body)).toBe(later.sha256);
    await expectWhole();
  });

  test('takes latest for the newest', async () => {
    const name = await backup();
    const media = await upload(service);
    const res = await restore('latest');
    expect(res.body.restored).toBe(name);
    expectProblem(await service.api.get(`/api/media/${media.id}`), 'not-found');
  });

  test('brings purged media back, with their bytes', async () => {
    const media = await upload(service);
    const name = await backup();
    await service.api.delete(`/api/media/${media.id}?purge=true`);
    await until(() =>
      readdir(join(service.dir, 'uploads', media.sha256[0]!)).then((all) => !all.includes(media.sha256)),
    );
    const res = await restore(name);
    expect(res.body).toMatchObject({ restored: name, missingBlobs: 1 });
    expect((await service.api.get(`/api/media/${media.id}`)).body).toEqual(media);
    expect(sha256((await service.api.get(media.url)).body)).toBe(media.sha256);
    expect((await service.api.get(`${media.url}/thumb`)).status).toBe(200);
  });

  test('fetches missing bytes by itself, without being asked for them', async () => {
    const media = await upload(service);
    const name = await backup();
    await rm(blobPath(service, media.sha256));
    expect((await restore(name)).body.missingBlobs).toBe(1);
    await until(() =>
      readdir(join(service.dir, 'uploads', media.sha256[0]!)).then((all) => all.includes(media.sha256)),
    );
    await expectWhole();
  });

  test('leaves what is edited and uploaded afterwards to be backed up and restored in turn', async () => {
    await restore(await backup());
    const media = await upload(service);
    await service.api.patch(`/api/media/${media.id}`).send({ name: 'second life.jpg' });
    const second = await backup();
    await service.api.delete(`/api/media/${media.id}?purge=true`);
    await restore(second);
    expect((await service.api.get(`/api/media/${media.id}`)).body.name).toBe('second life.jpg');
    await expectWhole();
  });

  test('never rolls keys back: what was revoked stays so, and what was made since still opens', async () => {
    const add = async () =>
      (await service.api.post('/api/keys').send({ name: 'k', scopes: ['admin'] })).body as {
        id: string;
        key: string;
      };
    const revoked = await add();
    const name = await backup();
    const made = await add();
    await service.api.delete(`/api/keys/${revoked.id}`);
    expect((await restore(name)).status).toBe(200);
    expectProblem(await service.as(revoked.key).get('/api/keys'), 'unauthorized');
    const keys = await service.as(made.key).get('/api/keys');
    expect(keys.status).toBe(200);
    expect(keys.body.items.map(({ id }: { id: string }) => id)).toEqual([made.id]);
  });

  test('gives the answers of uploads again that were made after the backup', async () => {
    const name = await backup();
    const bytes = await picture();
    const post = () =>
      service.api
        .post('/api/uploads')
        .set({ 'Idempotency-Key': 'kept', 'Content-Type': 'image/jpeg' })
        .send(bytes);
    const first = await post();
    await restore(name);
    const again = await post();
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.text).toBe(first.text);
  });

  test('holds after a restart', async () => {
    const name = await backup();
    await upload(service, undefined, 'not in it.jpg');
    await restore(name);
    const since = await upload(service, undefined, 'since.jpg');
    const before = await stateOf(service);
    await service.stop();
    service = await startService({ ADMIN_KEY: adminKey }, service.dir);
    const after = await stateOf(service);
    expect(after).toEqual(before);
    expect((await service.api.get(since.url)).status).toBe(200);
  });

  test('leaves nothing in the staging folder, and sets the old catalog aside', async () => {
    const aside = async () => (await readdir(join(service.dir, 'aside'))).filter((name) => name !== 'blobs');
    const before = await aside();
    await restore(await backup());
    expect(await readdir(join(service.dir, '.holdfast/staging'))).toEqual([]);
    expect(await readdir(join(service.dir, 'backups/incoming'))).toEqual([]);
    expect((await aside()).length).toBe(before.length + 1);
  });
});

describe('A dry run', () => {
  test('checks everything, says what would be, and changes nothing', async () => {
    const gone = await upload(service);
    const name = await backup();
    await service.api.delete(`/api/media/${gone.id}?purge=true`);
    await upload(service);
    const before = await stateOf(service);
    for (const flag of ['true', '1', '']) {
      const res = await restore(name, `?dryRun=${flag}`);
      expect(res.status).toBe(200);
      expect(res.body).toMatchObject({
        restored: name,
        media: before.live.length,
        missingBlobs: 1,
        previous: null,
      });
    }
    expect(await stateOf(service)).toEqual(before);
  });

  test('of anything but true and false is refused', async () => {
    expectProblem(await restore('latest', '?dryRun=perhaps'), 'malformed');
  });
});

describe('A name that is none', () => {
  test.each([
    'backup-2026-01-31T12-00-00-000Z',
    'LATEST',
    'latest.json',
    'backup-2026-01-31T12-00-00-000Z.json',
    '..%2fbackups%2fbackup-2026-01-31T12-00-00-000Z',
    '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '%2fetc%2fpasswd',
    'backup-%00',
    '%7e',
    '*',
    `'%20or%201=1--`,
    'x'.repeat(2000),
  ])('%s is 404 and changes nothing', async (name) => {
    const before = await stateOf(service);
    expectProblem(await restore(name), 'not-found');
    expect(await stateOf(service)).toEqual(before);
  });
});
