import { join } from 'node:path';
import type { BlobId, BlobRef, Incoming, Intake } from '../core/blob.ts';
import type { Ids } from '../core/clock.ts';
import { isHoldfastError, storageError } from '../core/error.ts';
import { thrown } from '../core/thread.ts';
import type { Kept, SmallBody } from './keep.ts';
import type { BlobFolder } from './paths.ts';
import type { IntakePool, IntakeThread } from './pool.ts';
import { createRooms } from './rooms.ts';

export interface IntakeParts {
  readonly folder: BlobFolder;
  readonly pool: IntakePool;
  readonly ids: Ids;
  /** Told of each blob that was kept, with the signature of its file: its bytes need no second look. */
  readonly onKept: (id: BlobId, signature: string) => void;
}

interface Waiting {
  body: SmallBody;
  resolve: (ref: BlobRef) => void;
  reject: (error: Error) => void;
}

/** More would make the first of a batch wait for the flushes of the last. */
const mostInBatch = 4;
/** Batches under way: four flush twice as much as one, eight hardly more. */
export const mostBatches = 4;
const blockBytes = 256 * 1024;
/** Blocks of one body that may be on their way to the disk. */
const blocksAhead = 4;

/** Takes bodies in. A thread that becomes free takes what waits, so that flushes overlap and folders share theirs. */
export function createIntake(parts: IntakeParts): Intake {
  const { folder, pool, ids, onKept } = parts;
  const temporary = () => join(folder.incoming, ids.random(20));
  const blocks: SharedArrayBuffer[] = [];
  let waiting: Waiting[] = [];
  let batches = 0;
  let streams = 0;

  /** What comes while all batches are under way is for the next, so that batches grow with the load. */
  function dispatch() {
    while (batches < mostBatches && waiting.length > 0) {
      const share = Math.min(mostInBatch, Math.ceil(waiting.length / (mostBatches - batches)));
      const batch = waiting.slice(0, share);
      waiting = waiting.slice(share);
      void runBatch(pool.idlest(), batch);
    }
  }

  async function runBatch(thread: IntakeThread, batch: Waiting[]) {
    const bodies = batch.map(({ body }) => body);
    batches += 1;
    try {
      const results = await thread.call<Kept[]>('whole', bodies);
      batch.forEach((one, index) => settle(one, results[index]!, onKept));
    } catch (error) {
      for (const { reject } of batch) reject(storageError(error, 'store the upload'));
    } finally {
      batches -= 1;
      dispatch();
    }
  }

  return {
    room: createRooms(),
    whole(bytes, expected) {
      return new Promise((resolve, reject) => {
        waiting.push({ body: { bytes, temporary: temporary(), expected }, resolve, reject });
        queueMicrotask(dispatch);
      });
    },
    async begin() {
      streams += 1;
      const incoming = createIncoming(pool.idlest(), streams, blocks, onKept);
      await incoming.open(temporary());
      return incoming;
    },
  };
}

function settle({ resolve, reject }: Waiting, kept: Kept, onKept: IntakeParts['onKept']): void {
  if ('failed' in kept) {
    const error = thrown(kept.failed);
    return reject(isHoldfastError(error) ? error : storageError(error, 'store the upload'));
  }
  onKept(kept.id, kept.signature);
  resolve({ id: kept.id, sizeBytes: kept.sizeBytes });
}

/** A long body: copied into blocks that its thread hashes and writes, a few ahead of the disk and no more. */
function createIncoming(
  thread: IntakeThread,
  stream: number,
  blocks: SharedArrayBuffer[],
  onKept: IntakeParts['onKept'],
): Incoming & { open(temporary: string): Promise<void> } {
  let block: SharedArrayBuffer | undefined;
  let filled = 0;
  let id: BlobId | undefined;
  let failed: unknown;
  const ahead = new Set<Promise<void>>();

  const call = async <T>(operation: string, input: object = {}): Promise<T> => {
    try {
      return await thread.call<T>(operation, { stream, ...input });
    } catch (error) {
      throw storageError(error, 'store the upload');
    }
  };

  function send() {
    if (block === undefined || filled === 0) return;
    const [sent, length] = [block, filled];
    [block, filled] = [undefined, 0];
    const written = call<void>('write', { block: sent, length })
      .catch((error: unknown) => void (failed ??= error))
      .then(() => {
        ahead.delete(written);
        blocks.push(sent);
      });
    ahead.add(written);
  }

  return {
    open: (temporary) => call('begin', { temporary }),
    async write(chunk) {
      for (let taken = 0; taken < chunk.length;) {
        while (ahead.size >= blocksAhead) await Promise.race(ahead);
        if (failed !== undefined) throw failed as Error;
        block ??= blocks.pop() ?? new SharedArrayBuffer(blockBytes);
        const part = chunk.subarray(taken, taken + blockBytes - filled);
        new Uint8Array(block, filled, part.length).set(part);
        filled += part.length;
        taken += part.length;
        if (filled === blockBytes) send();
      }
    },
    async end() {
      send();
      await Promise.all(ahead);
      if (failed !== undefined) throw failed as Error;
      const ref = await call<BlobRef>('end');
      id = ref.id;
      return ref;
    },
    async keep() {
      onKept(id!, await call<string>('keep'));
    },
    async drop() {
      if (block !== undefined) blocks.push(block);
      [block, filled] = [undefined, 0];
      await Promise.all(ahead);
      await call('drop');
    },
  };
}
