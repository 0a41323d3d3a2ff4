import type { BlobId } from './blob.ts';
import type { Change } from './change.ts';
import type { JsonObject } from './json.ts';
import type { Stamp } from './stamp.ts';

export type Kind = 'image' | 'video';
export type Visibility = 'private' | 'public';
/** `purged` rows stay, so that their blobs are kept for as long as a backup needs them. */
export type MediaState = 'live' | 'trashed' | 'purged';

/** What a client uploaded. Times are milliseconds since 1970 UTC. */
export interface Media {
  readonly id: string;
  readonly stamp: Stamp;
  readonly state: MediaState;
  readonly blob: BlobId;
  readonly sizeBytes: number;
  readonly kind: Kind;
  /** Decided from the bytes, never the client's word. */
  readonly type: string;
  readonly name: string;
  /** The id of the key that uploaded it; null: no key was needed. */
  readonly owner: string | null;
  readonly tags: readonly string[];
  readonly description: string | null;
  readonly visibility: Visibility;
  readonly takenMs: number | null;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly trashedMs: number | null;
  readonly purgedMs: number | null;
  /** Members of the row that a later version wrote and this one does not know. */
  readonly extra: JsonObject;
}

/** What is found by looking into the bytes. Derived: never replicated, recomputed when lost. */
export interface BlobFacts {
  /** As displayed, after the orientation in its metadata; null: not known (videos). */
  readonly width: number | null;
  readonly height: number | null;
  readonly animated: boolean;
  /** A full decode failed. The bytes are kept as they were sent. */
  readonly undecodable: boolean;
}

export const noFacts: BlobFacts = { width: null, height: null, animated: false, undecodable: false };

export interface MediaWithFacts extends Media {
  readonly facts: BlobFacts;
}

export function mediaChange(media: Media): Change {
  const { state, blob, sizeBytes, kind, type, name, owner, description, visibility } = media;
  const { takenMs, createdMs, updatedMs, trashedMs, purgedMs, extra } = media;
  const known = { state, blob, sizeBytes, kind, type, name, owner, description, visibility };
  const times = { takenMs, createdMs, updatedMs, trashedMs, purgedMs };
  return {
    table: 'media',
    id: media.id,
    stamp: media.stamp,
    row: { ...extra, ...known, ...times, tags: [...media.tags] },
  };
}

/** The row of a change to a media, back as a media. */
export function mediaOf(change: Change & { row: JsonObject }): Media {
  const { state, blob, sizeBytes, kind, type, name, owner, tags, description, visibility, takenMs, ...rest } =
    change.row;
  const { createdMs, updatedMs, trashedMs, purgedMs, ...extra } = rest;
  return {
    id: change.id,
    stamp: change.stamp,
    ...({
      state,
      blob,
      sizeBytes,
      kind,
      type,
      name,
      owner,
      tags,
      description,
      visibility,
      takenMs,
    } as KnownFields),
    ...({ createdMs, updatedMs, trashedMs, purgedMs } as KnownTimes),
    extra,
  };
}

type KnownTimes = Pick<Media, 'createdMs' | 'updatedMs' | 'trashedMs' | 'purgedMs'>;
type KnownFields = Omit<Media, 'id' | 'stamp' | 'extra' | keyof KnownTimes>;
