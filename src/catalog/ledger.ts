import { digestText, emptyDigest, parseDigest, type Digest } from '../core/digest.ts';
import type { Totals } from '../core/catalog.ts';
import type { Statements } from './prepare.ts';

/** Totals and digest of the rows, kept as they change and stored with them in the same transaction. */
export interface Ledger {
  media: number;
  blobs: number;
  bytes: number;
  uploads: number;
  digest: Digest;
  /** The greatest stamp seen. */
  stamp: string;
}

export function emptyLedger(): Ledger {
  return { media: 0, blobs: 0, bytes: 0, uploads: 0, digest: emptyDigest, stamp: '' };
}

export function loadLedger(statements: Pick<Statements, 'getState'>): Ledger {
  const row = statements.getState.get('ledger') as { value: string } | undefined;
  return row === undefined ? emptyLedger() : parseLedger(row.value);
}

export function saveLedger(statements: Pick<Statements, 'putState'>, ledger: Ledger): void {
  statements.putState.run('ledger', JSON.stringify({ ...ledger, digest: digestText(ledger.digest) }));
}

export function parseLedger(value: string): Ledger {
  const stored = JSON.parse(value) as Totals & { digest: string; stamp: string };
  return { ...stored, digest: parseDigest(stored.digest) };
}
