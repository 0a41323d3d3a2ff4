import type { BlobStore } from './blob.ts';
import type { Change } from './change.ts';
import type { Stamp, WriterId } from './stamp.ts';

/** Where second copies live. Laid out as docs/FORMAT.md says, whatever the medium. */
export interface Vault {
  /** 'local', or the name an operator sees for an off-site one. */
  readonly name: string;
  readonly blobs: BlobStore;
  readonly timelines: Timelines;
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly manifests: Manifests;
}

/** The line of history that journal and snapshots belong to, numbered from 0. A restore begins the next. */
export interface Timeline {
  readonly number: number;
  /** null: the first. */
  readonly parent: number | null;
  /** The backup whose state it began with; null: it began empty, or was salvaged. */
  readonly restored: string | null;
  /** The snapshot it began with; null: it began empty. */
  readonly snapshot: SnapshotRef | null;
  readonly createdAt: string;
}

export interface Timelines {
  /** The newest one; undefined when the vault has none. @throws damaged, unavailable */
  current(): Promise<Timeline | undefined>;
  /** Creates it; durable on return. False: another was first. @throws no-space, unavailable */
  begin(next: Timeline): Promise<boolean>;
}

/** Changes that were committed together. */
export interface Segment {
  readonly timeline: number;
  readonly writer: WriterId;
  readonly changes: readonly Change[];
}

/** The changes a vault has received since its snapshots were cut. */
export interface Journal {
  /** Durable on return. @throws no-space, unavailable */
  append(segment: Segment): Promise<void>;
  /** Takes back the segment appended last: its commit failed. @throws unavailable */
  takeBack(): Promise<void>;
  /** Every whole segment of a timeline; one that a crash cut short was never acknowledged and is left out. */
  segments(timeline: number): AsyncIterable<Segment>;
  /** What follows goes to a new file; returns a mark for `forget`. */
  rotate(): Promise<JournalMark>;
  /** Removes what was written before the mark: a snapshot holds it. */
  forget(mark: JournalMark): Promise<void>;
}

/** Files of a journal that were complete at some moment, relative to the vault. */
export type JournalMark = readonly string[];

export interface SnapshotRef {
  /** `timelines/<n>/snapshots/<writer>-<k>.db.zst` */
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the compressed file. */
  readonly sha256: string;
}

export interface Snapshots {
  /** Compresses and stores a SQLite file; durable and read back on return. @throws no-space, damaged, unavailable */
  put(timeline: number, file: string): Promise<SnapshotRef>;
  /** Writes the SQLite file to `file`, checked against the hash of the snapshot; flushed. @throws not-found, damaged */
  fetch(snapshot: SnapshotRef, file: string): Promise<void>;
  list(): AsyncIterable<{ path: string; sizeBytes: number }>;
  remove(path: string): Promise<void>;
}

/** Why a backup was made. */
export const backupReasons = [
  'request',
  'uploads',
  'schedule',
  'before-restore',
  'before-migration',
  'recovery',
] as const;
export type BackupReason = (typeof backupReasons)[number];

/** A name for a state. Small; written last, so that its presence says all it names is there. */
export interface Backup {
  readonly format: 1;
  readonly name: string;
  readonly createdAt: string;
  readonly reason: BackupReason;
  readonly timeline: number;
  readonly snapshot: SnapshotRef;
  readonly media: number;
  /** Uploads ever committed when it was made. */
  readonly uploads: number;
  readonly blobs: number;
  /** Of the distinct blobs. */
  readonly bytes: number;
  /** Written for this backup: snapshot and newly copied blobs. */
  readonly newBytes: number;
  readonly catalogEngine: 'sqlite' | 'postgres';
  /** Number of the last migration of the catalog in the snapshot. */
  readonly schema: number;
  readonly digest: string;
  /** The greatest stamp of the changes it contains: a catalog that has not got so far is an older one. */
  readonly stamp: Stamp;
}

/** What a check of a backup found. */
export interface Check {
  readonly at: string;
  readonly ok: boolean;
  /** `made`: when it was made; `full`: every byte read again. */
  readonly level: 'made' | 'full';
  /** What is damaged or missing, in words for the operator. */
  readonly found: readonly string[];
}

export interface Manifests {
  /** Durable on return. @throws conflict (the name is taken), no-space, unavailable */
  put(backup: Backup): Promise<void>;
  /** Newest first. One that cannot be read is listed as damaged, never left out silently. @throws unavailable */
  list(): Promise<(Backup | DamagedBackup)[]>;
  remove(name: string): Promise<void>;
  /** Keeps what a check found, beside the backup. */
  putCheck(name: string, check: Check): Promise<void>;
  /** The newest check. */
  lastCheck(name: string): Promise<Check | undefined>;
}

export interface DamagedBackup {
  readonly name: string;
  readonly damaged: string;
}
