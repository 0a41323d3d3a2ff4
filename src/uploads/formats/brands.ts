import { boxIn } from './boxes.ts';
import { fourCharacters, has } from './picture.ts';

const sequences = ['hevc', 'hevx', 'hevm', 'hevs'];

const images = new Map([
  ['avif', 'image/avif'],
  ['avis', 'image/avif'],
  ...['heic', 'heix', 'heim', 'heis'].map((brand) => [brand, 'image/heic'] as const),
  ...sequences.map((brand) => [brand, 'image/heic-sequence'] as const),
]);

/** They say how an image is wrapped, not how it is coded: another brand may say more. */
const wrappers = new Map([
  ['mif1', 'image/heif'],
  ['msf1', 'image/heif-sequence'],
]);

const mp4 = new Set(
  ['isom', 'iso2', 'iso3', 'iso4', 'iso5', 'iso6', 'iso7', 'iso8', 'iso9', 'mp41', 'mp42', 'mp71'].concat([
    'avc1',
    'M4V ',
    'M4VH',
    'M4VP',
    'f4v ',
    'F4V ',
    'mmp4',
    'MSNV',
    'XAVC',
    'dash',
    'cmfc',
    'cmf2',
  ]),
);
const mobile = /^3g(?:2|[egprs])/;

/** Sound (M4A, audio books), and the raw data of Canon's cameras: they name the brands of MP4 beside their own. */
const notTaken = /^(?:M4[ABP] |F4[AB] |aaxc?|crx )/;

/** The type that the brands of an ISO base media file stand for; undefined when it is none, or none that is taken. */
export function brandedType(head: DataView): string | undefined {
  const [major, ...compatible] = brandsOf(head);
  if (major === undefined || notTaken.test(major)) return undefined;
  const wrapper = wrappers.get(major);
  if (wrapper !== undefined) return first(compatible, (brand) => images.get(brand)) ?? wrapper;
  return first(
    [major, ...compatible],
    (brand) => images.get(brand) ?? wrappers.get(brand) ?? videoType(brand),
  );
}

/** Whether the file is a sequence of pictures rather than one; readers go by the major brand. */
export function isSequence(head: DataView): boolean {
  return ['avis', 'msf1', ...sequences].some((brand) => has(head, 8, brand));
}

function videoType(brand: string): string | undefined {
  if (brand === 'qt  ') return 'video/quicktime';
  if (mobile.test(brand)) return brand.startsWith('3g2') ? 'video/3gpp2' : 'video/3gpp';
  return mp4.has(brand) ? 'video/mp4' : undefined;
}

function first(brands: readonly string[], find: (brand: string) => string | undefined): string | undefined {
  for (const brand of brands) {
    const found = find(brand);
    if (found !== undefined) return found;
  }
  return undefined;
}

const mostBrands = 64;

/** The major brand first. Its version, behind it, is no brand. */
function brandsOf(head: DataView): string[] {
  const content = has(head, 4, 'ftyp') ? boxIn(head, 'ftyp')?.content : undefined;
  if (content === undefined) return [];
  const brands: string[] = [];
  for (let at = 0; at + 4 <= content.byteLength && at < mostBrands * 4; at += 4) {
    if (at !== 4) brands.push(fourCharacters(content, at));
  }
  return brands;
}
