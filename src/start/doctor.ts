import type { Logger } from 'pino';
import { createDiskBlobs } from '../blobs/disk.ts';
import { blobFolder } from '../blobs/paths.ts';
import { createIntakePool } from '../blobs/pool.ts';
import { createOpenFiles } from '../blobs/open-files.ts';
import { createSoundBlobs } from '../blobs/sound.ts';
import { randomBytes } from 'node:crypto';
import type { Settings } from '../config.ts';
import { createIds } from '../core/clock.ts';
import { stampClock } from '../core/stamp.ts';
import { freeBytes } from '../host/space.ts';
import { lockFolder } from '../host/lock.ts';
import { judgeStorage, type StorageJudgement } from '../host/storage.ts';
import type { Plan } from '../recovery/plan.ts';
import { openFolderVault } from '../vault/folder.ts';
import { foldersIn, makeFolders } from './folders.ts';
import { recover } from './recover.ts';

export interface Diagnosis {
  /** What the next start would do. */
  readonly plan: Plan;
  readonly storage: StorageJudgement;
  readonly freeBytes: number;
  readonly damage: readonly string[];
}

/** Looks at the data as a start would and changes nothing. @throws busy when a service runs in this folder */
export async function planOnly(settings: Settings, log: Logger): Promise<Diagnosis> {
  const folders = foldersIn(settings.dataDir);
  await makeFolders(folders);
  const lock = await lockFolder(settings.dataDir, { waitMs: 0 });
  const pool = createIntakePool(folders.uploads, 1);
  const ids = createIds(randomBytes);
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const damage: string[] = [];
  try {
    const folder = blobFolder(folders.uploads);
    const plan = await recover({
      ...{ clock, ids, log, folder, dryRun: true },
      catalogFile: settings.databasePath,
      asideDir: folders.aside,
      stagingDir: folders.staging,
      vault: await openFolderVault({
        dir: folders.backups,
        writer: ids.random(12),
        ids,
        onDamage: (what) => damage.push(what),
      }),
      blobs: createDiskBlobs({ folder, pool, ids, sound: createSoundBlobs(1), files: createOpenFiles(1) }),
      stamps: stampClock(() => clock.nowMs(), ''),
      maxPixels: settings.maxPixels,
    });
    const storage = await judgeStorage(settings.dataDir, settings.hostEnv);
    return { plan, storage, freeBytes: await freeBytes(settings.dataDir), damage };
  } finally {
    await pool.stop();
    await lock.release();
  }
}
