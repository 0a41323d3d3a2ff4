import type { IncomingMessage } from 'node:http';
import { HoldfastError } from '../../core/error.ts';

/** Bodies up to this size are taken into memory whole: one write, one flush, no stream. */
const smallBytes = 1024 * 1024;
/** All of them together; beyond it bodies are streamed, which needs less. */
const budgetBytes = 64 * 1024 * 1024;

let heldBytes = 0;

/** Whether the body may be read with `readWhole` now. */
export function isSmall(req: IncomingMessage): boolean {
  const length = lengthOf(req);
  return length !== undefined && length <= smallBytes && heldBytes + length <= budgetBytes;
}

/** The announced length in bytes; undefined when it is sent in chunks. */
export function lengthOf(req: IncomingMessage): number | undefined {
  const header = req.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}

/** Reads a small body into memory of its own. `release` gives the memory back to the budget. @throws malformed when it is cut off */
export async function readWhole(
  req: IncomingMessage,
): Promise<{ bytes: Buffer<ArrayBuffer>; release: () => void }> {
  const length = lengthOf(req)!;
  heldBytes += length;
  const release = () => void (heldBytes -= length);
  try {
    return { bytes: await fill(req, Buffer.allocUnsafeSlow(length)), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Listeners rather than an iterator: this runs for every small upload, and the parser ends the body at its length. */
function fill(req: IncomingMessage, bytes: Buffer<ArrayBuffer>): Promise<Buffer<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    let filled = 0;
    req.on('data', (chunk: Buffer) => {
      filled += chunk.copy(bytes, filled);
    });
    req.once('end', () => resolve(bytes));
    req.once('error', () => reject(cutOff()));
    req.once('close', () => reject(cutOff())); // after `end` this says nothing any more
  });
}

function cutOff(): HoldfastError {
  return new HoldfastError(
    'malformed',
    'The connection ended before the whole body had come. Nothing was kept; send it again.',
  );
}
