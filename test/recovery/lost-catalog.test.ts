import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { upload, video } from '../api/pictures.ts';
import {
  adminKey,
  allMedia,
  discard,
  expectProblem,
  sha256,
  startService,
  stateOf,
  until,
  type Running,
} from '../api/support.ts';

let service: Running;

beforeEach(async () => {
  service = await startService({ ADMIN_KEY: adminKey });
});
afterEach(() => discard(service));

async function restart(meanwhile: () => Promise<unknown>): Promise<void> {
  await service.stop();
  await meanwhile();
  service = await startService({ ADMIN_KEY: adminKey }, service.dir);
}

const inData = (path: string) => join(service.dir, path);
const removeCatalog = async () => {
  for (const name of ['catalog.db', 'catalog.db-wal', 'catalog.db-shm'])
    await rm(inData(name), { force: true });
};
const planned = () => service.holdfast.plan.steps.map((step) => step.do);
const backup = async (): Promise<string> => (await service.api.post('/api/backup')).body.name;

/** Media edited, trashed and purged, and a key: everything a catalog may hold. */
async function fill() {
  const [edited, trashed, purged] = [
    await upload(service),
    await upload(service, video(), 'v.mp4'),
    await upload(service),
  ];
  await service.api
    .patch(`/api/media/${edited.id}`)
    .send({ name: 'edited.jpg', tags: ['one', 'two'], visibility: 'public' });
  await service.api.delete(`/api/media/${trashed.id}`);
  await service.api.delete(`/api/media/${purged.id}?purge=true`);
  await service.api.post('/api/keys').send({ name: 'kept', scopes: ['read'] });
  return { edited, trashed, purged };
}

async function expectWhole(): Promise<void> {
  for (const media of [...(await allMedia(service, '')), ...(await allMedia(service, '&trashed=true'))]) {
    const res = await service.api.get(media['url'] as string);
    expect({ status: res.status, sha256: sha256(res.body) }).toEqual({
      status: 200,
      sha256: media['sha256'],
    });
  }
}

/** Width and height are derived and may be unknown after a rebuild; what a client gave must not be. */
/** Everything but the backup that follows a recovery, which may still be under way. */
function settled(state: Awaited<ReturnType<typeof stateOf>>) {
  const backups = state.backups.filter(({ reason }: { reason: string }) => reason !== 'recovery');
  return { ...state, backups };
}

describe('A catalog that is', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['gone', removeCatalog],
    ['empty', async () => writeFile(inData('catalog.db'), '')],
    [
      'text',
      async () =>
        writeFile(inData('catalog.db'), 'this is not a database, and long enough to have a header of one'),
    ],
    [
      'cut short',
      async () => writeFile(inData('catalog.db'), (await readFile(inData('catalog.db'))).subarray(0, 8000)),
    ],
    [
      'zeros in the middle',
      async () =>
        writeFile(inData('catalog.db'), (await readFile(inData('catalog.db'))).fill(0, 4096, 60_000)),
    ],
  ])('%s is rebuilt from the vault: no upload, edit, purge or key is lost', async (_what, damage) => {
    await fill();
    await backup();
    await fill();
    const before = await stateOf(service);
    await restart(damage);
    expect(planned()).toContain('rebuild');
    const after = await stateOf(service);
    expect(settled(after)).toEqual(settled(before));
    await expectWhole();
    await upload(service);
  });

  test('gone before there was any backup is rebuilt from the journal alone', async () => {
    await fill();
    const before = await stateOf(service);
    await restart(removeCatalog);
    expect(settled(await stateOf(service))).toEqual(settled(before));
    await expectWhole();
  });

  test('gone again and again is rebuilt each time to the same', async () => {
    await fill();
    await backup();
    await upload(service);
    const before = settled(await stateOf(service));
    for (let time = 0; time < 3; time += 1) {
      await restart(removeCatalog);
      expect(settled(await stateOf(service))).toEqual(before);
    }
  });

  test('gone while the newest snapshot is damaged is rebuilt from the one before', async () => {
    await fill();
    await backup();
    await fill();
    const newest = await backup();
    await upload(service);
    const before = settled(await stateOf(service));
    const { snapshot } = JSON.parse(await readFile(inData(`backups/backups/${newest}.json`), 'utf8'));
    await restart(async () => {
      await removeCatalog();
      await writeFile(inData(`backups/${snapshot.path}`), 'damaged');
    });
    expect(settled(await stateOf(service))).toEqual(before);
  });

  test('gone after many backups, of which all that may be were deleted, is rebuilt whole', async () => {
    for (let round = 0; round < 4; round += 1) {
      await fill();
      await backup();
    }
    for (const { name } of (await service.api.get('/api/backups')).body.items)
      await service.api.delete(`/api/backups/${name}`);
    const before = settled(await stateOf(service));
    await restart(removeCatalog);
    expect(settled(await stateOf(service))).toEqual(before);
  });

  test('gone after a restore is rebuilt to what was restored, and what came since', async () => {
    await fill();
    const name = await backup();
    const vanished = await upload(service, undefined, 'vanished.jpg');
    await service.api.post(`/api/restore/${name}`);
    await upload(service, undefined, 'since.jpg');
    const before = settled(await stateOf(service));
    await restart(removeCatalog);
    expect(settled(await stateOf(service))).toEqual(before);
    expectProblem(await service.api.get(`/api/media/${vanished.id}`), 'not-found');
  });

  test('an older copy, put in its place, gets back what the journal has since', async () => {
    await fill();
    await restart(async () => {});
    await service.stop();
    const old = await readFile(inData('catalog.db'));
    service = await startService({ ADMIN_KEY: adminKey }, service.dir);
    await fill();
    const before = settled(await stateOf(service));
    await restart(async () => {
      await removeCatalog();
      await writeFile(inData('catalog.db'), old);
    });
    expect(planned()).toContain('replay-journal');
    expect(settled(await stateOf(service))).toEqual(before);
    await expectWhole();
  });

  test('damaged is kept aside, never thrown away', async () => {
    await fill();
    await restart(async () => writeFile(inData('catalog.db'), 'precious but damaged'));
    const [dated] = await readdir(inData('aside'));
    expect(await readFile(inData(`aside/${dated}/catalog.db`), 'utf8')).toBe('precious but damaged');
  });
});

describe('When the catalog and the vault are both gone', () => {
  test('media are salvaged from the bytes in uploads/, and say so', async () => {
    const [image, clip] = [await upload(service), await upload(service, video(), 'v.mp4')];
    await restart(async () => {
      await removeCatalog();
      await rm(inData('backups'), { recursive: true });
    });
    expect(service.holdfast.plan.alarming).toBe(true);
    const salvaged = await allMedia(service, '&tag=salvaged');
    expect(salvaged.map(({ sha256 }) => sha256).sort()).toEqual([image.sha256, clip.sha256].sort());
    expect(salvaged.map(({ kind }) => kind).sort()).toEqual(['image', 'video']);
    for (const media of salvaged) expect(media['name']).toMatch(/^salvaged-/);
    await expectWhole();
    const before = settled(await stateOf(service));
    await restart(async () => {});
    expect(settled(await stateOf(service))).toEqual(before);
  });
});

describe('When uploads/ is gone', () => {
  test('every blob that the vault has comes back, by itself', async () => {
    const { edited } = await fill();
    await backup();
    await restart(() => rm(inData('uploads'), { recursive: true }));
    expect(sha256((await service.api.get(edited.url)).body)).toBe(edited.sha256);
    await until(async () => (await readdir(inData(`uploads/${edited.sha256[0]}`))).includes(edited.sha256));
    await expectWhole();
  });
});

describe('When backups/ is gone', () => {
  test('it is filled again, and the next backup can be restored', async () => {
    const { edited } = await fill();
    await backup();
    await restart(() => rm(inData('backups'), { recursive: true }));
    expect(planned()).toContain('refill-vault');
    const { items } = (await service.api.get('/api/backups')).body;
    expect(items.filter(({ reason }: { reason: string }) => reason !== 'recovery')).toEqual([]);
    const name = await backup();
    expect((await service.api.post(`/api/backups/${name}/verify`)).status).toBe(200);
    await service.api.delete(`/api/media/${edited.id}?purge=true`);
    expect((await service.api.post(`/api/restore/${name}`)).status).toBe(200);
    expect(sha256((await service.api.get(edited.url)).body)).toBe(edited.sha256);
  });
});
