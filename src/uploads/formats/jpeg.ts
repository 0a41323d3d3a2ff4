import { has, part, unreadable, type Picture } from './picture.ts';
import { exifQuarterTurn } from './tiff.ts';

export function isJpeg(head: DataView): boolean {
  return has(head, 0, '\xff\xd8\xff');
}

const app1 = 0xe1;

/** ITU-T T.81 §B.1.1: segments, each with its length, up to the one that begins the frame. */
export function readJpeg(head: DataView): Picture {
  let quarterTurn: boolean | undefined;
  let at = 2;
  for (;;) {
    at = nextMarker(head, at);
    const marker = head.getUint8(at);
    const segment = at + 1;
    at = segment;
    if (standsAlone(marker)) continue;
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
}

/** Where the next marker's code is. Decoders skip what lies between segments, so this does. */
function nextMarker(head: DataView, from: number): number {
  let at = from;
  while (head.getUint8(at) !== 0xff) at += 1;
  while (head.getUint8(at) === 0xff) at += 1;
  return at;
}

/** Stuffing, TEM, RST0 to RST7 and SOI have no length. */
function standsAlone(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** EOI and SOS. */
function endsHeader(marker: number): boolean {
  return marker === 0xd9 || marker === 0xda;
}

/** SOF0 to SOF15; DHT, JPG and DAC are numbered among them. */
function beginsFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
