import { HoldfastError } from '../core/error.ts';

const namePattern = /^backup-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z$/;

/** `backup-2026-01-31T12-00-00-000Z` */
export function backupName(atMs: number): string {
  return `backup-${new Date(atMs).toISOString().replace(/[:.]/g, '-')}`;
}

/** A name from outside becomes part of a path only when it looks exactly like one of ours. @throws not-found */
export function requireBackupName(text: string): string {
  if (namePattern.test(text)) return text;
  throw new HoldfastError(
    'not-found',
    'There is no such backup. GET /api/backups lists their names, like backup-2026-01-31T12-00-00-000Z.',
  );
}
