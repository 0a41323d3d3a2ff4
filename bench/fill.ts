import { createHash } from 'node:crypto';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqliteCatalog } from '../src/catalog/sqlite.ts';
import { createIds } from '../src/core/clock.ts';
import { mediaChange, type Media } from '../src/core/media.ts';
import { stampClock } from '../src/core/stamp.ts';
import { openFolderVault } from '../src/vault/folder.ts';

const mediaAWrite = 2000;
/** ext4 allows 65,000 names for a file. */
const namesAFile = 50_000;
const mediaABlob = 10;

/**
 * A library of `count` media in an empty data folder, put together from rows rather than uploads. Ten media share a blob, and
 * all blobs are names of a few files of one byte: they are there and have a size, which is all that a start looks at.
 */
export async function fill(dataDir: string, count: number): Promise<void> {
  const startMs = Date.parse('2026-01-01T00:00:00Z');
  const clock = { nowMs: () => startMs, monotonicMs: () => performance.now() };
  const ids = createIds((length) => crypto.getRandomValues(new Uint8Array(length)));
  const stamps = stampClock(() => startMs, 'fill');
  const uploads = join(dataDir, 'uploads');
  await makeBlobs(uploads, Math.ceil(count / mediaABlob));
  const vault = await openFolderVault({
    dir: join(dataDir, 'backups'),
    writer: 'fill',
    ids,
    onDamage: () => undefined,
  });
  const createdAt = new Date(startMs).toISOString();
  await vault.timelines.begin({ number: 0, parent: null, restored: null, snapshot: null, createdAt });
  const catalog = await openSqliteCatalog({
    file: join(dataDir, 'catalog.db'),
    asideDir: join(dataDir, 'aside'),
    vaults: [],
    clock,
    witness: { beforeCommit: () => Promise.resolve(), commitFailed: () => Promise.resolve() },
  });
  for (let made = 0; made < count; made += mediaAWrite) {
    const some = Array.from({ length: Math.min(mediaAWrite, count - made) }, (_, index) => {
      const number = made + index;
      return mediaAt(number, ids.media(startMs + number * 10), stamps.next());
    });
    await catalog.write({
      changes: some.map(mediaChange),
      facts: some.map((media) => ({
        id: media.blob,
        sizeBytes: 1,
        facts: { width: 640, height: 480, animated: false, undecodable: false },
      })),
    });
  }
  await catalog.close();
}

/** One in 100 is a video, one in 50 is trashed; a tag on one in 3, another on one in 1000, and a number in each name. */
function mediaAt(number: number, id: string, stamp: string): Media {
  const createdMs = Date.parse('2026-01-01T00:00:00Z') + number * 10;
  const trashed = number % 50 === 7;
  return {
    ...{
      id,
      stamp,
      state: trashed ? 'trashed' : 'live',
      blob: blobId(Math.floor(number / mediaABlob)),
      sizeBytes: 1,
    },
    ...(number % 100 === 3 ? { kind: 'video', type: 'video/mp4' } : { kind: 'image', type: 'image/jpeg' }),
    name: `IMG_${number}.jpg`,
    owner: null,
    tags: [...(number % 3 === 0 ? ['frequent'] : []), ...(number % 1000 === 5 ? ['seldom'] : [])],
    description: null,
    visibility: 'private',
    takenMs: null,
    createdMs,
    updatedMs: createdMs,
    trashedMs: trashed ? createdMs : null,
    purgedMs: null,
    extra: {},
  };
}

function blobId(number: number): string {
  return createHash('sha256').update(`blob ${number}`).digest('hex');
}

async function makeBlobs(uploads: string, count: number): Promise<void> {
  for (const digit of '0123456789abcdef') await mkdir(join(uploads, digit), { recursive: true });
  let file = '';
  for (let number = 0; number < count; number += 1) {
    const id = blobId(number);
    const path = join(uploads, id[0]!, id);
    if (number % namesAFile === 0) await writeFile((file = path), 'x');
    else await link(file, path);
  }
}
