import type { Logger } from 'pino';
import { createBackup } from '../backups/create.ts';
import { pruneBackups, type PruneParts } from '../backups/prune.ts';
import type { BlobId, CollectBlobs } from '../core/blob.ts';
import type { Backup, BackupReason, JournalMark } from '../core/vault.ts';

/** The journal reaches back this many backups, so that an unsound snapshot can be passed over for the one before. */
const marksKept = 2;

/** Makes a backup, then lets go of what is no longer needed because of it. */
export function backupMaker(parts: PruneParts, log: Logger, onMade: (backup: Backup) => void) {
  const marks: JournalMark[] = [];
  return async function make(reason: BackupReason, onCut: () => void): Promise<Backup> {
    const { backup, mark } = await createBackup(parts, reason, onCut);
    onMade(backup);
    log.info({ backup: backup.name, reason, media: backup.media, newBytes: backup.newBytes }, 'backup made');
    marks.push(mark);
    try {
      if (marks.length > marksKept) await parts.vault.journal.forget(marks.shift()!);
      await pruneBackups(parts);
    } catch (error) {
      log.warn({ err: error }, 'tidying up after a backup failed; it is tried again after the next');
    }
    return backup;
  };
}

export interface DeferredCollect {
  readonly collect: CollectBlobs;
  /** Removes what was put off. */
  flush(): Promise<void>;
}

/** While a backup is being made the blobs it names must stay, so what is purged meanwhile is removed after it. */
export function deferring(collect: CollectBlobs, busy: () => boolean): DeferredCollect {
  let deferred: BlobId[] = [];
  return {
    async collect(ids) {
      if (busy()) deferred.push(...ids);
      else await collect(ids);
    },
    async flush() {
      const ids = deferred;
      deferred = [];
      if (ids.length > 0) await collect(ids);
    },
  };
}
