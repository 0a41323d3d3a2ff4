import type { Selectable } from 'kysely';
import type { Change, ReplicatedTable } from '../core/change.ts';
import type { JsonObject } from '../core/json.ts';
import type { BlobFacts, Media } from '../core/media.ts';
import type { Schema } from './schema.ts';

export type MediaRow = Selectable<Schema['media']>;
type RecordRow = Selectable<Schema['records']>;
/** A media whose blob has no row has nulls instead. */
export type FactsRow = {
  [name in 'width' | 'height' | 'animated' | 'undecodable']: Selectable<Schema['blobs']>[name] | null;
};

export function mediaFromRow(row: MediaRow): Media {
  return {
    id: row.id,
    stamp: row.stamp,
    state: row.state,
    blob: row.blob,
    sizeBytes: row.size_bytes,
    kind: row.kind,
    type: row.type,
    name: row.name,
    owner: row.owner,
    tags: JSON.parse(row.tags) as string[],
    description: row.description,
    visibility: row.visibility,
    takenMs: row.taken_ms,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    trashedMs: row.trashed_ms,
    purgedMs: row.purged_ms,
    extra: JSON.parse(row.extra) as JsonObject,
  };
}

export function mediaToRow(media: Media): MediaRow {
  return {
    id: media.id,
    stamp: media.stamp,
    state: media.state,
    blob: media.blob,
    size_bytes: media.sizeBytes,
    kind: media.kind,
    type: media.type,
    name: media.name,
    owner: media.owner,
    tags: JSON.stringify(media.tags),
    description: media.description,
    visibility: media.visibility,
    taken_ms: media.takenMs,
    created_ms: media.createdMs,
    updated_ms: media.updatedMs,
    trashed_ms: media.trashedMs,
    purged_ms: media.purgedMs,
    extra: JSON.stringify(media.extra),
  };
}

export function factsFromRow(row: FactsRow): BlobFacts {
  return {
    width: row.width,
    height: row.height,
    animated: row.animated === 1,
    undecodable: row.undecodable === 1,
  };
}

export function recordFromRow(row: RecordRow): Change {
  return {
    table: row.kind as ReplicatedTable,
    id: row.id,
    stamp: row.stamp,
    row: row.body === null ? null : (JSON.parse(row.body) as JsonObject),
  };
}
