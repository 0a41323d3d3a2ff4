import type { BlobId, BlobRef, CollectBlobs } from '../core/blob.ts';
import type { Catalog, Unit } from '../core/catalog.ts';
import type { Clock, Ids } from '../core/clock.ts';
import { HoldfastError, storageError } from '../core/error.ts';
import type { Gate } from '../core/gate.ts';
import { mediaChange, type MediaWithFacts } from '../core/media.ts';
import type { StampClock } from '../core/stamp.ts';
import type { Answer, Repeatable } from './idempotency.ts';
import type { Arrived } from './receive.ts';

export interface FinishParts {
  readonly catalog: Catalog;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly stamps: StampClock;
  readonly collect: CollectBlobs;
  /** Told how many uploads were committed. */
  readonly onUploaded: (count: number) => void;
}

export interface Uploaded {
  readonly media: MediaWithFacts;
  /** Its bytes were here before. */
  readonly deduplicated: boolean;
}

/** One for each file that was sent, in their order. */
export type UploadResult = Uploaded | { readonly problem: HoldfastError };

export interface FinishOptions {
  readonly owner: string | null;
  /** Set when the client may repeat the request: the answer is stored with the rows. */
  readonly repeatable: Repeatable | undefined;
  /** How the results are answered. */
  readonly render: (results: readonly UploadResult[]) => Answer;
}

/**
 * Keeps the bytes of all files, then commits all their rows at once; durable on return. A file that fails leaves the others.
 * @throws idempotency-mismatch, no-space and unavailable when nothing was kept
 */
export async function finish(
  parts: FinishParts,
  arrived: readonly (Arrived | HoldfastError)[],
  options: FinishOptions,
): Promise<Answer> {
  let kept: (BlobRef | HoldfastError)[] = [];
  let committed = false;
  try {
    return await parts.gate.together(async () => {
      kept = await Promise.all(arrived.map(keepOne));
      const earlier = await options.repeatable?.earlier(kept);
      if (earlier !== undefined) return earlier;
      const answer = await commit(parts, arrived, kept, options);
      committed = true;
      return answer;
    });
  } catch (error) {
    if (kept.length === 0) await Promise.all(arrived.filter(isWell).map((one) => one.drop()));
    throw error;
  } finally {
    if (!committed) await collectOrphans(parts, kept);
  }
}

async function keepOne(one: Arrived | HoldfastError): Promise<BlobRef | HoldfastError> {
  if (one instanceof HoldfastError) return one;
  return one.keep().catch((error: unknown) => storageError(error, 'store the upload'));
}

async function commit(
  parts: FinishParts,
  arrived: readonly (Arrived | HoldfastError)[],
  kept: readonly (BlobRef | HoldfastError)[],
  { owner, repeatable, render }: FinishOptions,
): Promise<Answer> {
  const made = kept.map((ref, index) =>
    ref instanceof HoldfastError ? ref : newMedia(parts, ref, arrived[index] as Arrived, owner),
  );
  const media = made.filter(isWell);
  if (media.length === 0) return render(made.map((one) => ({ problem: one as HoldfastError })));
  const unit = {
    changes: media.map(mediaChange),
    facts: media.map((one) => ({ id: one.blob, sizeBytes: one.sizeBytes, facts: one.facts })),
  };
  const answer = await write(
    parts.catalog,
    unit,
    media,
    (known) => render(made.map((one) => resultOf(one, known))),
    repeatable,
  );
  parts.onUploaded(media.length);
  return answer;
}

/** An answer that may be asked for again is stored with the rows, so it must be known before they are written. */
async function write(
  catalog: Catalog,
  unit: Unit,
  media: readonly MediaWithFacts[],
  answerWith: (known: readonly BlobId[]) => Answer,
  repeatable: Repeatable | undefined,
): Promise<Answer> {
  if (repeatable === undefined) return answerWith((await catalog.write(unit)).known); // committed: the uploads are kept
  const blobs = media.map((one) => one.blob);
  const uses = await Promise.all(blobs.map((id) => catalog.blobs.uses(id)));
  const answer = answerWith(blobs.filter((_, index) => uses[index]! > 0));
  await catalog.write({ ...unit, changes: [...unit.changes, repeatable.store(answer)] }); // committed, with their answer
  return answer;
}

function resultOf(one: MediaWithFacts | HoldfastError, known: readonly BlobId[]): UploadResult {
  return one instanceof HoldfastError
    ? { problem: one }
    : { media: one, deduplicated: known.includes(one.blob) };
}

function isWell<T>(one: T | HoldfastError): one is T {
  return !(one instanceof HoldfastError);
}

function newMedia(
  { clock, ids, stamps }: FinishParts,
  ref: BlobRef,
  { recognised, name }: Arrived,
  owner: string | null,
): MediaWithFacts {
  const nowMs = clock.nowMs();
  return {
    id: ids.media(nowMs),
    stamp: stamps.next(),
    state: 'live',
    blob: ref.id,
    sizeBytes: ref.sizeBytes,
    kind: recognised.kind,
    type: recognised.type,
    name,
    owner,
    tags: [],
    description: null,
    visibility: 'private',
    takenMs: null,
    createdMs: nowMs,
    updatedMs: nowMs,
    trashedMs: null,
    purgedMs: null,
    extra: {},
    facts: recognised.facts,
  };
}

/** Bytes that got a name but no row. What fails here is found again at the next start. */
async function collectOrphans(
  { collect }: FinishParts,
  kept: readonly (BlobRef | HoldfastError)[],
): Promise<void> {
  const orphans = kept.filter(isWell).map((ref) => ref.id);
  if (orphans.length > 0) await collect(orphans).catch(() => undefined);
}
