import { pino } from 'pino';
import { restoreBackup, type RestoreParts, type RestoreStep } from '../../src/backups/restore.ts';
import { settings as readSettings } from '../../src/config.ts';
import { createGate } from '../../src/core/gate.ts';
import { clock, ids } from '../../src/start.ts';
import { openStorage } from '../../src/start/storage.ts';
import { createTroubles } from '../../src/start/troubles.ts';

/** A process that restores a backup of DATA_DIR and dies before a step: `node restore-and-die.ts <backup> <step>` */
const [name = '', step = ''] = process.argv.slice(2);

const settings = readSettings();
const log = pino({ level: 'silent' });
const storage = await openStorage({
  settings,
  clock,
  ids,
  log,
  troubles: createTroubles(log),
  lockWaitMs: 5000,
});
const { catalog, vault, folders, stamps, disk } = storage;

/** Nothing is left to ship: the backups that were made before saw to that. */
const shipper: RestoreParts['shipper'] = {
  ship: async () => [],
  carry: async () => undefined,
  takeBytes: () => 0,
  uploaded: () => undefined,
  stop: async () => undefined,
};

await restoreBackup(
  {
    ...{ catalog, vault, shipper, clock, ids, stamps, blobs: disk },
    stagingDir: folders.staging,
    gate: createGate(),
    onTimeline: async (timeline) => storage.setTimeline(timeline),
    onStep: (next: RestoreStep) => void (next === step && process.kill(process.pid, 'SIGKILL')),
  },
  name,
  { dryRun: false },
);
throw new Error(`the restore ended without coming to the step ${step}`);
