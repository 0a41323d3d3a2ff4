import type { JsonObject } from './json.ts';
import type { Stamp } from './stamp.ts';

/** The tables that are replicated. Everything else in a catalog is derived from them or from the blobs. */
export const replicatedTables = ['media', 'keys', 'settings', 'idempotency'] as const;
export type ReplicatedTable = (typeof replicatedTables)[number];

/**
 * The new state of one replicated row. Replicated rows only ever change by applying changes.
 * `row` null: the row is gone. Members that this version does not know are carried along.
 */
export interface Change {
  readonly table: ReplicatedTable;
  readonly id: string;
  readonly stamp: Stamp;
  readonly row: JsonObject | null;
}

/** What the catalog holds of a row: enough to decide whether a change to it wins. */
export interface Held {
  readonly stamp: Stamp;
  readonly purged: boolean;
}

/**
 * Whether `change` replaces what is held (DESIGN.md §3.4): purged wins over any stamp, otherwise the greater stamp wins.
 * The same change twice, or changes in any order, end in the same state.
 */
export function wins(change: Change, held: Held | undefined): boolean {
  if (held === undefined) return true;
  const purges = isPurge(change);
  if (purges !== held.purged) return purges;
  return change.stamp > held.stamp;
}

export function isPurge(change: Change): boolean {
  return change.table === 'media' && change.row?.['state'] === 'purged';
}

/** Whether the row counts in the digest and in the totals. */
export function isLive(change: Change): boolean {
  return change.row !== null && !isPurge(change);
}
