import type { Generated } from 'kysely';
import type { Kind, MediaState, Visibility } from '../core/media.ts';

/** The tables as Kysely sees them. Times are milliseconds; what is JSON is said so. */
export interface Schema {
  media: {
    id: string;
    stamp: string;
    state: MediaState;
    blob: string;
    size_bytes: number;
    kind: Kind;
    type: string;
    name: string;
    owner: string | null;
    /** JSON array */
    tags: string;
    description: string | null;
    visibility: Visibility;
    taken_ms: number | null;
    created_ms: number;
    updated_ms: number;
    trashed_ms: number | null;
    purged_ms: number | null;
    /** JSON object: members this version does not know */
    extra: string;
  };
  /** Derived from media and from the bytes. */
  blobs: {
    id: string;
    size_bytes: number;
    width: number | null;
    height: number | null;
    animated: 0 | 1;
    undecodable: 0 | 1;
    /** How many media that are not purged name it. */
    uses: number;
    /** The latest purge of a media that named it; says something when uses is 0. */
    purged_ms: number | null;
  };
  /** Derived: words and tags (with a # before them) of media that are not purged. */
  terms: { term: string; state: MediaState; kind: Kind; media: string };
  /** The small replicated tables: keys, settings, idempotency. A body of null is a row that is gone. */
  records: { kind: string; id: string; stamp: string; body: string | null };
  /** Blobs that a vault has not got yet. */
  outbox: { seq: Generated<number>; vault: string; blob: string; size_bytes: number };
  /** One row each: ledger (JSON: totals and digest), timeline, library. */
  state: { name: string; value: string };
}
