import { beforeAll, describe, expect, test } from '@jest/globals';
import { fileTypeFromBuffer } from 'file-type';
import { imageSize } from 'image-size';
import sharp from 'sharp';
import { HoldfastError } from '../../src/core/error.ts';
import { recognise } from '../../src/uploads/recognise.ts';
import * as make from './samples.ts';

const { big16, big32, box, bytes, fileType, movie, picture } = make;
const limits = { maxPixels: 100_000_000 };
const whole = (file: Uint8Array) => recognise(file, limits, true);
const start = (head: Uint8Array) => recognise(head, limits, false);

/** The code of the refusal. */
function refusal(file: Uint8Array, isWhole = true): string {
  try {
    return `taken as ${recognise(file, limits, isWhole).type}`;
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
}

const image = (type: string, width: number | null, height: number | null, animated = false) => ({
  kind: 'image',
  type,
  facts: { width, height, animated, undecodable: false },
});
const video = (type: string) => ({
  kind: 'video',
  type,
  facts: { width: null, height: null, animated: false, undecodable: false },
});

let samples: Record<string, Buffer>;
beforeAll(async () => {
  samples = await make.samples();
});

describe('An image made by an encoder', () => {
  describe.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)('in %s', (format) => {
    test.each([1, 2, 3, 4, 5, 6, 7, 8])(
      'has the size it is shown with under orientation %i',
      async (orientation) => {
        const file = await picture().withMetadata({ orientation }).toFormat(format).toBuffer();
        const { autoOrient } = await sharp(file).metadata();
        expect(whole(file)).toEqual(image(`image/${format}`, autoOrient.width, autoOrient.height));
      },
    );
  });

  test('is recognised in each form of WebP, of JPEG and of TIFF', async () => {
    const files = await Promise.all([
      picture().webp({ lossless: true }).toBuffer(),
      picture().jpeg({ progressive: true }).toBuffer(),
      picture().toColourspace('cmyk').jpeg().toBuffer(),
      picture().greyscale().jpeg().toBuffer(),
      picture().tiff({ bigtiff: true }).toBuffer(),
      picture().tiff({ tile: true, compression: 'lzw' }).toBuffer(),
    ]);
    const types = ['webp', 'jpeg', 'jpeg', 'jpeg', 'tiff', 'tiff'];
    expect(files.map(whole)).toEqual(types.map((type) => image(`image/${type}`, 40, 30)));
  });

  test('is said to be animated when it has more than one frame', async () => {
    const animation = await make.twoFrames();
    expect(whole(await animation.clone().gif().toBuffer())).toEqual(image('image/gif', 40, 30, true));
    expect(whole(await animation.clone().webp().toBuffer())).toEqual(image('image/webp', 40, 30, true));
    expect(whole(await picture().gif().toBuffer())).toEqual(image('image/gif', 40, 30));
  });

  test('as wide as its format allows is read like any other', async () => {
    const file = await picture(16_383, 1).webp().toBuffer();
    expect(whole(file).facts).toMatchObject({ width: 16_383, height: 1 });
  });
});

describe('An image made by hand', () => {
  test('is an animated PNG when it announces more than one frame', async () => {
    const png = await picture().png().toBuffer();
    const animation = (frames: number) => bytes(big32(8), 'acTL', big32(frames), big32(0), big32(0));
    const withFrames = (frames: number) => bytes(png.subarray(0, 33), animation(frames), png.subarray(33));
    expect(whole(withFrames(2))).toEqual(image('image/png', 40, 30, true));
    expect(whole(withFrames(1))).toEqual(image('image/png', 40, 30));
  });

  test('is a JPEG though its frame comes behind 260 kB of other segments, fill bytes and stray bytes', async () => {
    const jpeg = await picture().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const segment = bytes('\xff\xe2', big16(65_002), Buffer.alloc(65_000, 0xab));
    const file = bytes(
      jpeg.subarray(0, 2),
      ...Array(4).fill(segment),
      '\xff\xff\xff\xfe\0\x04hi',
      'stray',
      jpeg.subarray(2),
    );
    expect(whole(file)).toEqual(image('image/jpeg', 30, 40));
    expect(start(file.subarray(0, 200_000))).toEqual(image('image/jpeg', null, null));
  });

  test('is a JPEG whose damaged Exif data turns nothing', () => {
    const exif = bytes('Exif\0\0', 'II*\0', 0xff, 0xff, 0xff, 0x7f);
    const file = bytes(
      '\xff\xd8\xff\xe1',
      big16(exif.length + 2),
      exif,
      '\xff\xc0',
      big16(8),
      8,
      big16(30),
      big16(40),
      3,
    );
    expect(whole(file)).toEqual(image('image/jpeg', 40, 30));
  });

  test('is a HEIC with the size of the item that is shown, not of a tile or a thumbnail', () => {
    expect(whole(make.heic())).toEqual(image('image/heic', 4032, 3024));
  });

  test('is a HEIC cropped, then turned', () => {
    const crop = box('clap', big32(4000), big32(1), big32(3000), big32(1));
    expect(whole(make.heic(undefined, [crop, box('irot', 1)]))).toEqual(image('image/heic', 3000, 4000));
    expect(whole(make.heic(undefined, [box('irot', 2)]))).toEqual(image('image/heic', 4032, 3024));
    const nonsense = box('clap', big32(5000), big32(0), big32(3000), big32(1));
    expect(whole(make.heic(undefined, [nonsense]))).toEqual(image('image/heic', 4032, 3024));
  });

  test.each([
    [['heix', 'mif1'], 'image/heic', false],
    [['mif1', 'mif1', 'heic'], 'image/heic', false],
    [['mif1', 'mif1', 'avif'], 'image/avif', false],
    [['mif1', 'mif1'], 'image/heif', false],
    [['avif', 'mif1', 'miaf'], 'image/avif', false],
    [['avis', 'msf1', 'iso8'], 'image/avif', true],
    [['hevc', 'msf1'], 'image/heic-sequence', true],
    [['msf1', 'iso8', 'mif1'], 'image/heif-sequence', true],
    [['MA1B', 'miaf', 'avif'], 'image/avif', false],
  ])('with the brands %j is %s', (brands, type, animated) => {
    expect(whole(make.heic(brands))).toEqual(image(type, 4032, 3024, animated));
  });

  test('is a sequence without items, with the size of its track', () => {
    expect(whole(samples['avis']!)).toEqual(image('image/avif', 64, 48, true));
  });
});

describe('A video', () => {
  test.each([
    ['isom', 'video/mp4'],
    ['mp42', 'video/mp4'],
    ['avc1', 'video/mp4'],
    ['M4V ', 'video/mp4'],
    ['iso6', 'video/mp4'],
    ['qt  ', 'video/quicktime'],
    ['3gp5', 'video/3gpp'],
    ['3g2a', 'video/3gpp2'],
  ])('with the brand %s is %s, wherever its tracks are', (brand, type) => {
    const data = box('mdat', Buffer.alloc(1000));
    expect(whole(bytes(fileType(brand), movie('soun', 'vide'), data))).toEqual(video(type));
    expect(whole(bytes(fileType(brand), data, movie('vide')))).toEqual(video(type));
    expect(start(bytes(fileType(brand), data))).toEqual(video(type));
  });

  test('of a brand nobody knows is what a compatible brand says', () => {
    expect(whole(bytes(fileType('XXXX', 'YYYY', 'mp42'), movie('vide')))).toEqual(video('video/mp4'));
  });

  test('of an old camera, without brands, is QuickTime', () => {
    const data = box('mdat', Buffer.alloc(1000));
    expect(whole(bytes(box('wide'), data, movie('vide')))).toEqual(video('video/quicktime'));
    expect(whole(bytes(movie('vide', 'soun'), data))).toEqual(video('video/quicktime'));
    expect(start(bytes(data.subarray(0, 100)))).toEqual(video('video/quicktime'));
    expect(refusal(data)).toBe('unsupported-type');
  });

  test('in Matroska or WebM is told apart by its document type', () => {
    expect(whole(make.matroska('webm', 1, 2))).toEqual(video('video/webm'));
    expect(whole(make.matroska('matroska', 2, 1))).toEqual(video('video/matroska'));
    expect(whole(make.matroska('webm\0\0', 1))).toEqual(video('video/webm'));
    expect(start(make.matroska('webm'))).toEqual(video('video/webm'));
  });

  test('is none when all its tracks are sound', () => {
    expect(refusal(bytes(fileType('M4A ', 'mp42', 'isom'), movie('soun')))).toBe('unsupported-type');
    expect(refusal(bytes(fileType('M4A ', 'mp42', 'isom')), false)).toBe('unsupported-type');
    expect(refusal(bytes(fileType('isom', 'mp42'), movie('soun')))).toBe('unsupported-type');
    expect(refusal(make.matroska('webm', 2))).toBe('unsupported-type');
    expect(refusal(make.matroska('matroska', 2, 2, 17))).toBe('unsupported-type');
  });
});

describe('What is not taken is refused as unsupported', () => {
  const script = '<script>alert(1)</script>';
  test.each<[string, Uint8Array]>([
    ['nothing', bytes()],
    ['text', bytes('hello')],
    ['SVG', bytes(`<svg xmlns="http://www.w3.org/2000/svg">${script}</svg>`)],
    ['SVG with a declaration', bytes('<?xml version="1.0"?><svg/>')],
    ['HTML', bytes(`<!DOCTYPE html><html>${script}`)],
    ['PDF', bytes('%PDF-1.7\n')],
    ['MP3', bytes('ID3\x04\0\0\0\0\0\0')],
    ['MP3 without a tag', bytes('\xff\xfb\x90\x64')],
    ['WAV', bytes('RIFF\0\0\0\0WAVEfmt ')],
    ['AVI', bytes('RIFF\0\0\0\0AVI LIST')],
    ['Ogg', bytes('OggS\0\x02')],
    ['ZIP', bytes('PK\x03\x04')],
    ['gzip', bytes('\x1f\x8b\x08')],
    ['ELF', bytes('\x7fELF\x02\x01\x01')],
    ['Windows program', bytes('MZ\x90\0')],
    ['BMP', bytes('BM\x36\0\0\0')],
    ['icon', bytes('\0\0\x01\0\x01\0\x10\x10')],
    ['JPEG 2000', bytes('\0\0\0\x0cjP  \r\n\x87\n', fileType('jp2 ', 'jp2 '))],
    ['JPEG XL', bytes('\xff\x0a\0\0')],
    ['Photoshop', bytes('8BPS\0\x01')],
    ['MPEG transport stream', bytes('G', Buffer.alloc(187), 'G')],
    ['CR2', bytes('II*\0\x10\0\0\0CR\x02\0', Buffer.alloc(100))],
    ['CR3', bytes(fileType('crx ', 'crx ', 'isom'), movie('vide'))],
    ['DNG', make.tiff([256, 4, 40], [257, 4, 30], [50706, 1, 1])],
    ['NEF and ARW', make.tiff([254, 4, 1], [256, 4, 160], [257, 4, 120])],
    ['raw colours', make.tiff([256, 4, 40], [257, 4, 30], [262, 3, 32803])],
    ['another EBML document', make.matroska('something', 1)],
    ['the beginning of a signature', bytes('\x89PNG\r\n')],
    ['a signature that comes later', bytes(' GIF89a')],
  ])('%s', (_name, file) => {
    expect(refusal(file)).toBe('unsupported-type');
    expect(refusal(file, false)).toBe('unsupported-type');
  });
});

test('A GIF that is a script as well stays a GIF, and is sent as one', () => {
  expect(whole(bytes('GIF89a/\x09*\x09', '*/=1;<script>alert(1)</script>')).type).toBe('image/gif');
});

describe('An image whose header makes no sense is refused as unreadable', () => {
  const png = (width: number, height: number) =>
    bytes(
      '\x89PNG\r\n\x1a\n',
      big32(13),
      'IHDR',
      big32(width),
      big32(height),
      8,
      2,
      0,
      0,
      0,
      big32(0),
      big32(0),
      'IDAT',
    );

  test.each<[string, Uint8Array]>([
    ['a PNG without width', png(0, 30)],
    ['a PNG that begins with another chunk', bytes('\x89PNG\r\n\x1a\n', big32(13), 'iCCP', Buffer.alloc(40))],
    ['a PNG without pixels', bytes(png(40, 30).subarray(0, 33), big32(0), 'IEND', big32(0))],
    ['a JPEG without height', bytes('\xff\xd8\xff\xc0\0\x08\x08\0\0\0\x28\x03')],
    ['a JPEG that ends at once', bytes('\xff\xd8\xff\xd9')],
    ['a JPEG whose pixels come before its frame', bytes('\xff\xd8\xff\xda\0\x08')],
    ['a JPEG with an impossible segment', bytes('\xff\xd8\xff\xe0\0\x01\0\0\0')],
    ['a GIF of nothing', bytes('GIF89a\0\0\0\0\0\0\0')],
    ['a WebP of an unknown form', bytes('RIFF\0\0\0\0WEBPVP9 ', Buffer.alloc(20))],
    ['a WebP that begins in the middle', bytes('RIFF\0\0\0\0WEBPVP8 \0\0\0\0\x01\0\0\x9d\x01\x2a', big32(1))],
    ['a lossless WebP without signature', bytes('RIFF\0\0\0\0WEBPVP8L\0\0\0\0', Buffer.alloc(20))],
    ['a TIFF without height', make.tiff([256, 4, 40])],
    [
      'a HEIC that shows an item without a size',
      bytes(fileType('heic'), box('meta', big32(0), box('pitm', big32(0), big16(7)), box('iprp'))),
    ],
    ['a HEIC without items', bytes(fileType('heic'), box('meta', big32(0)))],
  ])('%s', (_name, file) => {
    expect(refusal(file)).toBe('unreadable-image');
    expect(refusal(file, false)).toBe('unreadable-image');
  });

  test('and so is one cut within its header, unless more is to come', () => {
    for (const name of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif', 'heic']) {
      const file = samples[name]!;
      const expected = whole(file);
      for (let size = 0; size < Math.min(file.length, 1200); size += 1) {
        const cut = file.subarray(0, size);
        // Shorter than the signature and, for AVIF and HEIC, the brands, it is nothing yet.
        const unknown = refusal(cut) === 'unsupported-type';
        if (unknown) expect(size).toBeLessThan(32);
        if (refusal(cut).startsWith('taken')) expect(whole(cut)).toEqual(expected);
        else expect(unknown || refusal(cut) === 'unreadable-image').toBe(true);
        expect(refusal(cut, false)).toBe(unknown ? 'unsupported-type' : `taken as ${expected.type}`);
      }
    }
  });
});

test('An image with more pixels than allowed is refused, with the limit', () => {
  const file = make.heic();
  const pixels = 4032 * 3024;
  expect(recognise(file, { maxPixels: pixels }, true).type).toBe('image/heic');
  const refused = () => recognise(file, { maxPixels: pixels - 1 }, false);
  expect(refused).toThrow(expect.objectContaining({ code: 'unreadable-image' }));
  expect(refused).toThrow(/4032 × 3024 pixels; 12192767 in all are allowed/);
  expect(refused).toThrow(
    expect.objectContaining({ facts: { width: 4032, height: 3024, maxPixels: pixels - 1 } }),
  );
});

test('A crop does not make an image smaller to decode', () => {
  const crop = box('clap', big32(10), big32(1), big32(10), big32(1));
  expect(whole(make.heic(undefined, [crop]))).toEqual(image('image/heic', 10, 10));
  expect(() => recognise(make.heic(undefined, [crop]), { maxPixels: 1_000_000 }, true)).toThrow(
    /4032 × 3024/,
  );
});

describe('What the head of a longer file does not say', () => {
  test('is not known: the size of a TIFF whose directory is at its end', async () => {
    const file = await picture(400, 300).tiff({ compression: 'none' }).toBuffer();
    expect(start(file.subarray(0, 10_000))).toEqual(image('image/tiff', null, null));
    expect(start(file)).toEqual(image('image/tiff', 400, 300));
  });

  test('is not guessed: the orientation of a WebP stands behind its pixels', async () => {
    const file = await picture(400, 300).withMetadata({ orientation: 6 }).webp().toBuffer();
    expect(start(file.subarray(0, 10_000))).toEqual(image('image/webp', null, null));
    expect(whole(file.subarray(0, 10_000))).toEqual(image('image/webp', 400, 300));
    expect(start(file)).toEqual(image('image/webp', 300, 400));
  });
});

test('Only the bytes of the head are read, wherever they lie in memory', () => {
  for (const [name, file] of Object.entries(samples)) {
    const around = Buffer.concat([Buffer.alloc(7, 0xff), file, file]);
    expect([name, whole(around.subarray(7, 7 + file.length))]).toEqual([name, whole(file)]);
  }
});

describe('The packages for it', () => {
  test('agree on every type', async () => {
    for (const [name, file] of Object.entries(samples)) {
      expect([name, (await fileTypeFromBuffer(file))?.mime]).toEqual([name, whole(file).type]);
    }
  });

  test('agree on every size they read right', () => {
    for (const name of ['jpeg', 'webp', 'webp lossless', 'webp animated', 'gif', 'gif animated', 'bigtiff']) {
      const { width, height, orientation } = imageSize(samples[name]!);
      const { facts } = whole(samples[name]!);
      expect([name, [width, height]]).toEqual([
        name,
        orientation === 6 ? [facts.height, facts.width] : [facts.width, facts.height],
      ]);
    }
  });
});
