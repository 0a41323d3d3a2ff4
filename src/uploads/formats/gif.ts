import { has, type Picture } from './picture.ts';

export function isGif(head: DataView): boolean {
  return has(head, 0, 'GIF87a') || has(head, 0, 'GIF89a');
}

/** GIF89a §18: the logical screen. */
export function readGif(head: DataView): Picture {
  const [width, height] = [head.getUint16(6, true), head.getUint16(8, true)];
  return { width, height, quarterTurn: false, animated: hasSecondFrame(head) };
}

const extension = 0x21;
const image = 0x2c;

/** As far as the bytes go: blocks, not pixels, so that it costs microseconds. */
function hasSecondFrame(head: DataView): boolean {
  let frames = 0;
  try {
    let at = 13 + colourTableBytes(head.getUint8(10));
    for (;;) {
      const block = head.getUint8(at);
      if (block === image) {
        frames += 1;
        if (frames === 2) return true;
        at = endOfSubBlocks(head, at + 11 + colourTableBytes(head.getUint8(at + 9)));
      } else if (block === extension) {
        at = endOfSubBlocks(head, at + 2);
      } else {
        return false;
      }
    }
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1);
}

function endOfSubBlocks(head: DataView, from: number): number {
  let at = from;
  for (let lengthBytes = head.getUint8(at); lengthBytes > 0; lengthBytes = head.getUint8(at))
    at += lengthBytes + 1;
  return at + 1;
}
