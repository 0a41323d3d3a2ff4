import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ByteRange } from '../core/blob.ts';

/** Few large reads cost less than many small ones; two of these are in memory for each download. */
const readBytes = 512 * 1024;

/** The bytes of a range of an open file; closes it at the end, on failure and when nobody wants more. */
export function readRange(handle: FileHandle, { start, end }: ByteRange): Readable {
  let position = start;
  return new Readable({
    highWaterMark: readBytes,
    read() {
      const wanted = Math.min(readBytes, end - position + 1);
      if (wanted <= 0) {
        this.push(null);
        return;
      }
      handle.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, position).then(
        ({ bytesRead, buffer }) => {
          position += bytesRead;
          if (bytesRead === 0) this.destroy(new Error('the file became shorter while it was read'));
          else this.push(bytesRead === wanted ? buffer : buffer.subarray(0, bytesRead));
        },
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      handle.close().then(
        () => done(error),
        (closing: Error) => done(error ?? closing),
      );
    },
  });
}
