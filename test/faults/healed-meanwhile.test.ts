import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import { signatureOf } from '../../src/blobs/keep.ts';
import { createOpenFiles, type OpenFiles } from '../../src/blobs/open-files.ts';
import { blobFolder, makeBlobFolders, type BlobFolder } from '../../src/blobs/paths.ts';
import type { IntakePool, IntakeThread } from '../../src/blobs/pool.ts';
import { createSoundBlobs } from '../../src/blobs/sound.ts';
import { ids } from '../../src/start.ts';
import { sha256 } from '../support/pictures.ts';

const good = Buffer.from('the bytes as they were uploaded');
const damaged = Buffer.from('other bytes of the same length!');
const id = sha256(good);

let folder: BlobFolder;
let files: OpenFiles;

beforeEach(async () => {
  folder = blobFolder(await mkdtemp(join(tmpdir(), 'holdfast-healed-')));
  await makeBlobFolders(folder);
  files = createOpenFiles(10);
  await writeFile(folder.pathOf(id), damaged);
});
afterEach(async () => {
  files.stop();
  await rm(folder.dir, { recursive: true, force: true });
});

/** Two ask for a damaged blob at once: while one has it open and is about to look into it, the other one heals it. */
describe('A damaged blob that somebody else heals meanwhile', () => {
  test('is never served as it was before', async () => {
    const disk = disksWhoseHash(async () => {
      await writeFile(join(folder.incoming, 'healed'), good);
      await rename(join(folder.incoming, 'healed'), folder.pathOf(id));
    });
    expect((await buffer(await disk.open(id))).toString()).toBe(good.toString());
  });

  test('is not found for the moment in which it is set aside, so that whoever asks waits for the healing', async () => {
    const disk = disksWhoseHash(() => rename(folder.pathOf(id), join(folder.dir, 'aside')));
    await expect(disk.open(id)).rejects.toMatchObject({ code: 'not-found' });
  });
});

/** A store in which `meanwhile` happens, once, after a file was opened and before it is hashed. */
function disksWhoseHash(meanwhile: () => Promise<void>) {
  let happened = false;
  const hash = async () => {
    if (!happened) await meanwhile();
    happened = true;
    const path = folder.pathOf(id);
    const signature = signatureOf(await stat(path, { bigint: true }));
    return { id: sha256(await readFile(path)), signature };
  };
  const thread = { busy: 0, call: hash } as unknown as IntakeThread;
  const pool = {
    threads: [thread],
    idlest: () => thread,
    stop: async () => undefined,
  } as unknown as IntakePool;
  return createDiskBlobs({ folder, pool, ids, files, sound: createSoundBlobs(10) });
}
