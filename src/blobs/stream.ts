import { Readable } from 'node:stream';
import type { BlobReader, ByteRange } from '../core/blob.ts';

/** Few large reads cost less than many small ones; two of these are in memory for each stream. */
const readBytes = 512 * 1024;

/** The bytes of a range as a stream; closes the reader at the end, on failure and when nobody wants more. */
export function streamRange(reader: BlobReader, { start, end }: ByteRange): Readable {
  let position = start;
  return new Readable({
    highWaterMark: readBytes,
    read() {
      const wanted = Math.min(readBytes, end - position + 1);
      if (wanted <= 0) {
        this.push(null);
        return;
      }
      const buffer = Buffer.allocUnsafeSlow(wanted);
      reader.read(buffer, position).then(
        (count) => {
          position += count;
          if (count === 0) this.destroy(new Error('the file became shorter while it was read'));
          else this.push(buffer.subarray(0, count));
        },
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      reader.close();
      done(error);
    },
  });
}
