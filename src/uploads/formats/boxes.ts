import { fourCharacters, part } from './picture.ts';

/** A box of the ISO base media file format, which HEIF, AVIF, MP4 and QuickTime share (ISO/IEC 14496-12 §4.2). */
export interface Box {
  readonly name: string;
  /** Its content, cut where the bytes at hand end. */
  readonly content: DataView;
  /** The bytes at hand end before the box does. */
  readonly cut: boolean;
}

/** More than a container has, but one of properties; keeps a file of tiny boxes cheap. */
const mostBoxes = 256;

/** The boxes one after another in `inside`, the last one perhaps cut. Ends quietly at what is no box. */
export function* boxesIn(inside: DataView, most = mostBoxes): Generator<Box, undefined> {
  let at = 0;
  for (let count = 0; count < most && at + 8 <= inside.byteLength; count += 1) {
    const { start, end } = extent(inside, at);
    if (end < start) return;
    const cut = end > inside.byteLength;
    yield { name: fourCharacters(inside, at + 4), content: part(inside, start, end), cut };
    at = end;
  }
}

export function boxIn(inside: DataView, name: string): Box | undefined {
  return boxesIn(inside).find((box) => box.name === name);
}

function extent(inside: DataView, at: number): { start: number; end: number } {
  const sizeBytes = inside.getUint32(at);
  if (sizeBytes === 0) return { start: at + 8, end: inside.byteLength };
  if (sizeBytes > 1) return { start: at + 8, end: at + sizeBytes };
  // A size of 1: it follows the name, in 64 bits.
  if (at + 16 > inside.byteLength) return { start: at + 16, end: Infinity };
  return { start: at + 16, end: at + Number(inside.getBigUint64(at + 8)) };
}
