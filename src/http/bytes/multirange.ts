import { validateHeaderValue } from 'node:http';
import type { ByteRange } from '../../core/blob.ts';
import type { Bytes } from './body.ts';

/** Several ranges in one body: multipart/byteranges (RFC 9110 §14.6). */
export interface Multirange {
  readonly contentType: string;
  readonly contentLength: number;
  /**
   * The body. The first range is opened before this resolves, the others when it is their turn.
   * @throws what `openRange` throws for the first
   */
  open(openRange: (range: ByteRange) => Promise<Bytes>): Promise<Bytes>;
}

/** `boundary` must be one that whoever chose the bytes could not have known. */
export function multirange(
  ranges: readonly ByteRange[],
  whole: { readonly type: string; readonly sizeBytes: number },
  boundary: string,
): Multirange {
  const parts = ranges.map((range, place) => ({
    range,
    head: partHead(range, whole, boundary, place === 0),
  }));
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    contentLength: parts.reduce((sum, { range, head }) => sum + head.length + rangeBytes(range), tail.length),
    async open(openRange) {
      const first = await openRange(parts[0]!.range);
      return join(first, parts, tail, openRange);
    },
  };
}

/** `bytes 0-4/10` */
export function contentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end}/${sizeBytes}`;
}

export function rangeBytes(range: ByteRange): number {
  return range.end - range.start + 1;
}

interface Part {
  readonly range: ByteRange;
  readonly head: Buffer;
}

function partHead(
  range: ByteRange,
  whole: { type: string; sizeBytes: number },
  boundary: string,
  isFirst: boolean,
) {
  validateHeaderValue('Content-Type', whole.type); // nobody else checks a header that is inside the body
  const lines = [
    `${isFirst ? '' : '\r\n'}--${boundary}`,
    `Content-Type: ${whole.type}`,
    `Content-Range: ${contentRange(range, whole.sizeBytes)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

async function* join(
  first: Bytes,
  parts: readonly Part[],
  tail: Buffer,
  openRange: (range: ByteRange) => Promise<Bytes>,
): Bytes {
  for (const [place, { head, range }] of parts.entries()) {
    yield head;
    yield* place === 0 ? first : await openRange(range);
  }
  yield tail;
}
