import type { BlobRef } from '../core/blob.ts';
import type { Unit, Written } from '../core/catalog.ts';
import { isLive, wins, type Change } from '../core/change.ts';
import { addToDigest, takeFromDigest } from '../core/digest.ts';
import { HoldfastError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import { mediaChange, mediaOf, noFacts, type BlobFacts, type Media } from '../core/media.ts';
import type { Ledger } from './ledger.ts';
import { mediaFromRow, mediaToRow, recordFromRow, type MediaRow } from './rows.ts';
import type { Statements } from './prepare.ts';
import { termsOf } from './terms.ts';

/** Where rows are changed: prepared statements inside an open transaction, and the ledger they add up to. */
export interface Rows {
  readonly statements: Statements;
  readonly ledger: Ledger;
  /** The vaults that are to get a copy of every blob. */
  readonly vaults: readonly string[];
}

/**
 * Applies a unit. Changes that lose against what is held leave no trace, so that a unit may be applied again.
 * @throws precondition-failed before anything is written
 */
export function applyUnit(rows: Rows, unit: Unit): Written & { applied: Change[] } {
  for (const expected of unit.expect ?? []) requireStamp(rows, expected);
  const facts = new Map((unit.facts ?? []).map((found) => [found.id, found.facts]));
  const known = new Set<string>();
  const applied = unit.changes.filter((change) =>
    change.table === 'media' ? applyMedia(rows, change, facts, known) : applyRecord(rows, change),
  );
  for (const { stamp } of unit.changes) if (stamp > rows.ledger.stamp) rows.ledger.stamp = stamp; // seen, even if it lost
  return { known: [...known], applied };
}

function requireStamp(rows: Rows, expected: NonNullable<Unit['expect']>[number]): void {
  const { table, id, stamp } = expected;
  const { mediaRow, recordRow } = rows.statements;
  const held = (table === 'media' ? mediaRow.get(id) : recordRow.get(table, id)) as
    { stamp: string } | undefined;
  if ((held?.stamp ?? null) === stamp) return;
  throw new HoldfastError(
    'precondition-failed',
    'It has changed since you read it. Read it again, then repeat the change.',
  );
}

function applyMedia(rows: Rows, change: Change, facts: Map<string, BlobFacts>, known: Set<string>): boolean {
  const { statements, ledger } = rows;
  const heldRow = statements.mediaRow.get(change.id) as MediaRow | undefined;
  const old = heldRow && mediaFromRow(heldRow);
  if (!wins(change, old && { stamp: old.stamp, purged: old.state === 'purged' })) return false;

  const next = mediaOf(change as Change & { row: JsonObject });
  statements.putMedia.run(...Object.values(mediaToRow(next)));
  countMedia(ledger, old, next);
  moveTerms(statements, old, next);
  const held = old !== undefined && old.state !== 'purged' ? old : undefined;
  if (next.state === 'purged') release(rows, held ?? next, next.purgedMs, held !== undefined);
  else if (held === undefined && hold(rows, next, facts.get(next.blob))) known.add(next.blob);
  return true;
}

function countMedia(ledger: Ledger, old: Media | undefined, next: Media): void {
  if (old === undefined) ledger.uploads += 1;
  if (old !== undefined && old.state !== 'purged') {
    ledger.media -= 1;
    ledger.digest = takeFromDigest(ledger.digest, mediaChange(old));
  }
  if (next.state !== 'purged') {
    ledger.media += 1;
    ledger.digest = addToDigest(ledger.digest, mediaChange(next));
  }
}

interface UseRow {
  uses: number;
  /** The latest purge of a media that named it, in whatever order the purges came. */
  purged_ms: number | null;
}

/** One more media names the blob. True: others named it already. */
function hold(rows: Rows, media: Media, found: BlobFacts = noFacts): boolean {
  const { statements, ledger, vaults } = rows;
  const blob = statements.blobRow.get(media.blob) as UseRow | undefined;
  if (blob !== undefined) statements.setUses.run(blob.uses + 1, blob.purged_ms, media.blob);
  else addBlob(statements, { id: media.blob, sizeBytes: media.sizeBytes }, found, 1, null);
  if (blob !== undefined && blob.uses > 0) return true;
  ledger.blobs += 1;
  ledger.bytes += media.sizeBytes;
  for (const vault of vaults) statements.addOutbox.run(vault, media.blob, media.sizeBytes);
  return false;
}

/** A media that named the blob is purged. */
function release(rows: Rows, media: Media, purgedMs: number | null, counted: boolean): void {
  const { statements, ledger } = rows;
  const blob = statements.blobRow.get(media.blob) as UseRow | undefined;
  if (blob === undefined) {
    addBlob(statements, { id: media.blob, sizeBytes: media.sizeBytes }, noFacts, 0, purgedMs);
    return;
  }
  const latestMs = Math.max(blob.purged_ms ?? 0, purgedMs ?? 0);
  statements.setUses.run(counted ? blob.uses - 1 : blob.uses, latestMs, media.blob);
  if (!counted || blob.uses > 1) return;
  ledger.blobs -= 1;
  ledger.bytes -= media.sizeBytes;
}

function addBlob(s: Statements, ref: BlobRef, facts: BlobFacts, uses: number, purgedMs: number | null): void {
  const { width, height, animated, undecodable } = facts;
  s.addBlob.run(ref.id, ref.sizeBytes, width, height, Number(animated), Number(undecodable), uses, purgedMs);
}

function moveTerms(statements: Statements, old: Media | undefined, next: Media): void {
  const before = new Set(old === undefined || old.state === 'purged' ? [] : termsOf(old));
  const after = new Set(next.state === 'purged' ? [] : termsOf(next));
  const moved = old?.state !== next.state || old.kind !== next.kind;
  for (const term of before) {
    if (moved || !after.has(term)) statements.removeTerm.run(term, old!.state, old!.kind, next.id);
  }
  for (const term of after) {
    if (moved || !before.has(term)) statements.addTerm.run(term, next.state, next.kind, next.id);
  }
}

function applyRecord(rows: Rows, change: Change): boolean {
  const { statements, ledger } = rows;
  const heldRow = statements.recordRow.get(change.table, change.id) as
    Parameters<typeof recordFromRow>[0] | undefined;
  const old = heldRow && recordFromRow(heldRow);
  if (!wins(change, old && { stamp: old.stamp, purged: false })) return false;

  if (old !== undefined && isLive(old)) ledger.digest = takeFromDigest(ledger.digest, old);
  if (isLive(change)) ledger.digest = addToDigest(ledger.digest, change);
  const body = change.row === null ? null : JSON.stringify(change.row);
  statements.putRecord.run(change.table, change.id, change.stamp, body);
  return true;
}
