import { fourCharacters, has, part, unreadable, type Picture } from './picture.ts';
import { exifQuarterTurn } from './tiff.ts';

export function isWebp(head: DataView): boolean {
  return has(head, 0, 'RIFF') && has(head, 8, 'WEBP');
}

const firstChunk = 12;
const firstData = 20;

/** RFC 9649 §2: the first chunk says which of three forms it is. */
export function readWebp(head: DataView): Picture {
  const form = fourCharacters(head, firstChunk);
  if (form === 'VP8 ') return readLossy(head);
  if (form === 'VP8L') return readLossless(head);
  if (form === 'VP8X') return readExtended(head);
  throw unreadable('it begins with no chunk that WebP knows');
}

/** RFC 6386 §9.1: the tag of a key frame, its start code, and 14 bits of each side. */
function readLossy(head: DataView): Picture {
  const isKeyFrame = (head.getUint8(firstData) & 1) === 0;
  const hasStartCode = head.getUint16(firstData + 3) === 0x9d01 && head.getUint8(firstData + 5) === 0x2a;
  if (!isKeyFrame || !hasStartCode) throw unreadable('it begins with no key frame');
  const [width, height] = [head.getUint16(firstData + 6, true), head.getUint16(firstData + 8, true)];
  return { width: width & 0x3fff, height: height & 0x3fff, quarterTurn: false, animated: false };
}

/** RFC 9649 §3.4: the signature, then 14 bits of each side less one. */
function readLossless(head: DataView): Picture {
  if (head.getUint8(firstData) !== 0x2f) throw unreadable('its lossless data has no signature');
  const bits = head.getUint32(firstData + 1, true);
  return {
    width: (bits & 0x3fff) + 1,
    height: ((bits >>> 14) & 0x3fff) + 1,
    quarterTurn: false,
    animated: false,
  };
}

const animationFlag = 0x02;
const exifFlag = 0x08;

/** RFC 9649 §2.7: flags, and 24 bits of each side less one. */
function readExtended(head: DataView): Picture {
  const flags = head.getUint8(firstData);
  const width = 1 + head.getUint16(firstData + 4, true) + head.getUint8(firstData + 6) * 0x10000;
  const height = 1 + head.getUint16(firstData + 7, true) + head.getUint8(firstData + 9) * 0x10000;
  const quarterTurn = (flags & exifFlag) === 0 ? false : exifTurn(head);
  return { width, height, quarterTurn, animated: (flags & animationFlag) !== 0 };
}

/** Of a long animation, each frame is one. */
const mostChunks = 4096;

/** Exif comes behind the pixels. */
function exifTurn(head: DataView): boolean | undefined {
  let at = firstChunk;
  for (let count = 0; count < mostChunks && at + 8 <= head.byteLength; count += 1) {
    const lengthBytes = head.getUint32(at + 4, true);
    if (has(head, at, 'EXIF')) return exifChunkTurn(part(head, at + 8, at + 8 + lengthBytes));
    at += 8 + lengthBytes + (lengthBytes % 2);
  }
  return undefined;
}

/** Some writers put the six bytes of JPEG's Exif segment before it. */
function exifChunkTurn(chunk: DataView): boolean {
  return exifQuarterTurn(has(chunk, 0, 'Exif\0\0') ? part(chunk, 6, chunk.byteLength) : chunk);
}
