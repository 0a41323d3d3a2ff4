import { fourCharacters, has, part, unreadable, type Picture } from './picture.ts';
import { exifQuarterTurn } from './tiff.ts';

export function isPng(head: DataView): boolean {
  return has(head, 0, '\x89PNG\r\n\x1a\n');
}

const firstChunk = 8;
/** Length and name before the data, a checksum behind. */
const chunkFrameBytes = 12;
/** More than come before the pixels; keeps a file of tiny chunks cheap. */
const mostChunks = 4096;

/** PNG 3rd edition §11.2.1, §11.3.6 (animation), §11.3.4.5 (orientation): what comes before the pixels. */
export function readPng(head: DataView): Picture {
  if (fourCharacters(head, firstChunk + 4) !== 'IHDR' || head.getUint32(firstChunk) !== 13) {
    throw unreadable('it does not begin with IHDR');
  }
  const [width, height] = [head.getUint32(firstChunk + 8), head.getUint32(firstChunk + 12)];
  let quarterTurn = false;
  let animated = false;
  let at = firstChunk;
  for (let count = 0; count < mostChunks; count += 1) {
    const name = fourCharacters(head, at + 4);
    if (name === 'IDAT') return { width, height, quarterTurn, animated };
    if (name === 'IEND') throw unreadable('it has no pixels');
    const lengthBytes = head.getUint32(at);
    if (name === 'acTL') animated = head.getUint32(at + 8) > 1;
    if (name === 'eXIf') quarterTurn = exifQuarterTurn(part(head, at + 8, at + 8 + lengthBytes));
    at += chunkFrameBytes + lengthBytes;
  }
  throw unreadable('it has too many chunks before its pixels');
}
