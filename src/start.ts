import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createBackupLane } from './backups/lane.ts';
import { removeStraySnapshots, type PruneParts } from './backups/prune.ts';
import { restoreBackup } from './backups/restore.ts';
import { startSchedule } from './backups/schedule.ts';
import { createShipper } from './backups/shipper.ts';
import type { Settings } from './config.ts';
import { createIds, pooled, type Clock } from './core/clock.ts';
import { createGate } from './core/gate.ts';
import type { Backup } from './core/vault.ts';
import type { Service } from './http/parts.ts';
import { createKeyring } from './keys/keyring.ts';
import { createCollector } from './media/collect.ts';
import { createSigner } from './media/sign.ts';
import { createVariants } from './media/variants.ts';
import type { Plan } from './recovery/plan.ts';
import { sweep } from './recovery/sweep.ts';
import { carrier } from './start/carry.ts';
import { healthReader } from './start/health.ts';
import { openStorage } from './start/storage.ts';
import { createTroubles } from './start/troubles.ts';
import { backupMaker, deferring } from './start/upkeep.ts';
import { answerKeptMs, createIdempotency } from './uploads/idempotency.ts';

export interface Holdfast {
  readonly service: Service;
  readonly plan: Plan;
  /** A key for the command line on this machine, as long as this process runs. */
  readonly localKey: string;
  /** Ends what runs in the background, then closes everything. */
  close(): Promise<void>;
}

export const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
export const ids = createIds(pooled(randomBytes));

const lockWaitMs = 60_000;
const expireEveryMs = 60 * 60 * 1000;

/** Opens the data, recovers what has to be, and wires the parts. The only place that chooses implementations. */
export async function startHoldfast(settings: Settings, log: Logger): Promise<Holdfast> {
  const troubles = createTroubles(log);
  const storage = await openStorage({ settings, clock, ids, log, troubles, lockWaitMs });
  const { catalog, vault, blobs, disk, folders, stamps } = storage;
  const gate = createGate();
  const ended = new AbortController();

  const shipper = createShipper(
    {
      ...{ catalog, vault },
      carry: carrier({
        ...{ folder: storage.folder, pool: storage.slowPool, vault, ids },
        incomingDir: join(folders.backups, 'incoming'),
        how: settings.backupCopy,
      }),
      onUnshippable: (ref, error) => troubles.add(`blob ${ref.id}`, error.message),
      onCarried: (ref) => troubles.clear(`blob ${ref.id}`),
    },
    () => clock.monotonicMs(),
    {
      onFailed: (error) =>
        troubles.add('shipping', `Copying to the vault failed: ${(error as Error).message}`),
      onShipped: () => troubles.clear('shipping'),
    },
  );
  const backups: PruneParts = {
    ...{ catalog, vault, shipper, clock, ids, gate, stagingDir: folders.staging },
    retention: { keepLast: settings.backupKeepLast, keepDays: settings.backupKeepDays },
  };
  const make = backupMaker(backups, log, (backup) => schedule.made(backup));
  const lane = createBackupLane((reason, onCut) => make(reason, onCut).finally(() => void removal.flush()));
  const variants = createVariants({
    blobs,
    catalog,
    ids,
    dir: folders.variants,
    maxPixels: settings.maxPixels,
  });
  const removal = deferring(
    createCollector({ catalog, blobs: disk, gate, forgetVariants: (id) => variants.forget(id) }),
    () => lane.running,
  );
  const schedule = startSchedule({
    ...{ clock, every: settings.backupEvery, cron: settings.backupCron },
    ...(await sinceLast(vault.manifests, (await catalog.totals()).uploads)),
    backup: (reason) => lane.backup(reason),
    onFailed: (error) => log.error({ err: error }, 'a backup that was due failed'),
  });

  const localKey = ids.random(50);
  const keyParts = { catalog, clock, ids, stamps };
  const keyring = await createKeyring({
    ...{ catalog, clock, production: settings.production },
    adminKey: settings.adminKey ?? undefined,
    localKey,
  });
  const runSweep = () =>
    sweep(
      {
        catalog,
        disk,
        healing: blobs,
        collect: removal.collect,
        onNews: (news) => troubles.add('orphans', news),
      },
      ended.signal,
    )
      .then((swept) => log.info(swept, 'uploads/ and the catalog agree'))
      .catch((error: unknown) => {
        if (!ended.signal.aborted)
          troubles.add('sweep', `Comparing uploads/ with the catalog failed: ${(error as Error).message}`);
      });
  await removeStraySnapshots(backups);
  let sweeping = runSweep();
  if (storage.plan.steps.some(({ do: step }) => step === 'rebuild' || step === 'refill-vault')) {
    // the next loss must find a vault that has everything
    lane
      .backup('recovery')
      .catch((error: unknown) => log.error({ err: error }, 'the backup after a recovery failed'));
  }
  shipper.uploaded(); // what the last run did not get to
  const expire = setInterval(() => void forgetOldAnswers(catalog, log), expireEveryMs).unref();

  const service: Service = {
    ...{ catalog, blobs, keyring, variants, lane, backups, intake: storage.intake, keys: keyParts },
    edit: { catalog, clock, stamps, gate, collect: removal.collect },
    signer: await createSigner(keyParts),
    finish: {
      ...{ catalog, gate, clock, ids, stamps, collect: removal.collect },
      onUploaded(count) {
        shipper.uploaded();
        schedule.uploaded(count);
      },
    },
    admit: createIdempotency(keyParts),
    restore: (name, options) =>
      lane
        .restore(async () => {
          const restored = await restoreBackup(
            {
              ...{ ...backups, stamps, blobs: disk, onStep: () => undefined },
              async onTimeline(timeline) {
                storage.setTimeline(timeline);
                await keyring.reload();
              },
            },
            name,
            options,
          );
          if (!options.dryRun) sweeping = sweeping.then(runSweep);
          return restored;
        })
        .finally(() => void removal.flush()),
    health: await healthReader({ settings, storage, schedule, troubles, clock }),
  };

  return {
    service,
    plan: storage.plan,
    localKey,
    async close() {
      clearInterval(expire);
      ended.abort();
      await schedule.stop();
      await shipper.stop();
      await lane.idle();
      await sweeping;
      await storage.close();
    },
  };
}

async function sinceLast(
  manifests: PruneParts['vault']['manifests'],
  uploads: number,
): Promise<{ last: Backup | null; uploadsSince: number }> {
  const last = (await manifests.list()).find((one): one is Backup => !('damaged' in one)) ?? null;
  return { last, uploadsSince: Math.max(0, uploads - (last?.uploads ?? 0)) };
}

async function forgetOldAnswers(catalog: Service['catalog'], log: Logger): Promise<void> {
  try {
    while (await catalog.expire(clock.nowMs() - answerKeptMs));
  } catch (error) {
    log.warn({ err: error }, 'old idempotency answers could not be removed; it is tried again in an hour');
  }
}
