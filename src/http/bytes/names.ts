/**
 * A `Content-Disposition` (RFC 6266) that suggests `name`, whatever a client called its file: the header cannot split,
 * and the name is one a browser may save under, in any language, without leaving its folder or pretending another type.
 */
export function contentDisposition(disposition: 'inline' | 'attachment', name: string): string {
  const fileName = safeFileName(name);
  const fallback = asciiOnly(fileName);
  const plain = `${disposition}; filename="${fallback}"`;
  // Recipients that know both take filename* (§4.3), wherever it stands.
  return fallback === fileName ? plain : `${plain}; filename*=UTF-8''${extValue(fileName)}`;
}

// Control characters, line and paragraph separators, and invisible ones: U+202E makes "gpj.exe" of "exe.jpg". The two
// joiners stay, which Persian and emoji are written with.
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;
const separators = /[/\\]/g;
const deviceNames = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

function safeFileName(name: string): string {
  const visible = name.toWellFormed().replace(unprintable, '').replace(separators, '_');
  // Shortened first: on a long name, trimming by pattern would take time by the square of its length.
  const trimmed = shortened(visible).replace(/^[.\s]+|[.\s]+$/g, '');
  const safe = trimmed.replace(deviceNames, '_$&');
  return safe === '' ? 'download' : safe;
}

/** What file systems allow for one name. */
const maxNameBytes = 255;
const maxExtensionBytes = 16;

/** Cuts the stem, so that the type of the file stays readable. */
function shortened(name: string): string {
  const nameBytes = Buffer.byteLength(name);
  if (nameBytes <= maxNameBytes) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot < 0 ? '' : name.slice(dot);
  const extensionBytes = Buffer.byteLength(extension);
  if (extensionBytes > maxExtensionBytes) return firstBytes(name, maxNameBytes);
  return firstBytes(name.slice(0, dot < 0 ? undefined : dot), maxNameBytes - extensionBytes) + extension;
}

/** As many whole characters as fit. */
function firstBytes(text: string, limitBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(limitBytes));
  return text.slice(0, read);
}

/**
 * For recipients without filename*: accents fall off, the rest becomes `_`. So do the quote and the backslash, which many
 * do not unescape, and the percent sign, which some decode (RFC 6266 appendix D).
 */
function asciiOnly(fileName: string): string {
  return fileName
    .normalize('NFD')
    .replace(/([a-z])\p{M}+/giu, '$1')
    .replace(/[^\x20-\x7e]|["\\%]/gu, '_');
}

/** RFC 8187 §3.2.1: what encodeURIComponent leaves and attr-char does not have is `'`, `(`, `)` and `*`. */
function extValue(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
