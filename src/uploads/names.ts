const longestNameBytes = 255;
/** Control characters, and those that turn the direction of the text around and so hide what a name is. */
// eslint-disable-next-line no-control-regex
const unwanted = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

const endings: Record<string, string> = {
  'image/jpeg': 'jpg',
  'image/svg+xml': 'svg',
  'video/quicktime': 'mov',
  'video/x-matroska': 'mkv',
};

/**
 * A name to show people: the last part of whatever path the client sent, without what could mislead. It never names a file on
 * the server; those are named by their hash.
 */
export function cleanName(sent: string | undefined, type: string): string {
  const last = (sent ?? '').split(/[/\\]/).at(-1) ?? '';
  const name = shorten(last.toWellFormed().normalize('NFC').replace(unwanted, '').trim());
  return name === '' || /^\.+$/.test(name) ? `upload.${endingOf(type)}` : name;
}

export function endingOf(type: string): string {
  return endings[type] ?? type.split('/').at(-1)!;
}

/** Cuts in front of the ending, so that the name still says what it is. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= longestNameBytes) return name;
  const ending = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
  let stem = [...name.slice(0, name.length - ending.length)];
  while (Buffer.byteLength(stem.join('')) + ending.length > longestNameBytes) {
    stem = stem.slice(0, Math.max(0, Math.floor(stem.length * 0.9) - 1));
  }
  return stem.join('') + ending;
}
