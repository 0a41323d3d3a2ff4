import Database from 'better-sqlite3';
import { HoldfastError } from '../core/error.ts';

export type Connection = Database.Database;

/** The first SQLite without the bug in which two connections that reset the WAL at once could damage the file. */
const oldestSqlite = [3, 51, 3] as const;

/** Opens the running catalog for writing; creates it unless it must exist. A commit is flushed before it returns. */
export function openForWriting(file: string, fileMustExist: boolean): Connection {
  const db = new Database(file, { timeout: 10_000, fileMustExist });
  requireSqlite(db);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('wal_autocheckpoint = 4000');
  db.pragma('journal_size_limit = 67108864');
  db.pragma('temp_store = MEMORY');
  return db;
}

/** Opens a catalog that others may write meanwhile. */
export function openForReading(file: string): Connection {
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 10_000 });
  db.pragma('temp_store = MEMORY');
  return db;
}

/** Opens a copy that nobody else has open. It stays one file: no WAL beside it. */
export function openStaged(file: string): Connection {
  const db = new Database(file, { timeout: 10_000 });
  requireSqlite(db);
  db.pragma('journal_mode = DELETE');
  db.pragma('synchronous = FULL');
  return db;
}

function requireSqlite(db: Connection): void {
  const version = db.prepare('select sqlite_version()').pluck().get() as string;
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of oldestSqlite.entries()) {
    const part = parts[index] ?? 0;
    if (part > wanted) return;
    if (part < wanted) {
      db.close();
      throw new HoldfastError(
        'internal',
        `SQLite ${version} can damage a catalog; install the better-sqlite3 that package-lock.json names (npm ci).`,
      );
    }
  }
}
