import { join } from 'node:path';
import type { Logger } from 'pino';
import { createDiskBlobs } from '../blobs/disk.ts';
import { createHealingBlobs } from '../blobs/healing.ts';
import { createIntake, mostBatches } from '../blobs/intake.ts';
import { blobFolder, makeBlobFolders, type BlobFolder } from '../blobs/paths.ts';
import { createIntakePool, type IntakePool } from '../blobs/pool.ts';
import { createOpenFiles } from '../blobs/open-files.ts';
import { createSoundBlobs } from '../blobs/sound.ts';
import { openSqliteCatalog, type OpenCatalog } from '../catalog/sqlite.ts';
import type { Settings } from '../config.ts';
import type { BlobStore, Intake } from '../core/blob.ts';
import type { Clock, Ids } from '../core/clock.ts';
import { stampClock, type StampClock, type WriterId } from '../core/stamp.ts';
import type { Vault } from '../core/vault.ts';
import { lockFolder } from '../host/lock.ts';
import { applyAfterOpen } from '../recovery/apply.ts';
import type { Plan } from '../recovery/plan.ts';
import { openFolderVault } from '../vault/folder.ts';
import { emptyFolder, foldersIn, makeFolders, type Folders } from './folders.ts';
import { recover } from './recover.ts';
import { factsReader } from './salvage.ts';
import type { Troubles } from './troubles.ts';

/** Everything that holds data, opened and recovered. */
export interface Storage {
  readonly folders: Folders;
  readonly folder: BlobFolder;
  readonly catalog: OpenCatalog;
  readonly vault: Vault;
  /** uploads/ as it is, and repaired from the vault. */
  readonly disk: BlobStore;
  readonly blobs: BlobStore;
  readonly intake: Intake;
  /** For copies, so that they never stand before an upload. */
  readonly slowPool: IntakePool;
  readonly stamps: StampClock;
  readonly writer: WriterId;
  readonly plan: Plan;
  /** From now on changes belong to that timeline. */
  setTimeline(timeline: number): void;
  close(): Promise<void>;
}

export interface StorageParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly troubles: Troubles;
  /** How long to wait for another process that has the folder. */
  readonly lockWaitMs: number;
}

const soundRemembered = 20_000;
const filesKeptOpen = 256;

/** @throws busy (another process has DATA_DIR), no-space, unavailable, internal */
export async function openStorage(parts: StorageParts): Promise<Storage> {
  const { settings, clock, ids, log, troubles } = parts;
  const folders = foldersIn(settings.dataDir);
  await makeFolders(folders);
  const lock = await lockFolder(settings.dataDir, {
    waitMs: parts.lockWaitMs,
    onWaiting: () => log.warn('another Holdfast has this data folder; waiting until it ends'),
  });
  const writer = ids.random(12);
  const stamps = stampClock(() => clock.nowMs(), writer);
  const folder = blobFolder(folders.uploads);
  await makeBlobFolders(folder);
  const litter = (await emptyFolder(folder.incoming)) + (await emptyFolder(folders.staging));
  if (litter > 0) log.info({ files: litter }, 'removed what a dead process had under way');

  const pool = createIntakePool(folders.uploads, mostBatches);
  const slowPool = createIntakePool(folders.uploads, 1, true);
  const sound = createSoundBlobs(soundRemembered);
  const files = createOpenFiles(filesKeptOpen);
  const disk = createDiskBlobs({ folder, pool, ids, sound, files });
  const vault = await openFolderVault({
    dir: folders.backups,
    writer,
    ids,
    onDamage: (what) => troubles.add(`vault ${what}`, `Damaged in the vault and passed over: ${what}.`),
  });
  await emptyFolder(join(folders.backups, 'incoming'));

  const catalogParts = { file: settings.databasePath, asideDir: folders.aside, clock };
  const plan = await recover({
    ...{ vault, folder, clock, ids, stamps, log, dryRun: false },
    blobs: disk,
    catalogFile: settings.databasePath,
    asideDir: folders.aside,
    stagingDir: folders.staging,
    maxPixels: settings.maxPixels,
  });
  let timeline = 0;
  const catalog = await openSqliteCatalog({
    ...catalogParts,
    vaults: [vault.name],
    witness: {
      beforeCommit: (changes) => vault.journal.append({ timeline, writer, changes }),
      commitFailed: () => vault.journal.takeBack(),
    },
  });
  timeline = await catalog.timeline();
  const latest = await catalog.stamp();
  if (latest !== '') stamps.see(latest); // the clock may have gone back since
  const factsOf = factsReader((id) => folder.pathOf(id), settings.maxPixels);
  await applyAfterOpen({ catalog, vault, factsOf, onNews: (news) => log.warn(news) }, plan);

  return {
    ...{ folders, folder, catalog, vault, disk, slowPool, stamps, writer, plan },
    intake: createIntake({ folder, pool, ids, onKept: (id, signature) => sound.note(id, signature) }),
    blobs: createHealingBlobs({
      ...{ disk, folder, copies: [vault], asideDir: folders.aside },
      onHealed(id, from) {
        log.warn({ blob: id, from }, 'healed a blob');
        troubles.clear(`blob ${id}`);
      },
      onLost: (id, error) => troubles.add(`blob ${id}`, `${error.message} It is the blob ${id}.`),
    }),
    setTimeline: (next) => (timeline = next),
    async close() {
      await catalog.close();
      await vault.journal.rotate(); // closes its file
      files.stop();
      await Promise.all([pool.stop(), slowPool.stop()]);
      await lock.release();
    },
  };
}
