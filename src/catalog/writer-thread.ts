import { statSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { BlobId, BlobRef } from '../core/blob.ts';
import type { Unit } from '../core/catalog.ts';
import type { Change } from '../core/change.ts';
import { takeFromDigest } from '../core/digest.ts';
import { isHoldfastError } from '../core/error.ts';
import type { BlobFacts } from '../core/media.ts';
import { formatStamp } from '../core/stamp.ts';
import { answerThread, sendable, type ThreadError } from '../core/thread.ts';
import { applyUnit, type Rows } from './apply.ts';
import { loadLedger, saveLedger } from './ledger.ts';
import { openForWriting, type Connection } from './open.ts';
import { recordFromRow } from './rows.ts';
import { prepareStatements, type Statements } from './prepare.ts';
import type { statementTexts } from './statements.ts';

/**
 * The only thread that writes the running catalog, so that the one that serves HTTP never waits for a flush. A batch is
 * applied in one transaction, which stays open until the caller says commit or rollback.
 */
export type Work =
  | { readonly unit: Unit }
  | { readonly shipped: { readonly vault: string; readonly ids: readonly BlobId[] } }
  | { readonly learned: BlobRef & { readonly facts: BlobFacts } }
  | { readonly forgotten: readonly BlobId[] }
  | { readonly refill: string }
  | { readonly expireBeforeMs: number }
  | { readonly note: { readonly name: string; readonly value: string } };

export type Outcome =
  | { readonly known: readonly BlobId[]; readonly applied: readonly number[]; readonly more: boolean }
  | { readonly failed: ThreadError };

interface Settings {
  file: string;
  vaults: string[];
  statements: typeof statementTexts;
}

interface Open {
  db: Connection;
  statements: Statements;
  inode: bigint;
}

const mostExpired = 1000;

let settings: Settings;
let open: Open | undefined;
let rows: Rows | undefined;

answerThread(parentPort!, {
  open(given: Settings) {
    settings = given;
    begin();
  },
  apply(batch: Work[]): Outcome[] {
    const { db } = open ?? begin();
    try {
      requireSameFile(open!); // also here, or a row would be committed where nobody finds it
      db.exec('begin immediate');
      return applyTogether(batch);
    } catch (error) {
      abandon();
      throw error;
    }
  },
  commit() {
    try {
      saveLedger(open!.statements, rows!.ledger);
      open!.db.exec('commit');
      requireSameFile(open!);
    } catch (error) {
      abandon();
      throw error;
    }
  },
  rollback: abandon,
  close() {
    open?.db.pragma('wal_checkpoint(TRUNCATE)');
    open?.db.close();
    open = undefined;
  },
});

function begin(): Open {
  const db = openForWriting(settings.file, true);
  try {
    open = {
      db,
      statements: prepareStatements(db, settings.statements),
      inode: statSync(settings.file, { bigint: true }).ino,
    };
    return open;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** One bad unit must not fail the others that share its transaction: each is undone alone. */
function applyTogether(batch: readonly Work[]): Outcome[] {
  rows = { statements: open!.statements, ledger: loadLedger(open!.statements), vaults: settings.vaults };
  return batch.map((work) => {
    const before = { ...rows!.ledger };
    try {
      if (batch.length > 1) open!.db.exec('savepoint one');
      const outcome = applyWork(rows!, work);
      if (batch.length > 1) open!.db.exec('release one');
      return outcome;
    } catch (error) {
      if (!open!.db.inTransaction || (batch.length === 1 && !isHoldfastError(error))) throw error;
      if (batch.length > 1) open!.db.exec('rollback to one; release one');
      Object.assign(rows!.ledger, before);
      return { failed: sendable(error) };
    }
  });
}

function applyWork(into: Rows, work: Work): Outcome {
  if ('unit' in work) {
    const { known, applied } = applyUnit(into, work.unit);
    return { known, applied: applied.map((change) => work.unit.changes.indexOf(change)), more: false };
  }
  if ('expireBeforeMs' in work) return { known: [], applied: [], more: expire(into, work.expireBeforeMs) };
  const { statements } = into;
  if ('shipped' in work)
    for (const id of work.shipped.ids) statements.removeOutbox.run(work.shipped.vault, id);
  else if ('refill' in work) statements.refillOutbox.run(work.refill);
  else if ('forgotten' in work) for (const id of work.forgotten) statements.forgetBlob.run(id, 0);
  else if ('note' in work) statements.putState.run(work.note.name, work.note.value);
  else learn(statements, work.learned);
  return { known: [], applied: [], more: false };
}

function learn(statements: Statements, { id, facts }: BlobRef & { facts: BlobFacts }): void {
  statements.setFacts.run(facts.width, facts.height, Number(facts.animated), Number(facts.undecodable), id);
}

function expire({ statements, ledger }: Rows, beforeMs: number): boolean {
  const old = statements.oldRecords.all('idempotency', formatStamp(beforeMs, 0, ''), mostExpired);
  for (const row of old as Parameters<typeof recordFromRow>[0][]) {
    const gone: Change = recordFromRow(row);
    if (gone.row !== null) ledger.digest = takeFromDigest(ledger.digest, gone);
    statements.forgetRecord.run(gone.table, gone.id);
  }
  return old.length === mostExpired;
}

/** Rows written to a file that has lost its name would be gone at the next start. */
function requireSameFile({ inode }: Open): void {
  const now = statSync(settings.file, { bigint: true, throwIfNoEntry: false });
  if (now?.ino === inode) return;
  throw Object.assign(new Error('the catalog file was removed or replaced while it was in use'), {
    code: 'CATALOG_GONE',
  });
}

/** After a failure the connection may be of no more use: the next batch opens a new one. */
function abandon(): void {
  const failed = open;
  open = undefined;
  try {
    if (failed?.db.inTransaction) failed.db.exec('rollback');
  } finally {
    failed?.db.close();
  }
}
