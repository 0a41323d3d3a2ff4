import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../../core/error.ts';

export type Bytes = AsyncGenerator<Uint8Array, void, undefined>;

/**
 * Sends what `open` gives, after `setHead`. Resolves also when the client leaves. A source that fails in the middle cuts
 * the connection, so that nobody takes what was sent for the whole.
 * @throws what `open` throws, and what its stream fails with
 */
export async function sendBody(
  res: ServerResponse,
  open: () => Promise<Bytes>,
  setHead: () => void,
): Promise<void> {
  if (res.destroyed) return; // the client has left already
  try {
    const body = await open();
    setHead();
    await pipeline(body, res, { end: false });
    res.end();
  } catch (error) {
    if (res.destroyed) return; // the client has left, which is what failed
    if (res.headersSent) res.destroy();
    throw error;
  }
}

/**
 * The bytes of `source`, which fail with `damaged` unless there are just `sizeBytes`: an answer that ends short of its
 * Content-Length would leave the client waiting, and a longer one would be read as the next answer.
 */
export async function* exactly(sizeBytes: number, source: Readable): Bytes {
  let seenBytes = 0;
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    seenBytes += chunk.length;
    if (seenBytes > sizeBytes) throw wrongLength();
    yield chunk;
  }
  if (seenBytes < sizeBytes) throw wrongLength();
}

export function wrongLength(): HoldfastError {
  return new HoldfastError(
    'damaged',
    'The stored bytes are not as long as they were when they were uploaded.',
  );
}
