import { boxesIn, boxIn, type Box } from './boxes.ts';
import { isSequence } from './brands.ts';
import { part, unreadable, type Picture, type Size } from './picture.ts';

/**
 * HEIF and AVIF (ISO/IEC 23008-12): the item that is shown has properties, among them its size, a crop and a turn, to be
 * applied in that order. Its tiles and thumbnails have sizes of their own, so that the right item must be asked.
 */
export function readHeif(head: DataView): Picture {
  const meta = boxIn(head, 'meta');
  if (meta === undefined && isSequence(head)) return readSequence(head);
  if (meta === undefined) throw new RangeError('no meta box in these bytes');
  return { ...shownItem(whole(meta)), animated: isSequence(head) };
}

/** A full box begins with a version and flags. */
const fullBoxBytes = 4;

function shownItem(meta: DataView): Omit<Picture, 'animated'> {
  const boxes = afterFlags(meta);
  const [item, properties] = [boxIn(boxes, 'pitm'), boxIn(boxes, 'iprp')];
  if (item === undefined || properties === undefined) throw unreadable('it names no picture to show');
  const mine = propertiesOf(itemId(item.content), properties.content);
  const size = mine.find(({ name }) => name === 'ispe');
  if (size === undefined) throw unreadable('the picture to show has no size');
  const stored = {
    width: size.content.getUint32(fullBoxBytes),
    height: size.content.getUint32(fullBoxBytes + 4),
  };
  const crop = cropOf(stored, mine);
  return { ...stored, ...(crop && { crop }), quarterTurn: isTurned(mine) };
}

function itemId(item: DataView): number {
  return item.getUint8(0) === 0 ? item.getUint16(fullBoxBytes) : item.getUint32(fullBoxBytes);
}

function propertiesOf(item: number, properties: DataView): Box[] {
  const container = boxIn(properties, 'ipco')?.content ?? part(properties, 0, 0);
  const all = [...boxesIn(container, mostItems)];
  return boxesIn(properties)
    .filter(({ name }) => name === 'ipma')
    .flatMap(({ content }) => associated(item, content))
    .map((index) => all[index - 1])
    .filter((box) => box !== undefined)
    .toArray();
}

/** Each tile of a large picture is an item and may have properties of its own. */
const mostItems = 4096;

/** §9.3.1: for each item, which properties it has, counted from 1. */
function associated(item: number, table: DataView): number[] {
  const idBytes = table.getUint8(0) === 0 ? 2 : 4;
  const indexBytes = (table.getUint8(3) & 1) === 0 ? 1 : 2;
  const items = Math.min(table.getUint32(fullBoxBytes), mostItems);
  let at = fullBoxBytes + 4;
  for (let i = 0; i < items; i += 1) {
    const id = idBytes === 2 ? table.getUint16(at) : table.getUint32(at);
    const count = table.getUint8(at + idBytes);
    const indexes = at + idBytes + 1;
    if (id === item)
      return Array.from({ length: count }, (_, k) => indexAt(table, indexes + k * indexBytes, indexBytes));
    at = indexes + count * indexBytes;
  }
  return [];
}

/** The first bit says whether the property is essential. */
function indexAt(table: DataView, at: number, indexBytes: 1 | 2): number {
  return indexBytes === 1 ? table.getUint8(at) & 0x7f : table.getUint16(at) & 0x7fff;
}

/** `clap`: each side as a fraction, and where the crop lies. A side that is none, or larger than the picture, crops nothing. */
function cropOf(stored: Size, properties: readonly Box[]): Size | undefined {
  const crop = properties.find(({ name }) => name === 'clap')?.content;
  if (crop === undefined) return undefined;
  const width = Math.round(crop.getUint32(0) / crop.getUint32(4));
  const height = Math.round(crop.getUint32(8) / crop.getUint32(12));
  const fits = width >= 1 && width <= stored.width && height >= 1 && height <= stored.height;
  return fits ? { width, height } : undefined;
}

/** `irot`: quarters of a turn in the last two bits. */
function isTurned(properties: readonly Box[]): boolean {
  const turn = properties.find(({ name }) => name === 'irot')?.content;
  return turn !== undefined && (turn.getUint8(0) & 1) === 1;
}

/** A sequence may come without items: then its track says the size, in 16.16 bits. */
function readSequence(head: DataView): Picture {
  const movie = boxIn(head, 'moov');
  if (movie === undefined) throw new RangeError('no moov box in these bytes');
  const track = boxIn(whole(movie), 'trak');
  const header = track && boxIn(track.content, 'tkhd')?.content;
  if (header === undefined) throw unreadable('it has no track');
  const size = header.getUint8(0) === 0 ? 76 : 88;
  const [width, height] = [header.getUint32(size) >>> 16, header.getUint32(size + 4) >>> 16];
  return { width, height, quarterTurn: false, animated: true };
}

function whole(box: Box): DataView {
  if (box.cut) throw new RangeError(`the ${box.name} box goes on beyond these bytes`);
  return box.content;
}

function afterFlags(content: DataView): DataView {
  return part(content, fullBoxBytes, content.byteLength);
}
