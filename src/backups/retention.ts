import type { Backup, BackupReason } from '../core/vault.ts';

export interface Retention {
  /** How many of each reason are kept. */
  readonly keepLast: number;
  /** None older than this is kept. */
  readonly keepDays: number;
}

/** A backup and whether its last check was good. */
export interface Candidate {
  readonly backup: Backup;
  readonly verified: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;
/** An undo must be there for at least this long. */
const undoKeptMs = 2 * dayMs;

/**
 * Which backups may go. Counted apart by reason, so that a burst of automatic ones does not push out the one an operator made;
 * the newest one that was verified always stays, and so does the newest of all.
 */
export function superfluous(candidates: readonly Candidate[], retention: Retention, nowMs: number): Backup[] {
  const newestFirst = [...candidates].sort((a, b) => (a.backup.name < b.backup.name ? 1 : -1));
  const sacred = new Set([
    newestFirst[0]?.backup.name,
    newestFirst.find(({ verified }) => verified)?.backup.name,
  ]);
  const kept = new Map<BackupReason, number>();
  return newestFirst
    .map(({ backup }) => backup)
    .filter((backup) => {
      const rank = (kept.get(backup.reason) ?? 0) + 1;
      kept.set(backup.reason, rank);
      const ageMs = nowMs - Date.parse(backup.createdAt);
      if (sacred.has(backup.name) || (backup.reason === 'before-restore' && ageMs < undoKeptMs)) return false;
      return rank > retention.keepLast || ageMs > retention.keepDays * dayMs;
    });
}
