import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { Kysely, SqliteDialect } from 'kysely';
import type { BlobRef } from '../core/blob.ts';
import type { CatalogSummary, Succession, Unit } from '../core/catalog.ts';
import { answerThread, lowerPriority } from '../core/thread.ts';
import { applyUnit } from './apply.ts';
import { countFile, requireSound, summaryOf } from './check.ts';
import { loadLedger, saveLedger } from './ledger.ts';
import { migrate } from './migrate.ts';
import { openForReading, openStaged, type Connection } from './open.ts';
import type { Schema } from './schema.ts';
import { prepareStatements } from './prepare.ts';
import { statementTexts } from './statements.ts';
import { takeOver } from './take-over.ts';

/** Long work on catalogs as files, at a low priority so that uploads go first. */
lowerPriority();

answerThread(parentPort!, {
  copyTo({ running, file }: { running: string; file: string }) {
    rmSync(file, { force: true });
    const db = openForReading(running);
    try {
      db.prepare('vacuum into ?').run(file);
    } finally {
      db.close();
    }
    flush(file); // VACUUM INTO leaves its output to the page cache
    flush(dirname(file));
  },

  check({ file, depth }: { file: string; depth: 'pages' | 'rows' }): CatalogSummary {
    const db = openForReading(file);
    try {
      requireSound(db, depth);
      return summaryOf(db);
    } finally {
      db.close();
    }
  },

  blobs({
    file,
    least,
    afterId,
    limit,
  }: {
    file: string;
    least: 0 | 1;
    afterId: string;
    limit: number;
  }): BlobRef[] {
    const db = openForReading(file);
    try {
      const query =
        'select id, size_bytes as sizeBytes from blobs where uses >= ? and id > ? order by id limit ?';
      return db.prepare(query).all(least, afterId, limit) as BlobRef[];
    } finally {
      db.close();
    }
  },

  succeed({ file, running, succession }: { file: string; running: string; succession: Succession }) {
    return inStaged(file, succession.follows ? running : undefined, (db) => {
      if (succession.follows) takeOver(db, succession);
      const statements = prepareStatements(db, statementTexts);
      saveLedger(statements, countFile(db, succession));
      statements.putState.run('timeline', String(succession.timeline));
      return summaryOf(db);
    });
  },

  apply({ file, unit, vaults }: { file: string; unit: Unit; vaults: string[] }) {
    return inStaged(file, undefined, (db) => {
      const statements = prepareStatements(db, statementTexts);
      const ledger = loadLedger(statements);
      applyUnit({ statements, ledger, vaults }, unit);
      saveLedger(statements, ledger);
    });
  },
});

async function inStaged<T>(
  file: string,
  running: string | undefined,
  work: (db: Connection) => T,
): Promise<T> {
  const db = openStaged(file);
  try {
    if (running !== undefined) db.prepare('attach ? as running').run(running);
    await migrate(new Kysely<Schema>({ dialect: new SqliteDialect({ database: db }) }));
    return db.transaction(() => work(db)).immediate();
  } finally {
    db.close();
    flush(file);
    flush(dirname(file));
  }
}

function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
