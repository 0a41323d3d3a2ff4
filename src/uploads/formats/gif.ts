import { has, type Picture } from './picture.ts';

export function isGif(head: DataView): boolean {
  return has(head, 0, 'GIF87a') || has(head, 0, 'GIF89a');
}

/** GIF89a §18: the logical screen. */
export function readGif(head: DataView): Picture {
  const [width, height] = [head.getUint16(6, true), head.getUint16(8, true)];
  return { width, height, quarterTurn: false, animated: hasSecondFrame(head) };
}

interface Walk {
  at: number;
  subBlocksLeft: number;
}

/** Far more than 1 MiB has where they are as long as usual, 255 bytes; keeps a file of tiny ones cheap. */
const mostSubBlocks = 20_000;

/** As far as the bytes go. */
function hasSecondFrame(head: DataView): boolean {
  try {
    const walk = { at: 13 + colourTableBytes(head.getUint8(10)), subBlocksLeft: mostSubBlocks };
    if (!findFrame(head, walk)) return false;
    skipFrame(head, walk);
    return findFrame(head, walk);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const extension = 0x21;
const image = 0x2c;

function findFrame(head: DataView, walk: Walk): boolean {
  while (head.getUint8(walk.at) === extension) {
    walk.at += 2;
    skipSubBlocks(head, walk);
  }
  return head.getUint8(walk.at) === image;
}

function skipFrame(head: DataView, walk: Walk): void {
  walk.at += 11 + colourTableBytes(head.getUint8(walk.at + 9));
  skipSubBlocks(head, walk);
}

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1);
}

/** Each begins with its length; one of none is the last. */
function skipSubBlocks(head: DataView, walk: Walk): void {
  for (; walk.subBlocksLeft > 0; walk.subBlocksLeft -= 1) {
    const lengthBytes = head.getUint8(walk.at);
    walk.at += lengthBytes + 1;
    if (lengthBytes === 0) return;
  }
  throw new RangeError('more blocks than are worth the time');
}
