import { open, stat } from 'node:fs/promises';
import type { BlobRef } from '../core/blob.ts';
import type { Ids } from '../core/clock.ts';
import type { BlobFacts, MediaWithFacts } from '../core/media.ts';
import type { StampClock } from '../core/stamp.ts';
import { endingOf } from '../uploads/names.ts';
import { recognise } from '../uploads/recognise.ts';

interface Parts {
  readonly pathOf: (id: string) => string;
  readonly ids: Ids;
  readonly stamps: StampClock;
  readonly maxPixels: number;
}

const headBytes = 1024 * 1024;

/** What can be told of bytes whose row is lost: type and size from themselves, the time from their file. */
export function salvager({ pathOf, ids, stamps, maxPixels }: Parts) {
  return async function salvage({ id, sizeBytes }: BlobRef): Promise<MediaWithFacts | undefined> {
    const path = pathOf(id);
    const recognised = await recogniseFile(path, sizeBytes, maxPixels).catch(() => undefined);
    if (recognised === undefined) return undefined;
    const createdMs = Math.floor((await stat(path)).mtimeMs);
    return {
      id: ids.media(createdMs),
      stamp: stamps.next(),
      state: 'live',
      blob: id,
      sizeBytes,
      kind: recognised.kind,
      type: recognised.type,
      name: `salvaged-${id.slice(0, 12)}.${endingOf(recognised.type)}`,
      owner: null,
      tags: ['salvaged'],
      description: null,
      visibility: 'private',
      takenMs: null,
      createdMs,
      updatedMs: createdMs,
      trashedMs: null,
      purgedMs: null,
      extra: {},
      facts: recognised.facts,
    };
  };
}

async function recogniseFile(path: string, sizeBytes: number, maxPixels: number) {
  const handle = await open(path, 'r');
  try {
    const head = Buffer.alloc(Math.min(headBytes, sizeBytes));
    await handle.read(head, 0, head.length, 0);
    return recognise(head, { maxPixels }, head.length === sizeBytes);
  } finally {
    await handle.close();
  }
}

/** What the bytes in uploads/ say of themselves; undefined: they are not there or make no sense. */
export function factsReader(pathOf: (id: string) => string, maxPixels: number) {
  return async function factsOf({ id, sizeBytes }: BlobRef): Promise<BlobFacts | undefined> {
    return (await recogniseFile(pathOf(id), sizeBytes, maxPixels).catch(() => undefined))?.facts;
  };
}
