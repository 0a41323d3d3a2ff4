import type { MediaWithFacts } from '../core/media.ts';
import type { Key } from '../core/key.ts';
import type { Backup, Check, DamagedBackup } from '../core/vault.ts';
import { thumbSize } from '../media/thumb-size.ts';

/** A media as API.md shows it. */
export function presentMedia(media: MediaWithFacts, deduplicated = false) {
  const { facts } = media;
  return {
    id: media.id,
    kind: media.kind,
    url: `/media/${media.id}`,
    name: media.name,
    type: media.type,
    size: media.sizeBytes,
    sha256: media.blob,
    width: facts.width,
    height: facts.height,
    animated: facts.animated,
    damaged: facts.undecodable,
    durationMs: null,
    placeholder: null,
    variants: presentVariants(media),
    tags: media.tags,
    description: media.description,
    visibility: media.visibility,
    takenAt: timeOf(media.takenMs),
    createdAt: timeOf(media.createdMs),
    updatedAt: timeOf(media.updatedMs),
    trashedAt: timeOf(media.trashedMs),
    deduplicated,
  };
}

function presentVariants(media: MediaWithFacts) {
  const size = thumbSize(media);
  if (size === undefined) return {};
  return { thumb: { url: `/media/${media.id}/thumb`, ...size, type: 'image/webp' } };
}

export function presentKey(key: Key, lastUsedMs: number | null) {
  const { id, name, scopes, createdMs, expiresMs } = key;
  const times = {
    createdAt: timeOf(createdMs),
    expiresAt: timeOf(expiresMs),
    lastUsedAt: timeOf(lastUsedMs),
  };
  return { id, name, scopes, ...times };
}

export function presentBackup(backup: Backup, check: Check | undefined) {
  const { name, createdAt, reason, media, blobs, bytes, newBytes, catalogEngine, digest, timeline } = backup;
  return {
    name,
    createdAt,
    reason,
    media,
    blobs,
    bytes,
    newBytes,
    catalogEngine,
    timeline,
    vaults: [{ name: 'local', stored: true, lagSeconds: 0 }],
    verified: check === undefined ? null : { at: check.at, ok: check.ok, level: check.level },
    digest,
  };
}

/** A manifest that cannot be read any more is shown, so that nobody counts on it. */
export function presentDamaged({ name, damaged }: DamagedBackup) {
  return { name, damaged, verified: { at: null, ok: false, level: 'made' } };
}

export function timeOf(ms: number): string;
export function timeOf(ms: number | null): string | null;
export function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
