/**
 * Pictures of a given size that are all different and all decode.
 *
 * Encoding each would cost more than uploading it. So one is encoded, with a comment segment (COM, ITU-T T.81 B.2.4.5)
 * in front of its image data; a new id in that comment makes new bytes, a new SHA-256, and the same picture.
 */

/** The bytes before and after the id in the comment. What is sent is `head`, an id, `tail`. */
export type Picture = { head: Buffer; tail: Buffer; sizeBytes: number };

export const ID_LENGTH = 32;

const MARK = 'bench-id:';

/** A picture of exactly `sizeBytes`: `width` × `height` pixels of shapes and noise, at the quality that comes nearest from below. */
export async function makePicture({
  sizeBytes,
  width,
  height,
}: {
  sizeBytes: number;
  width: number;
  height: number;
}): Promise<Buffer> {
  const encode = await encoder(width, height);
  const roomBytes = sizeBytes - comment(MARK + '0'.repeat(ID_LENGTH)).length;
  let best: Buffer | undefined;
  for (let low = 1, high = 100; low <= high;) {
    const quality = (low + high) >> 1;
    const jpeg = await encode(quality);
    // A comment cannot be shorter than its own four bytes, so a gap of one to three cannot be filled.
    const gapBytes = roomBytes - jpeg.length;
    const fits = gapBytes === 0 || gapBytes >= 4;
    if (fits) best = jpeg;
    if (fits) low = quality + 1;
    else high = quality - 1;
  }
  if (!best) throw new Error(`${width} × ${height} pixels do not fit into ${sizeBytes} bytes.`);
  return withComments(best, sizeBytes);
}

/** Splits a picture made above around its id. */
export function splitPicture(jpeg: Buffer): Picture {
  const idAt = jpeg.indexOf(MARK) + MARK.length;
  if (idAt < MARK.length) throw new Error('This picture has no id to change; make it with makePicture().');
  return { head: jpeg.subarray(0, idAt), tail: jpeg.subarray(idAt + ID_LENGTH), sizeBytes: jpeg.length };
}

/** Ids that no other source gives: `seed` names the source, up to 16 characters. */
export function idSource(seed: string): () => string {
  let count = 0;
  return () => seed.slice(0, 16).padEnd(16, '-') + (count++).toString(16).padStart(16, '0');
}

/** The whole of one distinct picture, for those that need it in one piece. */
export function distinct(picture: Picture, id: string): Buffer {
  return Buffer.concat([picture.head, Buffer.from(id, 'latin1'), picture.tail]);
}

async function encoder(width: number, height: number): Promise<(quality: number) => Promise<Buffer>> {
  // Loaded here only: the load generator splits pictures and should not pay for a decoder.
  const { default: sharp } = await import('sharp');
  const raw = { width, height, channels: 3 } as const;
  const pixels = noisyPixels(width, height);
  return (quality) => sharp(pixels, { raw }).jpeg({ quality }).toBuffer();
}

/** Slow waves, as a photograph has, and grain, so that no quality makes it tiny. Always the same pixels. */
function noisyPixels(width: number, height: number): Buffer {
  const pixels = Buffer.allocUnsafe(width * height * 3);
  let random = 0x9e3779b9;
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      const grain = (random & 31) - 16;
      const wave = 60 * Math.sin(x / 37) + 50 * Math.cos((x + 2 * y) / 61);
      pixels[at++] = clamp(128 + wave + grain);
      pixels[at++] = clamp(118 + wave / 2 + grain);
      pixels[at++] = clamp(140 - wave + grain);
    }
  }
  return pixels;
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/** Puts the id, and as many empty comments as fill up to `sizeBytes`, behind the JFIF segment, which has to be the first. */
function withComments(jpeg: Buffer, sizeBytes: number): Buffer {
  const startsWithJfif = jpeg.readUInt16BE(2) === 0xffe0;
  const insertAt = startsWithJfif ? 4 + jpeg.readUInt16BE(4) : 2;
  const parts = [jpeg.subarray(0, insertAt), comment(MARK + '0'.repeat(ID_LENGTH))];
  let gapBytes = sizeBytes - jpeg.length - (parts[1]?.length ?? 0);
  while (gapBytes > 0) {
    let takeBytes = Math.min(gapBytes, 65_000);
    if (gapBytes - takeBytes > 0 && gapBytes - takeBytes < 4) takeBytes -= 4;
    parts.push(comment(' '.repeat(takeBytes - 4)));
    gapBytes -= takeBytes;
  }
  return Buffer.concat([...parts, jpeg.subarray(insertAt)]);
}

function comment(text: string): Buffer {
  const segment = Buffer.alloc(4 + text.length);
  segment.writeUInt16BE(0xfffe, 0);
  segment.writeUInt16BE(2 + text.length, 2);
  segment.write(text, 4, 'latin1');
  return segment;
}
