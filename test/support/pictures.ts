import { createHash } from 'node:crypto';
import sharp from 'sharp';

export interface Picture {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly sha256: string;
}

/** Pictures that all differ and all decode. */
export interface Pictures {
  /** 2 to 60 KB. */
  small(): Picture;
  /** Over the 1 MiB from which a body is streamed. */
  large(): Picture;
}

/**
 * Encoding each would take longer than uploading it, so three are encoded and a comment segment (COM, ITU-T T.81 B.2.4.5)
 * with a new id makes new bytes and the same picture. `source` keeps apart those who make pictures at once.
 */
export async function makePictures(source: string): Promise<Pictures> {
  const [tiny, usual, large] = await Promise.all([noise(48, 36), noise(200, 150), noise(1150, 850)]);
  let made = 0;
  const next = (base: Buffer) => distinct(base, `${source}-${made}`);
  return {
    small() {
      made += 1;
      return next(made % 3 === 0 ? usual : tiny);
    },
    large() {
      made += 1;
      return next(large);
    },
  };
}

/** One picture. Noise takes about 1.3 bytes for each of its pixels. */
export async function makePicture(id: string, width: number, height: number): Promise<Picture> {
  return distinct(await noise(width, height), id);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Grain, so that no compression makes it small. */
function noise(width: number, height: number): Promise<Buffer> {
  const grain = { type: 'gaussian', mean: 128, sigma: 50 } as const;
  const create = { width, height, channels: 3, background: '#888', noise: grain } as const;
  return sharp({ create }).jpeg({ quality: 95 }).toBuffer();
}

/** The comment goes behind the JFIF segment, which has to be the first. */
function distinct(base: Buffer, id: string): Picture {
  const at = base.readUInt16BE(2) === 0xffe0 ? 4 + base.readUInt16BE(4) : 2;
  const comment = Buffer.alloc(4 + id.length);
  comment.writeUInt16BE(0xfffe, 0);
  comment.writeUInt16BE(2 + id.length, 2);
  comment.write(id, 4, 'latin1');
  const bytes = Buffer.concat([base.subarray(0, at), comment, base.subarray(at)]);
  return { bytes, sha256: sha256(bytes) };
}
