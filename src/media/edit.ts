import type { CollectBlobs } from '../core/blob.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Clock } from '../core/clock.ts';
import { HoldfastError, isHoldfastError } from '../core/error.ts';
import type { Gate } from '../core/gate.ts';
import { mediaChange, type Media, type MediaWithFacts, type Visibility } from '../core/media.ts';
import type { Stamp, StampClock } from '../core/stamp.ts';

export interface EditParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly stamps: StampClock;
  readonly gate: Gate;
  readonly collect: CollectBlobs;
}

/** What a client may change. An absent member stays as it is. */
export interface Edit {
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly description?: string | null;
  readonly visibility?: Visibility;
}

/** The stamp the client saw; undefined: whatever there is. */
export type Seen = Stamp | undefined;

/** @throws not-found, precondition-failed, no-space, unavailable */
export function editMedia(parts: EditParts, id: string, edit: Edit, seen: Seen): Promise<MediaWithFacts> {
  return change(parts, id, seen, (media, nowMs) => ({ ...media, ...edit, updatedMs: nowMs }));
}

/** Moves it to the trash; the bytes stay. @throws not-found, precondition-failed, no-space, unavailable */
export function trashMedia(parts: EditParts, id: string, seen: Seen): Promise<MediaWithFacts> {
  return change(parts, id, seen, (media, nowMs) =>
    media.state === 'trashed' ? media : { ...media, state: 'trashed', trashedMs: nowMs, updatedMs: nowMs },
  );
}

/** @throws not-found, precondition-failed, no-space, unavailable */
export function untrashMedia(parts: EditParts, id: string, seen: Seen): Promise<MediaWithFacts> {
  return change(parts, id, seen, (media, nowMs) =>
    media.state === 'live' ? media : { ...media, state: 'live', trashedMs: null, updatedMs: nowMs },
  );
}

/**
 * Removes it from the library, and its bytes when no other media has the same. Backups made before still have both.
 * @throws not-found, precondition-failed, no-space, unavailable
 */
export async function purgeMedia(parts: EditParts, id: string, seen: Seen): Promise<void> {
  const { blob } = await change(parts, id, seen, (media, nowMs) => ({
    ...media,
    state: 'purged',
    purgedMs: nowMs,
    updatedMs: nowMs,
  }));
  await parts.collect([blob]);
}

const mostTries = 5;

/** Reads, changes and writes; somebody else's change in between makes it start over, unless the client named a stamp. */
async function change(
  parts: EditParts,
  id: string,
  seen: Seen,
  edit: (media: MediaWithFacts, nowMs: number) => MediaWithFacts,
): Promise<MediaWithFacts> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await parts.gate.together(() => changeOnce(parts, id, seen, edit));
    } catch (error) {
      if (seen !== undefined || tries === mostTries || !isHoldfastError(error, 'precondition-failed'))
        throw error;
    }
  }
}

async function changeOnce(
  { catalog, clock, stamps }: EditParts,
  id: string,
  seen: Seen,
  edit: (media: MediaWithFacts, nowMs: number) => MediaWithFacts,
): Promise<MediaWithFacts> {
  const media = await findMedia(catalog, id);
  if (seen !== undefined && seen !== media.stamp) {
    throw new HoldfastError(
      'precondition-failed',
      'It has changed since you read it. Read it again, then repeat the change.',
    );
  }
  stamps.see(media.stamp);
  const edited = edit(media, clock.nowMs());
  if (edited === media) return media;
  const next = { ...edited, stamp: stamps.next() };
  await catalog.write({
    changes: [mediaChange(next satisfies Media)],
    expect: [{ table: 'media', id, stamp: media.stamp }],
  }); // committed
  return next;
}

/** A media that is not purged. @throws not-found, unavailable */
export async function findMedia(catalog: Catalog, id: string): Promise<MediaWithFacts> {
  const media = await catalog.media(id);
  if (media !== undefined && media.state !== 'purged') return media;
  throw new HoldfastError('not-found', 'There is no media with this id.');
}
