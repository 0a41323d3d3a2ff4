import { Readable } from 'node:stream';
import { cutOff, tooLarge } from './problems.ts';

/**
 * The bytes of one part as a stream that may fail or be given up without stopping the form: however it ends, what is left of
 * the part is read and dropped. Fails beyond `mostBytes`.
 */
export function fileStream(part: Readable, mostBytes: number): Readable {
  let sizeBytes = 0;
  const file = new Readable({ read: () => void part.resume() });

  part.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (file.destroyed) return;
    if (sizeBytes > mostBytes) file.destroy(tooLarge(mostBytes));
    else if (!file.push(chunk)) part.pause();
  });
  part.on('end', () => file.push(null));
  part.on('error', (cause) => file.destroy(cutOff(cause)));
  part.on('close', () => {
    if (!part.readableEnded) file.destroy(cutOff());
  });
  file.on('close', () => void part.resume());
  // It may fail before or after its reader listens; then that must not end the process.
  file.on('error', () => {});
  return file;
}
