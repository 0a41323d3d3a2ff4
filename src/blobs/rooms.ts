import type { Room } from '../core/blob.ts';

/** Sizes in which memory is kept, in bytes: a body gets the smallest that holds it. The largest is what counts as small. */
const sizes = [128 * 1024, 512 * 1024, 1024 * 1024 + 64 * 1024] as const;
/** All that are given out, and all that wait to be given out again. */
const budgetBytes = 64 * 1024 * 1024;
const idleBytes = 16 * 1024 * 1024;

/**
 * Memory that threads share, used again and again: handing a body to another thread then neither copies it nor leaves it to
 * the garbage collector.
 */
export function createRooms(): (sizeBytes: number) => Room | undefined {
  const idle = new Map<number, SharedArrayBuffer[]>(sizes.map((size) => [size, []]));
  let [givenBytes, waitingBytes] = [0, 0];

  function take(size: number): SharedArrayBuffer {
    const found = idle.get(size)!.pop();
    if (found === undefined) return new SharedArrayBuffer(size);
    waitingBytes -= size;
    return found;
  }

  function putBack(memory: SharedArrayBuffer) {
    givenBytes -= memory.byteLength;
    if (waitingBytes + memory.byteLength > idleBytes) return;
    waitingBytes += memory.byteLength;
    idle.get(memory.byteLength)!.push(memory);
  }

  return function room(sizeBytes) {
    const size = sizes.find((one) => one >= sizeBytes);
    if (size === undefined || givenBytes + size > budgetBytes) return undefined;
    givenBytes += size;
    let memory: SharedArrayBuffer | undefined = take(size);
    return {
      bytes: Buffer.from(memory, 0, sizeBytes),
      release() {
        if (memory !== undefined) putBack(memory);
        memory = undefined;
      },
    };
  };
}
