import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { createHash } from 'node:crypto';
import { applyUnit, type Rows } from '../../src/catalog/apply.ts';
import { emptyLedger, saveLedger } from '../../src/catalog/ledger.ts';
import { migrate } from '../../src/catalog/migrate.ts';
import { prepareStatements } from '../../src/catalog/prepare.ts';
import type { Schema } from '../../src/catalog/schema.ts';
import { statementTexts } from '../../src/catalog/statements.ts';
import type { Unit } from '../../src/core/catalog.ts';
import { mediaIdAt } from '../../src/core/clock.ts';
import type { Media } from '../../src/core/media.ts';
import { formatStamp } from '../../src/core/stamp.ts';

/** A catalog in memory, to which units are applied as at run time, each in a transaction. */
export async function catalogInMemory(vaults: string[] = ['local']) {
  const db = new Database(':memory:');
  await migrate(new Kysely<Schema>({ dialect: new SqliteDialect({ database: db }) }));
  const rows: Rows = { statements: prepareStatements(db, statementTexts), ledger: emptyLedger(), vaults };
  return {
    db,
    rows,
    apply: db.transaction((unit: Unit) => {
      const outcome = applyUnit(rows, unit);
      saveLedger(rows.statements, rows.ledger);
      return outcome;
    }),
    /** Every row that two catalogs of the same state have in common, however they came to it. */
    dump: () => ({
      media: db.prepare('select * from media order by id').all(),
      blobs: db.prepare('select id, size_bytes, uses from blobs order by id').all(),
      terms: db.prepare('select * from terms order by 1, 2, 3, 4').all(),
      records: db.prepare('select * from records order by 1, 2').all(),
      ledger: { ...rows.ledger },
    }),
  };
}

export function stampAt(ms: number, writer = 'test'): string {
  return formatStamp(ms, 0, writer);
}

export function blobId(name: string | number): string {
  return createHash('sha256').update(String(name)).digest('hex');
}

/** A media that was made at that millisecond; `changes` may give it any other member. */
export function mediaAt(ms: number, changes: Partial<Media> = {}): Media {
  const blob = changes.blob ?? blobId(ms);
  return {
    ...{ id: mediaIdAt(ms) + '0'.repeat(16), stamp: stampAt(ms), state: 'live', blob, sizeBytes: 100 },
    ...{
      kind: 'image',
      type: 'image/jpeg',
      name: `photo ${ms}.jpg`,
      owner: null,
      tags: [],
      description: null,
    },
    ...{
      visibility: 'private',
      takenMs: null,
      createdMs: ms,
      updatedMs: ms,
      trashedMs: null,
      purgedMs: null,
    },
    extra: {},
    ...changes,
  };
}
