import type { BlobId, BlobRef } from './blob.ts';
import type { Change, ReplicatedTable } from './change.ts';
import type { BlobFacts, Kind, MediaWithFacts } from './media.ts';
import type { Stamp } from './stamp.ts';

/** What is committed together: all of it or none. */
export interface Unit {
  readonly changes: readonly Change[];
  /** What was found in new blobs. Derived, so a change may come without. */
  readonly facts?: readonly (BlobRef & { readonly facts: BlobFacts })[];
  /** The unit is refused with precondition-failed unless each row still has this stamp (null: does not exist). */
  readonly expect?: readonly { table: ReplicatedTable; id: string; stamp: Stamp | null }[];
}

export interface Written {
  /** Blobs named by the unit that the catalog already knew. */
  readonly known: readonly BlobId[];
}

/** Which media, newest first. Every combination reads about a page's worth of rows, however many there are. */
export interface MediaQuery {
  readonly limit: number;
  readonly state: 'live' | 'trashed';
  readonly kind?: Kind;
  /** Media with all of these tags. */
  readonly tags?: readonly string[];
  /** Media whose name, description or tags have all of these words. */
  readonly words?: readonly string[];
  /** Only ids below this one (exclusive). */
  readonly belowId?: string;
  /** Only ids from this one on (inclusive). */
  readonly fromId?: string;
}

export interface Totals {
  /** Media that are not purged. */
  readonly media: number;
  /** Distinct blobs that media which are not purged name, and their bytes. */
  readonly blobs: number;
  readonly bytes: number;
  /** Uploads ever committed; grows by one with each new media. */
  readonly uploads: number;
}

/** The database of rows. */
export interface Catalog {
  /**
   * Applies the changes that win and stores the rest of the unit; durable on return. Units that wait share one commit.
   * @throws precondition-failed (nothing written), no-space, unavailable
   */
  write(unit: Unit): Promise<Written>;

  /** @throws unavailable */
  media(id: string): Promise<MediaWithFacts | undefined>;
  /** @throws unavailable */
  list(query: MediaQuery): Promise<MediaWithFacts[]>;
  /** A replicated row as the change that made it. @throws unavailable */
  row(table: Exclude<ReplicatedTable, 'media'>, id: string): Promise<Change | undefined>;
  /** All rows of a small table. @throws unavailable */
  rows(table: Exclude<ReplicatedTable, 'media'>): Promise<Change[]>;
  /** @throws unavailable */
  totals(): Promise<Totals>;
  /** Forgets the idempotency answers given before that moment; true when there may be more. @throws no-space, unavailable */
  expire(beforeMs: number): Promise<boolean>;

  /** What the catalog knows about blobs. */
  readonly blobs: BlobBook;
  /** The catalog as files: copying it, checking a copy, putting one in its place. */
  readonly files: CatalogFiles;
}

export interface BlobBook {
  /** How many media that are not purged name it. */
  uses(id: BlobId): Promise<number>;
  /** Stores what was found by looking into the bytes; may be lost. */
  learn(ref: BlobRef, facts: BlobFacts): Promise<void>;
  /** Blobs that are named but not yet in that vault, oldest first. */
  unshipped(vault: string, limit: number): Promise<BlobRef[]>;
  /** How much that is; beyond `most` blobs it is not counted on. */
  pending(vault: string, most: number): Promise<{ readonly blobs: number; readonly bytes: number }>;
  /** The vault has lost its copies: every blob in use is to be shipped again. */
  refill(vault: string): Promise<void>;
  /** These are durably in that vault now. */
  shipped(vault: string, ids: readonly BlobId[]): Promise<void>;
  /** Every blob that a media which is not purged names, in order of id, from after `afterId`. */
  inUse(afterId: BlobId, limit: number): Promise<BlobRef[]>;
  /** Purged blobs nobody names: the latest moment at which one was still named. */
  purged(afterId: BlobId, limit: number): Promise<(BlobRef & { purgedMs: number })[]>;
  /** No vault has them any more and no backup names them. Those that are named again are left. */
  forget(ids: readonly BlobId[]): Promise<void>;
}

/** What a copy of a catalog says of itself, checked against its rows. */
export interface CatalogSummary extends Totals {
  /** Number of the last migration. */
  readonly schema: number;
  readonly timeline: number;
  readonly digest: string;
  /** The greatest of the changes it has applied; '' when there are none. */
  readonly stamp: Stamp;
}

/** Catalogs as files. `file` is never the running one. */
export interface CatalogFiles {
  /**
   * Writes one consistent state of the running catalog to `file`, a new SQLite file; flushed on return. Never stops writers.
   * @throws no-space, unavailable
   */
  copyTo(file: string): Promise<void>;
  /**
   * `pages`: the structure of the file; `rows`: also every row against the recorded totals and digest.
   * @throws damaged, not-found, unavailable
   */
  check(file: string, depth: 'pages' | 'rows'): Promise<CatalogSummary>;
  /** Blobs that `file` names, in order of id; with those that only purged media name when asked. @throws unavailable */
  blobs(file: string, which: 'in-use' | 'all'): AsyncIterable<BlobRef>;
  /**
   * Makes the staged `file` ready to follow the running catalog: see `Succession`. May be repeated; flushed on return.
   * @throws damaged, no-space, unavailable
   */
  succeed(file: string, succession: Succession): Promise<CatalogSummary>;
  /** Applies changes to a staged file, as at run time. @throws no-space, unavailable */
  apply(file: string, unit: Unit): Promise<void>;
  /** Puts `file` in the place of the running catalog, which is set aside. Nothing may be written meanwhile. */
  replace(file: string): Promise<void>;
}

export interface Succession {
  readonly timeline: number;
  /** Which vaults have every blob the file names, so that nothing waits for them in the outbox. */
  readonly vaults: readonly string[];
  /**
   * Whether the running catalog comes before it: its keys, settings and idempotency answers are taken over, and its media
   * that the file lacks become purged, so that their blobs are kept while an older backup needs them.
   */
  readonly follows: boolean;
  readonly atMs: number;
  readonly stamp: Stamp;
}
