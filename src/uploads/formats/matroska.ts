import { has, part } from './picture.ts';

const element = {
  docType: 0x4282,
  segment: 0x18538067,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackType: 0x83,
} as const;

const video = 1;
const sound = 2;

/** WebM or Matroska (RFC 9559), by what its EBML header says (RFC 8794 §11.2); undefined: neither, or only sound. */
export function matroskaType(head: DataView): string | undefined {
  if (!has(head, 0, '\x1a\x45\xdf\xa3')) return undefined;
  const [header] = elementsIn(head);
  const docType = header && elementsIn(header.content).find(({ id }) => id === element.docType);
  if (docType === undefined || isOnlySound(head)) return undefined;
  // A string may be padded with zeros (RFC 8794 §7.4).
  if (isText(docType.content, 'webm')) return 'video/webm';
  if (isText(docType.content, 'matroska')) return 'video/matroska';
  return undefined;
}

function isText(content: DataView, text: string): boolean {
  return has(content, 0, text) && (content.byteLength === text.length || content.getUint8(text.length) === 0);
}

function isOnlySound(head: DataView): boolean {
  const segment = elementsIn(head).find(({ id }) => id === element.segment);
  const tracks = segment && elementsIn(segment.content).find(({ id }) => id === element.tracks);
  if (tracks === undefined || tracks.cut) return false;
  const kinds = elementsIn(tracks.content)
    .filter(({ id }) => id === element.trackEntry)
    .map(({ content }) => elementsIn(content).find(({ id }) => id === element.trackType)?.content)
    .map((content) => (content?.byteLength === 1 ? content.getUint8(0) : 0))
    .toArray();
  return kinds.includes(sound) && !kinds.includes(video);
}

interface Element {
  readonly id: number;
  readonly content: DataView;
  readonly cut: boolean;
}

/** More than a header has; keeps a file of tiny elements cheap. */
const mostElements = 256;

/** The elements one after another in `inside`, the last one perhaps cut. Ends quietly at what is no element. */
function* elementsIn(inside: DataView): Generator<Element, undefined> {
  let at = 0;
  for (let count = 0; count < mostElements; count += 1) {
    const id = number(inside, at, 4);
    const size = id && number(inside, at + id.lengthBytes, 8);
    if (id === undefined || size === undefined) return;
    const start = at + id.lengthBytes + size.lengthBytes;
    // All ones: unknown, as in a recording that was streamed (RFC 8794 §6.2).
    const end = size.allOnes ? inside.byteLength : start + size.value;
    yield { id: id.marked, content: part(inside, start, end), cut: size.allOnes || end > inside.byteLength };
    at = end;
  }
}

/** A number of variable length (RFC 8794 §4): as many zero bits as bytes follow, a one, and the rest. */
function number(inside: DataView, at: number, mostBytes: number) {
  if (at >= inside.byteLength) return undefined;
  const lengthBytes = Math.clz32(inside.getUint8(at)) - 23;
  if (lengthBytes > mostBytes || at + lengthBytes > inside.byteLength) return undefined;
  let marked = 0;
  for (let i = 0; i < lengthBytes; i += 1) marked = marked * 256 + inside.getUint8(at + i);
  const marker = 2 ** (7 * lengthBytes);
  return { lengthBytes, marked, value: marked - marker, allOnes: marked === 2 * marker - 1 };
}
