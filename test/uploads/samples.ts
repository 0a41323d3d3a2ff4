import sharp, { type Sharp } from 'sharp';

/** A picture of noise, so that it is larger than its header. */
export function picture(width = 40, height = 30): Sharp {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  return sharp({ create: { width, height, channels: 3, background: '#888', noise } });
}

/** Two pages, one above the other, each of another colour: equal frames would be merged into one. */
export async function twoFrames(width = 40, height = 30): Promise<Sharp> {
  const page = (background: string) => ({ create: { width, height, channels: 3, background } as const });
  const pages = await Promise.all(['red', 'blue'].map((colour) => sharp(page(colour)).png().toBuffer()));
  return sharp(pages, { join: { animated: true } });
}

/** Bytes from texts (one byte a character), numbers (one byte) and buffers. */
export function bytes(...parts: readonly (string | number | Uint8Array)[]): Buffer<ArrayBuffer> {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part, 'latin1');
      return typeof part === 'number' ? Buffer.of(part) : part;
    }),
  );
}

export function big16(value: number): Buffer {
  const field = Buffer.alloc(2);
  field.writeUInt16BE(value);
  return field;
}

export function big32(value: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(value);
  return field;
}

/** A box of an ISO base media file. */
export function box(
  name: string,
  ...content: readonly (string | number | Uint8Array)[]
): Buffer<ArrayBuffer> {
  const inside = bytes(...content);
  return bytes(big32(inside.length + 8), name, inside);
}

export function fileType(major: string, ...compatible: readonly string[]): Buffer<ArrayBuffer> {
  return box('ftyp', major, big32(0), ...compatible);
}

/** A movie with one track for each handler. */
export function movie(...handlers: readonly string[]): Buffer<ArrayBuffer> {
  const tracks = handlers.map((handler) =>
    box('trak', box('mdia', box('hdlr', big32(0), big32(0), handler))),
  );
  return box('moov', box('mvhd', big32(0)), ...tracks);
}

/** An image as phones write it: the item that is shown is a grid of 4032 x 3024, its tiles and its thumbnail come first. */
export function heic(
  brands: readonly string[] = ['heic', 'mif1', 'heic'],
  more: readonly Uint8Array[] = [],
): Buffer<ArrayBuffer> {
  const size = (width: number, height: number) => box('ispe', big32(0), big32(width), big32(height));
  const properties = box('ipco', size(512, 512), size(320, 240), size(4032, 3024), ...more);
  const shown = [3, ...more.map((_, index) => 4 + index)];
  const associations = [
    [1, [1]],
    [2, [2]],
    [49, shown],
  ] as const;
  const table = associations.map(([id, of]) =>
    bytes(big16(id), of.length, ...of.map((index) => index | 0x80)),
  );
  const meta = box(
    'meta',
    big32(0),
    box('hdlr', big32(0), big32(0), 'pict'),
    box('pitm', big32(0), big16(49)),
    [box('iprp', properties, box('ipma', big32(0), big32(associations.length), ...table))][0]!,
  );
  return bytes(fileType(brands[0]!, ...brands.slice(1)), meta, box('mdat', Buffer.alloc(100)));
}

/** An element of Matroska whose size fits in two bytes. */
function element(
  id: readonly number[],
  ...content: readonly (string | number | Uint8Array)[]
): Buffer<ArrayBuffer> {
  const inside = bytes(...content);
  return bytes(...id, 0x40 | (inside.length >> 8), inside.length & 0xff, inside);
}

/** With a segment of unknown size, as browsers record it. */
export function matroska(docType: string, ...trackTypes: readonly number[]): Buffer<ArrayBuffer> {
  const header = element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x86], 1), element([0x42, 0x82], docType));
  const entries = trackTypes.map((kind) => element([0xae], element([0xd7], 1), element([0x83], kind)));
  const tracks = trackTypes.length === 0 ? '' : element([0x16, 0x54, 0xae, 0x6b], ...entries);
  const unknownSize = bytes(0x01, ...Array.from({ length: 7 }, () => 0xff));
  return bytes(
    header,
    0x18,
    0x53,
    0x80,
    0x67,
    unknownSize,
    element([0x15, 0x49, 0xa9, 0x66], 'info'),
    tracks,
  );
}

/** A little-endian TIFF whose directory has these entries: tag, type, value. */
export function tiff(
  ...entries: readonly (readonly [tag: number, type: number, value: number])[]
): Buffer<ArrayBuffer> {
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length);
  entries.forEach(([tag, type, value], index) => {
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(1, at + 4);
    directory.writeUInt32LE(value, at + 8);
  });
  return bytes('II*\0', 8, 0, 0, 0, directory);
}

/** Everything that is taken, for the properties that hold for all. */
export async function samples(): Promise<Record<string, Buffer>> {
  const animation = await twoFrames();
  const orientation = { orientation: 6 };
  return {
    jpeg: await picture().withMetadata(orientation).jpeg().toBuffer(),
    png: await picture().withMetadata(orientation).png().toBuffer(),
    webp: await picture().webp().toBuffer(),
    'webp lossless': await picture().webp({ lossless: true }).toBuffer(),
    'webp extended': await picture().withMetadata(orientation).webp().toBuffer(),
    'webp animated': await animation.clone().webp().toBuffer(),
    gif: await picture().gif().toBuffer(),
    'gif animated': await animation.clone().gif().toBuffer(),
    tiff: await picture().withMetadata(orientation).tiff().toBuffer(),
    bigtiff: await picture().tiff({ bigtiff: true }).toBuffer(),
    avif: await picture().withMetadata(orientation).avif({ effort: 0 }).toBuffer(),
    heic: heic(undefined, [box('clap', big32(4000), big32(1), big32(3000), big32(1)), box('irot', 1)]),
    avis: bytes(fileType('avis', 'avis'), sequenceMovie(64, 48)),
    mp4: bytes(fileType('isom', 'isom', 'mp42'), movie('vide', 'soun')),
    mov: bytes(fileType('qt  ', 'qt  '), box('wide'), box('mdat', 'data'), movie('soun', 'vide')),
    webm: matroska('webm', 1, 2),
    matroska: matroska('matroska', 1),
  };
}

function sequenceMovie(width: number, height: number): Buffer<ArrayBuffer> {
  return box('moov', box('trak', box('tkhd', Buffer.alloc(76), big32(width << 16), big32(height << 16))));
}
