import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { BlobFolder } from '../blobs/paths.ts';
import { backupName } from '../backups/names.ts';
import { createCatalogFiles, setAside, startFilesThread } from '../catalog/files.ts';
import { newestSchema } from '../catalog/migrate.ts';
import type { BlobStore } from '../core/blob.ts';
import type { CatalogFiles } from '../core/catalog.ts';
import type { Clock, Ids } from '../core/clock.ts';
import type { StampClock } from '../core/stamp.ts';
import type { Vault } from '../core/vault.ts';
import { applyBeforeOpen } from '../recovery/apply.ts';
import { look } from '../recovery/look.ts';
import { planRecovery, type Plan } from '../recovery/plan.ts';
import { factsReader, salvager } from './salvage.ts';

export interface RecoverParts {
  readonly catalogFile: string;
  readonly asideDir: string;
  readonly stagingDir: string;
  readonly vault: Vault;
  readonly folder: BlobFolder;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly stamps: StampClock;
  readonly maxPixels: number;
  readonly log: Logger;
  /** Decides only; nothing is changed. */
  readonly dryRun: boolean;
}

/** Looks at what is there, decides, and brings the catalog to where it can be opened. Returns what is left to do. */
export async function recover(parts: RecoverParts): Promise<Plan> {
  const { catalogFile, vault, blobs, clock, log } = parts;
  const thread = startFilesThread();
  const files = createCatalogFiles(thread, catalogFile, [vault.name], (staged) =>
    setAside({ file: catalogFile, asideDir: parts.asideDir, clock }, staged),
  );
  try {
    const plan = planRecovery(await look({ catalogFile, files, vault, blobs, newestSchema }), clock.nowMs());
    if (parts.dryRun) return plan;
    log[plan.alarming ? 'warn' : 'info']({ steps: plan.steps.map((step) => step.do) }, plan.because);
    await applyBeforeOpen(
      {
        ...parts,
        files,
        salvage: salvager({ ...parts, pathOf: (id) => parts.folder.pathOf(id) }),
        factsOf: factsReader((id) => parts.folder.pathOf(id), parts.maxPixels),
        onNews: (news) => log.warn(news),
        onStep: () => undefined,
        backupBeforeMigration: () => backupBeforeMigration(parts, files),
      },
      plan,
    );
    return plan;
  } finally {
    await thread.stop();
  }
}

/** The catalog as the older version left it; its rows cannot be counted here, so its own word stands. */
async function backupBeforeMigration(parts: RecoverParts, files: CatalogFiles): Promise<void> {
  const { vault, clock, ids, stagingDir } = parts;
  const file = join(stagingDir, `snapshot-${ids.random(12)}.db`);
  try {
    await files.copyTo(file);
    const { digest, schema, timeline, stamp, ...totals } = await files.check(file, 'pages');
    const snapshot = await vault.snapshots.put(timeline, file);
    const nowMs = clock.nowMs();
    await vault.manifests.put({
      ...totals,
      format: 1,
      name: backupName(nowMs),
      createdAt: new Date(nowMs).toISOString(),
      reason: 'before-migration',
      timeline,
      snapshot,
      newBytes: snapshot.sizeBytes,
      catalogEngine: 'sqlite',
      schema,
      digest,
      stamp,
    });
  } finally {
    await rm(file, { force: true });
  }
}
