import { HoldfastError } from '../core/error.ts';
import { noFacts, type BlobFacts, type Kind } from '../core/media.ts';
import { brandedType } from './formats/brands.ts';
import { isGif, readGif } from './formats/gif.ts';
import { readHeif } from './formats/heif.ts';
import { isJpeg, readJpeg } from './formats/jpeg.ts';
import { matroskaType } from './formats/matroska.ts';
import { isOldQuickTime, isOnlySound } from './formats/movie.ts';
import { unreadable, type Picture } from './formats/picture.ts';
import { isPng, readPng } from './formats/png.ts';
import { isCameraRaw, isTiff, readTiff } from './formats/tiff.ts';
import { isWebp, readWebp } from './formats/webp.ts';

export interface Recognised {
  readonly kind: Kind;
  /** Ours to send: from a closed list, whatever the client said. */
  readonly type: string;
  /** Width and height are null for videos, and for images whose header goes on beyond the head. */
  readonly facts: BlobFacts;
}

/**
 * What an upload is, from its first bytes; microseconds, no decoding. `whole`: the head is all there is.
 *
 * Written here, as the packages for it did not hold: image-size spends 100 ms on 1 MiB of a broken JPEG, leaves the
 * orientation out except for JPEG and takes a crop for a width; file-type is asynchronous. The tests compare with both.
 * @throws unsupported-type, unreadable-image
 */
export function recognise(head: Uint8Array, limits: { maxPixels: number }, whole: boolean): Recognised {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const type = typeOf(view, whole);
  if (type === undefined) throw unsupported();
  if (type.startsWith('video/')) return { kind: 'video', type, facts: noFacts };
  return { kind: 'image', type, facts: factsOf(view, type, limits, whole) };
}

function typeOf(head: DataView, whole: boolean): string | undefined {
  if (isJpeg(head)) return 'image/jpeg';
  if (isPng(head)) return 'image/png';
  if (isWebp(head)) return 'image/webp';
  if (isGif(head)) return 'image/gif';
  if (isTiff(head)) return 'image/tiff';
  const branded = brandedType(head);
  if (branded?.startsWith('video/')) return isOnlySound(head) ? undefined : branded;
  return branded ?? (isOldQuickTime(head, whole) ? 'video/quicktime' : matroskaType(head));
}

const readers: Readonly<Record<string, (head: DataView) => Picture>> = {
  'image/jpeg': readJpeg,
  'image/png': readPng,
  'image/webp': readWebp,
  'image/gif': readGif,
  'image/tiff': readTiffOfNoCamera,
};

function readTiffOfNoCamera(head: DataView): Picture {
  if (isCameraRaw(head)) throw unsupported();
  return readTiff(head);
}

function factsOf(head: DataView, type: string, limits: { maxPixels: number }, whole: boolean): BlobFacts {
  const read = readers[type] ?? readHeif;
  try {
    return checked(read(head), limits.maxPixels, whole);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Beyond the head. A full decode, later, has limits of its own.
    if (!whole) return noFacts;
    throw unreadable('it ends in the middle');
  }
}

function checked(picture: Picture, maxPixels: number, whole: boolean): BlobFacts {
  const { width, height, animated } = picture;
  if (width < 1 || height < 1) throw unreadable('its width or its height is zero');
  if (width * height > maxPixels) throw tooManyPixels(width, height, maxPixels);
  const quarterTurn = picture.quarterTurn ?? (whole ? false : undefined);
  if (quarterTurn === undefined) return { ...noFacts, animated };
  const shown = picture.crop ?? { width, height };
  const turned = quarterTurn ? { width: shown.height, height: shown.width } : shown;
  return { width: turned.width, height: turned.height, animated, undecodable: false };
}

const taken = 'JPEG, PNG, GIF, WebP, AVIF, TIFF and HEIC images, and MP4, MOV, 3GP, WebM and Matroska videos';

function unsupported(): HoldfastError {
  return new HoldfastError(
    'unsupported-type',
    `These bytes are none of the types that are taken, whatever their name says: ${taken}.`,
  );
}

function tooManyPixels(width: number, height: number, maxPixels: number): HoldfastError {
  const text = `The image has ${width} × ${height} pixels; ${maxPixels} in all are allowed. Send a smaller one.`;
  return new HoldfastError('unreadable-image', text, { facts: { width, height, maxPixels } });
}
