import type { IncomingMessage } from 'node:http';
import type { Room } from '../../core/blob.ts';
import { HoldfastError } from '../../core/error.ts';

/** The announced length in bytes; undefined when it is sent in chunks. */
export function lengthOf(req: IncomingMessage): number | undefined {
  const header = req.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}

/** Reads a body of exactly the room's size into it. @throws malformed when it is cut off */
export function fillRoom(req: IncomingMessage, { bytes }: Room): Promise<void> {
  // listeners rather than an iterator: this runs for every small upload
  return new Promise((resolve, reject) => {
    let filled = 0;
    req.on('data', (chunk: Buffer) => {
      filled += chunk.copy(bytes, filled);
    });
    req.once('end', () => resolve());
    req.once('error', () => reject(cutOff()));
    req.once('close', () => {
      if (!req.complete) reject(cutOff());
    });
  });
}

export function cutOff(cause?: unknown): HoldfastError {
  const message = 'The connection ended before the whole body had come. Nothing was kept; send it again.';
  return new HoldfastError('malformed', message, { cause });
}
