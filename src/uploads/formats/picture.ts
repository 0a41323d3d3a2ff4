import { HoldfastError } from '../../core/error.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * What the header of a picture says. Readers take the first bytes of the file as a DataView; reading past its end throws a
 * RangeError, which `recognise` takes for "the header goes on beyond these bytes". Readers check no bounds of their own.
 */
export interface Picture extends Size {
  /** Of what is stored, which a decoder must hold, only this much is shown. */
  readonly crop?: Size;
  /** Shown turned by a quarter, so that width and height swap; undefined: said beyond these bytes. */
  readonly quarterTurn: boolean | undefined;
  readonly animated: boolean;
}

/** @param what the header says that no picture can say */
export function unreadable(what: string): HoldfastError {
  return new HoldfastError(
    'unreadable-image',
    `The header of this image makes no sense: ${what}. Send it again.`,
  );
}

/** Whether these characters (one byte each) stand there; false where the bytes end before. */
export function has(head: DataView, at: number, text: string): boolean {
  if (at + text.length > head.byteLength) return false;
  for (let i = 0; i < text.length; i += 1) if (head.getUint8(at + i) !== text.charCodeAt(i)) return false;
  return true;
}

export function fourCharacters(head: DataView, at: number): string {
  return String.fromCharCode(
    head.getUint8(at),
    head.getUint8(at + 1),
    head.getUint8(at + 2),
    head.getUint8(at + 3),
  );
}

/** The bytes from `start` to before `end`, or to the end of `head` where that comes first. */
export function part(head: DataView, start: number, end: number): DataView {
  const last = Math.min(end, head.byteLength);
  return new DataView(head.buffer, head.byteOffset + Math.min(start, last), Math.max(0, last - start));
}
