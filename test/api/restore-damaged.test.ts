import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { upload } from './pictures.ts';
import {
  contentOf,
  discard,
  expectProblem,
  filesIn,
  startService,
  stateOf,
  type Running,
} from './support.ts';

let service: Running;
let name: string;
let purged: string;

beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  await upload(service);
  const gone = await upload(service);
  purged = gone.sha256;
  name = (await service.api.post('/api/backup')).body.name;
  await service.api.delete(`/api/media/${gone.id}?purge=true`);
  await upload(service);
});
afterAll(() => discard(service));

const inVault = (path: string) => join(service.dir, 'backups', path);
const manifest = () => inVault(`backups/${name}.json`);
const snapshot = async () => inVault(JSON.parse(await readFile(manifest(), 'utf8')).snapshot.path as string);

async function change(file: string, edit: (bytes: Buffer) => Buffer | string): Promise<void> {
  await writeFile(file, edit(await readFile(file)));
}

/** One byte of another value, somewhere. */
const flipAt = (part: number) => (bytes: Buffer) => {
  const changed = Buffer.from(bytes);
  const at = Math.floor((bytes.length - 1) * part);
  changed[at] = changed[at]! ^ 0x01;
  return changed;
};

const damages: [string, () => Promise<void>][] = [
  ['a byte at the start of the snapshot is another', async () => change(await snapshot(), flipAt(0))],
  ['a byte in the middle of the snapshot is another', async () => change(await snapshot(), flipAt(0.5))],
  ['the last byte of the snapshot is another', async () => change(await snapshot(), flipAt(1))],
  [
    'the snapshot is cut short',
    async () => change(await snapshot(), (all) => all.subarray(0, all.length / 2)),
  ],
  ['the snapshot is empty', async () => change(await snapshot(), () => '')],
  [
    'the snapshot has bytes behind its end',
    async () => change(await snapshot(), (all) => Buffer.concat([all, Buffer.alloc(9)])),
  ],
  ['the snapshot is no database at all', async () => change(await snapshot(), () => 'hello')],
  ['the snapshot is gone', async () => rm(await snapshot())],
  ['the snapshot is that of another backup', async () => otherSnapshot()],
  [
    'a byte of the manifest is another',
    () => change(manifest(), (all) => all.toString().replace('"media": ', '"media": 1')),
  ],
  ['the manifest is cut short', () => change(manifest(), (all) => all.subarray(0, 40))],
  ['the manifest is empty', () => change(manifest(), () => '')],
  ['the manifest is no JSON', () => change(manifest(), () => 'not json')],
  [
    'the manifest has another name inside',
    () => change(manifest(), (all) => all.toString().replace(name, 'backup-2000-01-01T00-00-00-000Z')),
  ],
  ['the copy of a blob that is needed is damaged', async () => change(await copyOfPurged(), flipAt(0.5))],
  ['the copy of a blob that is needed is gone', async () => rm(await copyOfPurged())],
  [
    'the copy of a blob that is needed is cut short',
    async () => change(await copyOfPurged(), (all) => all.subarray(1)),
  ],
];

async function otherSnapshot(): Promise<void> {
  const older = await snapshot();
  const { body } = await service.api.post('/api/backup');
  const newer = inVault(
    JSON.parse(await readFile(inVault(`backups/${body.name}.json`), 'utf8')).snapshot.path as string,
  );
  await copyFile(newer, older);
}

async function copyOfPurged(): Promise<string> {
  const files = await filesIn(inVault('blobs'));
  return inVault(`blobs/${files.find((path) => path.includes(purged))}`);
}

describe('A restore when', () => {
  test.each(damages)('%s is 422, says so, and changes nothing at all', async (_what, damage) => {
    await damage();
    const [state, vault] = [await stateOf(service), await contentOf(join(service.dir, 'backups'))];
    for (const query of ['?dryRun=true', '']) {
      const res = await service.api.post(`/api/restore/${name}${query}`);
      expectProblem(res, 'backup-damaged');
      expect(res.body.backup).toBe(name);
    }
    expect(await stateOf(service)).toEqual(state);
    expect(await contentOf(join(service.dir, 'backups'))).toEqual(vault);
    expect(await filesIn(join(service.dir, '.holdfast/staging'))).toEqual([]);
  });

  test('the newest is damaged is refused for latest, too, and the one before can be restored', async () => {
    const newest = (await service.api.post('/api/backup')).body.name as string;
    await writeFile(inVault(`backups/${newest}.json`), 'damaged');
    expectProblem(await service.api.post('/api/restore/latest'), 'backup-damaged');
    expect((await service.api.post(`/api/restore/${name}`)).body.restored).toBe(name);
    await rm(inVault(`backups/${newest}.json`));
  });

  test('a folder has the name of a manifest is an error and not a crash', async () => {
    const odd = 'backup-2001-01-01T00-00-00-000Z';
    await mkdir(inVault(`backups/${odd}.json`));
    const before = await stateOf({ ...service, api: service.api }).catch(() => undefined);
    const res = await service.api.post(`/api/restore/${odd}`);
    expect([404, 422, 503]).toContain(res.status);
    await rm(inVault(`backups/${odd}.json`), { recursive: true });
    expect((await service.api.get('/api/backups')).status).toBe(200);
    expect(before === undefined || before.live.length > 0).toBe(true);
  });
});
