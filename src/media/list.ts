import type { Catalog, MediaQuery } from '../core/catalog.ts';
import { isMediaId, mediaIdAt } from '../core/clock.ts';
import { HoldfastError } from '../core/error.ts';
import type { Kind, MediaWithFacts } from '../core/media.ts';

/** Which media a client asks for. Times are milliseconds. */
export interface Wanted {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly kind?: Kind | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Words, all of which the name, description or tags must have. */
  readonly q?: string | undefined;
  /** Made before (exclusive), and from then on (inclusive). */
  readonly beforeMs?: number | undefined;
  readonly afterMs?: number | undefined;
  readonly trashed?: boolean | undefined;
}

export interface Page {
  readonly items: MediaWithFacts[];
  /** null: there are no more. */
  readonly nextCursor: string | null;
}

/**
 * A page of media, newest first. The cursor is the last id of the page before, so that what is added or removed meanwhile
 * neither repeats nor hides anything. @throws malformed (the cursor), unavailable
 */
export async function listMedia(catalog: Catalog, wanted: Wanted): Promise<Page> {
  const found = await catalog.list(queryFor(wanted));
  const items = found.slice(0, wanted.limit);
  return { items, nextCursor: found.length > wanted.limit ? items.at(-1)!.id : null };
}

function queryFor({ limit, cursor, kind, tags, q, beforeMs, afterMs, trashed }: Wanted): MediaQuery {
  const belowId = lowest(requireCursor(cursor), beforeMs === undefined ? undefined : mediaIdAt(beforeMs));
  return {
    limit: limit + 1, // one more tells whether there is a next page
    state: trashed === true ? 'trashed' : 'live',
    ...(kind !== undefined && { kind }),
    ...(tags !== undefined && tags.length > 0 && { tags }),
    ...(q !== undefined && q.trim() !== '' && { words: [q] }),
    ...(belowId !== undefined && { belowId }),
    ...(afterMs !== undefined && { fromId: mediaIdAt(afterMs) }),
  };
}

function requireCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined || isMediaId(cursor)) return cursor;
  throw new HoldfastError(
    'malformed',
    'This cursor is not one of ours. Use nextCursor of the page before, or leave it out.',
  );
}

function lowest(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
