import { stat } from 'node:fs/promises';
import type { Schedule } from '../backups/schedule.ts';
import type { Settings } from '../config.ts';
import type { Clock } from '../core/clock.ts';
import { readHealth, type Health } from '../host/health.ts';
import { createProbe } from '../host/probe.ts';
import { freeBytes } from '../host/space.ts';
import { judgeStorage } from '../host/storage.ts';
import type { Storage } from './storage.ts';
import type { Troubles } from './troubles.ts';

interface Parts {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly schedule: Schedule;
  readonly troubles: Troubles;
  readonly clock: Clock;
}

/** More are not counted: that there are many is all that matters. */
const mostPendingCounted = 2000;

export async function healthReader({
  settings,
  storage,
  schedule,
  troubles,
  clock,
}: Parts): Promise<() => Promise<Health>> {
  const { catalog, folders, vault } = storage;
  const health = {
    probeDisk: createProbe({ dir: folders.uploads, clock }),
    probeCatalog: createProbe({
      dir: folders.uploads,
      clock,
      attempt: () => probeCatalog(settings.databasePath, catalog),
    }),
    storage: await judgeStorage(settings.dataDir, settings.hostEnv),
    platform: settings.platform,
    freeBytes: atMostOnceASecond(clock, () => freeBytes(settings.dataDir)),
    totals: () => catalog.totals(),
    pending: () => catalog.blobs.pending(vault.name, mostPendingCounted),
    backup: () => ({ ...schedule.state(), every: settings.backupEvery }),
    troubles: () => troubles.all(),
  };
  return () => readHealth(health);
}

async function probeCatalog(file: string, catalog: Storage['catalog']): Promise<void> {
  await stat(file);
  await catalog.probe();
}

/** What costs something and need not be newer. */
function atMostOnceASecond<T>(clock: Clock, read: () => Promise<T>): () => Promise<T> {
  let last: { atMs: number; result: Promise<T> } | undefined;
  return () => {
    const nowMs = clock.monotonicMs();
    if (last === undefined || nowMs - last.atMs >= 1000) last = { atMs: nowMs, result: read() };
    return last.result;
  };
}
