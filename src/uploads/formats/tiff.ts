import { has, unreadable, type Picture } from './picture.ts';

const tag = {
  subfile: 254,
  width: 256,
  height: 257,
  photometric: 262,
  orientation: 274,
  dngVersion: 50706,
} as const;

const colourFilterArray = 32803;
const linearRaw = 34892;

export function isTiff(head: DataView): boolean {
  return ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((mark) => has(head, 0, mark));
}

/**
 * Whether it is the raw data of a camera, which says it is a TIFF and shows nothing, or a thumbnail: CR2 by its mark, DNG by
 * its tag, NEF and ARW since their first picture says it is a reduced one, others by their unfinished colours.
 */
export function isCameraRaw(head: DataView): boolean {
  if (has(head, 8, 'CR')) return true;
  const tags = firstDirectory(head);
  const colours = tags.get(tag.photometric);
  const reduced = ((tags.get(tag.subfile) ?? 0) & 1) === 1;
  return reduced || tags.has(tag.dngVersion) || colours === colourFilterArray || colours === linearRaw;
}

/** TIFF 6.0 §2, and BigTIFF. The directory may be anywhere in the file, often at its end. */
export function readTiff(head: DataView): Picture {
  const tags = firstDirectory(head);
  const [width, height] = [tags.get(tag.width), tags.get(tag.height)];
  if (width === undefined || height === undefined) throw unreadable('it has no width or no height');
  return { width, height, quarterTurn: turns(tags.get(tag.orientation)), animated: false };
}

/** Whether the Exif data (a small TIFF: CIPA DC-008 §4.5) turns the picture by a quarter. Damaged data turns nothing. */
export function exifQuarterTurn(exif: DataView): boolean {
  try {
    return isTiff(exif) && turns(firstDirectory(exif).get(tag.orientation));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function turns(orientation: number | undefined): boolean {
  return orientation !== undefined && orientation >= 5 && orientation <= 8;
}

/** The tags stand in order, and those that matter here come first. */
const mostEntries = 1024;

/** The first value of each tag that holds small whole numbers. */
function firstDirectory(head: DataView): Map<number, number> {
  const little = has(head, 0, 'II');
  const big = head.getUint16(2, little) === 43;
  const start = big ? wide(head, 8, little) : head.getUint32(4, little);
  const count = big ? wide(head, start, little) : head.getUint16(start, little);
  const [firstEntry, entryBytes, valueOffset] = big ? [start + 8, 20, 12] : [start + 2, 12, 8];

  const tags = new Map<number, number>();
  for (let i = 0; i < Math.min(count, mostEntries); i += 1) {
    const entry = firstEntry + i * entryBytes;
    const value = valueAt(head, entry + valueOffset, head.getUint16(entry + 2, little), little);
    tags.set(head.getUint16(entry, little), value);
  }
  return tags;
}

const short = 3;
const long = 4;
const long8 = 16;

function valueAt(head: DataView, at: number, type: number, little: boolean): number {
  if (type === short) return head.getUint16(at, little);
  if (type === long) return head.getUint32(at, little);
  if (type === long8) return wide(head, at, little);
  return head.getUint8(at);
}

/** 64 bits; inexact above 2^53, where no file ends. */
function wide(head: DataView, at: number, little: boolean): number {
  return Number(head.getBigUint64(at, little));
}
