import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sharp, SharpOptions } from 'sharp';
import type { BlobId, BlobStore } from '../core/blob.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Ids } from '../core/clock.ts';
import { HoldfastError, storageError } from '../core/error.ts';
import type { MediaWithFacts } from '../core/media.ts';
import { thumbEdge, thumbSize } from './thumb-size.ts';

export interface VariantsParts {
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly ids: Ids;
  /** A cache: everything in it may be lost at any time. */
  readonly dir: string;
  readonly maxPixels: number;
}

export interface Variants {
  /** WebP bytes of the thumbnail, made when they are not there. @throws not-found, damaged, unavailable */
  thumb(media: MediaWithFacts): Promise<Buffer>;
  /** Drops what was made from a blob. */
  forget(id: BlobId): Promise<void>;
}

/** As many at once as there are cores to decode on; the rest wait, so that memory stays bounded. */
const mostAtOnce = 2;

export function createVariants(parts: VariantsParts): Variants {
  const making = new Map<BlobId, Promise<Buffer>>();
  const lanes = createLanes(mostAtOnce);
  const fileOf = (id: BlobId) => join(parts.dir, id[0]!, `${id}.thumb.webp`);

  function make(media: MediaWithFacts): Promise<Buffer> {
    const running =
      making.get(media.blob) ??
      lanes(() => makeThumb(parts, media, fileOf(media.blob))).finally(() => making.delete(media.blob));
    making.set(media.blob, running);
    return running;
  }

  return {
    async thumb(media) {
      if (thumbSize(media) === undefined) {
        throw new HoldfastError('not-found', 'This media has no thumbnail: its type cannot be decoded here.');
      }
      const cached = await readFile(fileOf(media.blob)).catch(() => undefined);
      return cached ?? make(media);
    },
    async forget(id) {
      await rm(fileOf(id), { force: true }).catch(() => undefined);
    },
  };
}

async function makeThumb(parts: VariantsParts, media: MediaWithFacts, file: string): Promise<Buffer> {
  const bytes = await render(parts, media);
  await cache(parts, file, bytes).catch(() => undefined); // a full disk must not keep a thumbnail from being shown
  return bytes;
}

async function render({ blobs, catalog, maxPixels }: VariantsParts, media: MediaWithFacts): Promise<Buffer> {
  const decode = await loadSharp();
  const source = await blobs.open(media.blob);
  try {
    const picture = decode({ failOn: 'warning', limitInputPixels: maxPixels, sequentialRead: true });
    const result = picture
      .autoOrient()
      .resize(thumbEdge, thumbEdge, { fit: 'inside', withoutEnlargement: true })
      .keepIccProfile()
      .webp({ quality: 78 })
      .toBuffer();
    source.once('error', (error) => picture.destroy(error));
    source.pipe(picture);
    return await result;
  } catch (error) {
    if (source.errored !== null) throw storageError(source.errored, 'read a blob'); // says nothing about the picture
    await catalog.blobs.learn(
      { id: media.blob, sizeBytes: media.sizeBytes },
      { ...media.facts, undecodable: true },
    );
    throw new HoldfastError(
      'not-found',
      'This picture cannot be decoded, so it has no thumbnail. It is kept as it was sent.',
      {
        cause: error,
      },
    );
  } finally {
    source.destroy();
  }
}

/** Renamed into place, so that nobody reads half of one; not flushed, as it can be made again. */
async function cache({ ids, dir }: VariantsParts, file: string, bytes: Buffer): Promise<void> {
  const temporary = join(dir, `${ids.random(20)}.tmp`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(temporary, bytes, { flag: 'wx', mode: 0o640 });
  await rename(temporary, file);
}

type Decode = (options: SharpOptions) => Sharp;
let loaded: Promise<Decode> | undefined;

/** Loaded when the first picture is to be decoded: a service that only takes uploads in has no use for its memory. */
function loadSharp(): Promise<Decode> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.block({ operation: ['VipsForeignLoadSvg', 'VipsForeignLoadPdf', 'VipsForeignLoadMagick'] });
    return sharp;
  });
  return loaded;
}

function createLanes(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
