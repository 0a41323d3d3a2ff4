import type { CatalogSummary, Succession } from '../core/catalog.ts';
import { addToDigest, digestText, emptyDigest, type Digest } from '../core/digest.ts';
import { HoldfastError } from '../core/error.ts';
import { mediaChange } from '../core/media.ts';
import type { Connection } from './open.ts';
import { emptyLedger, parseLedger, type Ledger } from './ledger.ts';
import { newestSchema } from './migrate.ts';
import { mediaFromRow, recordFromRow, type MediaRow } from './rows.ts';

/** Reads every page, and every row when asked. @throws damaged, saying what is wrong; internal: a newer version wrote it */
export function requireSound(db: Connection, depth: 'pages' | 'rows'): void {
  const schema = schemaOf(db);
  if (schema > newestSchema) {
    throw new HoldfastError(
      'internal',
      `This catalog was written by a newer Holdfast (schema ${schema}, this one knows ${newestSchema}). Run that version; nothing was changed.`,
    );
  }
  const found = db.pragma('quick_check(1)', { simple: true }) as string;
  if (found !== 'ok') throw damaged(found);
  const recorded = ledgerOf(db);
  if (depth === 'pages') return;
  const counted = { ...countRows(db), digest: digestOf(db) };
  for (const name of ['media', 'blobs', 'bytes', 'digest'] as const) {
    if (counted[name] !== recorded[name]) {
      throw damaged(`its rows do not add up: ${name} is ${counted[name]}, recorded is ${recorded[name]}`);
    }
  }
}

export function summaryOf(db: Connection): CatalogSummary {
  const { digest, ...totals } = ledgerOf(db);
  return {
    ...totals,
    digest: digestText(digest),
    schema: schemaOf(db),
    timeline: Number(stateOf(db, 'timeline') ?? 0),
  };
}

/** Totals and digest of a file whose rows were changed in bulk, and the outbox and use counts that follow from them. */
export function countFile(db: Connection, { vaults, follows, stamp }: Succession): Ledger {
  db.exec(`
    insert or ignore into blobs (id, size_bytes, animated, undecodable, uses)
      select blob, size_bytes, 0, 0, 0 from media;
    update blobs set uses = 0, purged_ms = null;
    update blobs set uses = counted.uses, purged_ms = counted.purged_ms
      from (select blob, sum(state <> 'purged') as uses, max(purged_ms) as purged_ms from media group by blob) as counted
      where counted.blob = blobs.id;
  `);
  for (const vault of vaults) db.prepare('delete from outbox where vault = ?').run(vault);
  const before = ledgerOf(db);
  const latest = follows && stamp > before.stamp ? stamp : before.stamp; // those that became purged have it
  return { ...countRows(db), digest: digestOf(db), uploads: before.uploads, stamp: latest };
}

function countRows(db: Connection): Pick<Ledger, 'media' | 'blobs' | 'bytes'> {
  const media = db.prepare("select count(*) from media where state <> 'purged'").pluck().get() as number;
  const held = db.prepare(
    'select count(*) as blobs, coalesce(sum(size_bytes), 0) as bytes from blobs where uses > 0',
  );
  return { media, ...(held.get() as { blobs: number; bytes: number }) };
}

function digestOf(db: Connection): Digest {
  let digest = emptyDigest;
  for (const row of db.prepare("select * from media where state <> 'purged'").iterate()) {
    digest = addToDigest(digest, mediaChange(mediaFromRow(row as MediaRow)));
  }
  for (const row of db.prepare('select * from records where body is not null').iterate()) {
    digest = addToDigest(digest, recordFromRow(row as Parameters<typeof recordFromRow>[0]));
  }
  return digest;
}

function ledgerOf(db: Connection): Ledger {
  const value = stateOf(db, 'ledger');
  return value === undefined ? emptyLedger() : parseLedger(value);
}

function stateOf(db: Connection, name: string): string | undefined {
  return db.prepare('select value from state where name = ?').pluck().get(name) as string | undefined;
}

function schemaOf(db: Connection): number {
  return db.prepare('select count(*) from kysely_migration').pluck().get() as number;
}

function damaged(what: string): HoldfastError {
  return new HoldfastError('damaged', `The catalog is damaged: ${what}.`);
}
