import { has, part, unreadable, type Picture } from './picture.ts';
import { exifQuarterTurn } from './tiff.ts';

export function isJpeg(head: DataView): boolean {
  return has(head, 0, '\xff\xd8\xff');
}

const app1 = 0xe1;
/** Far more than a header has, each fill byte counted; keeps a file of nothing else cheap. */
const mostMarkers = 50_000;

/** ITU-T T.81 §B.1.1: segments, each with its length, up to the one that begins the frame. */
export function readJpeg(head: DataView): Picture {
  const bytes = new Uint8Array(head.buffer, head.byteOffset, head.byteLength);
  let quarterTurn: boolean | undefined;
  let at = 2;
  for (let count = 0; count < mostMarkers; count += 1) {
    const segment = afterMarker(bytes, at);
    const marker = head.getUint8(segment - 1);
    if (standsAlone(marker)) {
      at = marker === 0xff ? segment - 1 : segment;
      continue;
    }
    if (endsHeader(marker)) throw unreadable('it begins without a frame');
    const lengthBytes = head.getUint16(segment);
    if (lengthBytes < 2) throw unreadable('a segment is shorter than its own length');
    if (beginsFrame(marker)) {
      const [height, width] = [head.getUint16(segment + 3), head.getUint16(segment + 5)];
      return { width, height, quarterTurn: quarterTurn ?? false, animated: false };
    }
    at = segment + lengthBytes;
    if (marker === app1 && has(head, segment + 2, 'Exif\0\0')) {
      quarterTurn ??= exifQuarterTurn(part(head, segment + 8, at));
    }
  }
  throw unreadable('it has too many segments before its frame');
}

/** Behind the two bytes of the next marker. Decoders skip what lies between segments, so this does. */
function afterMarker(bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(0xff, from);
  if (at < 0) throw new RangeError('no marker in these bytes');
  return at + 2;
}

/** Stuffing, TEM, RST0 to RST7, SOI and fill bytes have no length. */
function standsAlone(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8) || marker === 0xff;
}

/** EOI and SOS. */
function endsHeader(marker: number): boolean {
  return marker === 0xd9 || marker === 0xda;
}

/** SOF0 to SOF15; DHT, JPG and DAC are numbered among them. */
function beginsFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
